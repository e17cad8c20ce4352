import { sql } from 'kysely'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../adapters/database.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const open = freshPGlite()

describe('the person’s page — DPDP Act 2023 §§6(4), 11; security.md BR-1, BR-4', () => {
  let database: Database
  let stage: Stage
  beforeAll(async () => {
    database = await open()
    stage = await openStage(database, { env: { DWAR_CONTACT: 'privacy@dwar.example' } })
  })
  afterAll(() => stage?.close())

  async function prepare(name = 'Test Shop') {
    const { client_id, client_secret } = await stage.addClient({ client_name: name })
    const options = { execute: [client.allowInsecureRequests] }
    const config = await client.discovery(stage.issuer, client_id, client_secret, undefined, options)
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access profile pan',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { url, config, verifier, clientId: client_id }
  }

  async function signIn(citizen = new Citizen(REDIRECT_URI), persona = 'asha', name?: string) {
    const { url, config, verifier, clientId } = await prepare(name)
    const callback = await logIn(url, { citizen, persona })
    const tokens = await client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier })
    return { citizen, config, tokens, clientId }
  }

  const account = (citizen: Citizen) => citizen.get(new URL('/account', stage.issuer))
  const textOf = ({ html }: Page) => html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')

  const signInHere = async (citizen: Citizen) => {
    const href = /href="(\/authorize[^"]+)"/.exec((await account(citizen)).html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    return citizen.get(new URL(href, stage.issuer))
  }
  const enter = async (citizen: Citizen, persona: string) =>
    signInAtDigiLocker(citizen, await signInHere(citizen), persona)
  const countOf = async (table: string) => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(database.db())
    return rows[0]?.n
  }

  it('offers who is not signed in to do so here, and tells whom to ask', async () => {
    const page = await account(new Citizen(REDIRECT_URI))
    expect(page.status).toBe(200)
    expect(textOf(page)).toContain('Sign in with DigiLocker')
    expect(page.html).toContain('mailto:privacy@dwar.example')
    expect(page.forms).toEqual([])
  })

  it('lets her sign in here without sharing anything, and take back what she shared from another browser', async () => {
    const { config, tokens, clientId } = await signIn()
    const citizen = new Citizen(REDIRECT_URI)
    const start = await signInHere(citizen)
    expect(textOf(start)).toContain('Sign in to your page')
    expect(textOf(start)).not.toContain('asked to share')
    const before = await Promise.all(['consent', 'oidc_grant'].map(countOf))
    const page = await signInAtDigiLocker(citizen, start, 'asha')
    expect(page.url.href).toBe(new URL('/account', stage.issuer).href)
    expect(textOf(page)).toContain('Test Shop')
    expect(textOf(page)).not.toContain('your page')
    expect(await Promise.all(['consent', 'oidc_grant'].map(countOf))).toEqual(before)
    expect(await stage.app.events.history({ clientId: 'dwar-account', type: 'account.entered' })).toHaveLength(1)
    await citizen.submit(page, /Take back consent/, [['client', clientId]])
    const used = client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
    await expect(used).rejects.toMatchObject({ status: 401 })
    await citizen.submit(await citizen.get(new URL('/logout', stage.issuer)), /^yes$/)
    expect(textOf(await account(citizen))).toContain('Sign in with DigiLocker')
    // The session over there is still open, and may be anybody's who held this phone.
    expect(textOf(await citizen.submit(await signInHere(citizen), /continue/i))).toContain('PIN')
  })

  it('makes no account for who never shared anything, and says so', async () => {
    const before = await countOf('account')
    const citizen = new Citizen(REDIRECT_URI)
    const page = await enter(citizen, 'farida')
    expect(page.status).toBe(404)
    expect(page.html).toContain('ACCOUNT_UNKNOWN')
    expect(await countOf('account')).toBe(before)
    const left = await citizen.submit(page, /Return to your page/)
    expect(left.url.href).toBe(new URL('/account', stage.issuer).href)
    expect(textOf(left)).toContain('Sign in with DigiLocker')
  })

  /** She has come back from DigiLocker, and her browser asks for the interaction next. */
  async function returned() {
    const citizen: Citizen = new Citizen(() => citizen.visited.at(-2)?.pathname.startsWith('/callback/') === true)
    const start = await signInHere(citizen)
    const csrf = start.forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const { url } = await signInAtDigiLocker(citizen, start, 'asha')
    const here = new Citizen(REDIRECT_URI)
    Object.assign(here, { jar: citizen.jar })
    return { citizen: here, url, csrf }
  }

  it('lets one press count, and leads whoever comes twice to the page', async () => {
    await signIn()
    const { citizen, url } = await returned()
    const impatient = new Citizen((at) => at.pathname.startsWith('/authorize/'))
    Object.assign(impatient, { jar: citizen.jar })
    const ways = await Promise.all(Array.from({ length: 20 }, () => impatient.get(url)))
    expect(new Set(ways.map((way) => way.url.href)).size).toBe(1)
    expect(textOf(await citizen.get(ways[0]?.url ?? url))).toContain('Test Shop')
    const history = await stage.app.events.history({ interactionUid: url.pathname.split('/')[2] ?? '' })
    expect(history.filter(({ body }) => body.type === 'account.entered')).toHaveLength(1)
  })

  it('takes no consent for the page, whatever is posted', async () => {
    await signIn()
    const { citizen, url, csrf } = await returned()
    const before = await countOf('consent')
    const at = new URL(`${url.pathname}/consent`, stage.issuer)
    const { html } = await citizen.post(at, { csrf, decision: 'share', shown: 'x' })
    expect(html).toContain('INTERACTION_OUT_OF_ORDER')
    expect((await citizen.post(at, { csrf, decision: 'no' })).html).toContain('INTERACTION_OUT_OF_ORDER')
    expect(await countOf('consent')).toBe(before)
  })

  it('tells nobody of the response type that is for the page alone', async () => {
    const { url } = await prepare()
    const other = new URL(url)
    other.searchParams.set('response_type', 'none')
    for (const name of ['code_challenge', 'code_challenge_method']) other.searchParams.delete(name)
    const answer = await new Citizen(REDIRECT_URI).get(other)
    expect(new URL(answer.url).searchParams.get('error')).toBe('invalid_request')
    const metadata = (await (await fetch(new URL('/.well-known/openid-configuration', stage.issuer))).json()) as object
    expect(metadata).toMatchObject({ response_types_supported: ['code'] })
  })

  it('shows each app by name and registered domain with the names of what was shared, and no value', async () => {
    const { citizen, config, tokens } = await signIn()
    const page = await account(citizen)
    const text = textOf(page)
    for (const told of ['Test Shop', 'shop.example', 'Full name', 'PAN', 'Since', 'Until']) expect(text).toContain(told)
    const values = await client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
    for (const value of [values.name, values.pan_number, values.birthdate, values.sub])
      expect(page.html).not.toContain(String(value))
    expect(page.headers['cache-control']).toContain('no-store')
  })

  it('takes one app back with one press: tokens, values and event', async () => {
    const { citizen, config, tokens, clientId } = await signIn()
    await signIn(citizen, 'asha', 'Other Shop')
    const page = await citizen.submit(await account(citizen), /Take back consent/, [['client', clientId]])
    expect(page.url.pathname).toBe('/account')
    expect(textOf(page)).toContain('You took your consent back')
    const used = client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
    await expect(used).rejects.toMatchObject({ status: 401 })
    const refreshed = client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    await expect(refreshed).rejects.toMatchObject({ error: 'invalid_grant' })
    const { rows } = await sql`select v.consent_id from consent_value v join consent c on c.id = v.consent_id
      where c.client_id = ${clientId}`.execute(database.db())
    expect(rows).toEqual([])
    const history = await stage.app.events.history({ clientId, type: 'consent.withdrawn' })
    expect(history).toHaveLength(1)
    expect(page.forms.flatMap(({ fields }) => fields.filter(([name]) => name === 'client'))).not.toContainEqual([
      'client',
      clientId,
    ])
    expect(textOf(page)).toContain('Other Shop')
  })

  it('says when a used token came back, and still says so after a new sign-in', async () => {
    const { citizen, config, tokens } = await signIn(undefined, 'bala')
    const rotate = () => client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    await rotate()
    await expect(rotate()).rejects.toMatchObject({ error: 'invalid_grant' })
    const page = textOf(await account(citizen))
    expect(page).toContain('Somebody may have copied it')
    expect(page).toContain('Ended for your safety')
  })

  it('shows nobody another person’s apps, and ends none of them', async () => {
    const asha = await signIn(undefined, 'asha', 'Asha’s Shop')
    const bala = await signIn(undefined, 'bala', 'Bala’s Shop')
    const page = await account(bala.citizen)
    expect(textOf(page)).not.toContain('Asha')
    await bala.citizen.submit(page, /Take back consent/, [['client', asha.clientId]])
    const { access_token } = asha.tokens
    expect((await client.fetchUserInfo(asha.config, access_token, client.skipSubjectCheck)).sub).toBeTruthy()
  })

  it.each([
    ['without its token', () => ({})],
    ['with another browser’s token', (other: string) => ({ csrf: other })],
  ])('refuses the form %s, and ends nothing', async (_case, csrf) => {
    const own = await signIn()
    const other = await signIn()
    const token = (await account(other.citizen)).forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const body = { client: own.clientId, ...csrf(token) }
    const page = await own.citizen.post(new URL('/account/withdraw', stage.issuer), body)
    expect(page.status).toBe(403)
    expect(page.html).toContain('CSRF_REFUSED')
    const { access_token } = own.tokens
    expect((await client.fetchUserInfo(own.config, access_token, client.skipSubjectCheck)).sub).toBeTruthy()
  })

  it('refuses a form that another site sent, with a token that is right', async () => {
    const { citizen, clientId } = await signIn()
    const csrf = (await account(citizen)).forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const at = new URL('/account/withdraw', stage.issuer)
    const page = await citizen.post(at, { csrf, client: clientId }, { 'sec-fetch-site': 'cross-site' })
    expect(page.html).toContain('CSRF_REFUSED')
  })

  it('believes no session cookie that it has not signed', async () => {
    const { citizen } = await signIn()
    const cookies = await citizen.jar.getCookies(stage.issuer.href)
    const session = cookies.find(({ key }) => key === 'dwar_session')
    const forged = new Citizen(REDIRECT_URI)
    await forged.jar.setCookie(`dwar_session=${session?.value}; Path=/`, stage.issuer.href)
    await forged.jar.setCookie('dwar_session.sig=AAAAAAAAAAAAAAAAAAAAAAAAAAA; Path=/', stage.issuer.href)
    expect((await account(forged)).forms).toEqual([])
  })

  it('shows the person who signed out nothing', async () => {
    const { citizen } = await signIn()
    const signOut = await citizen.get(new URL('/logout', stage.issuer))
    await citizen.submit(signOut, /^yes$/)
    expect((await account(citizen)).forms).toEqual([])
  })

  it('is linked from the consent page and from the first page', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const { url } = await prepare()
    const consent = await signInAtDigiLocker(citizen, await citizen.get(url), 'asha')
    expect(consent.html).toContain(`href="${new URL('/account', stage.issuer)}"`)
    expect(textOf(consent)).toContain('as easily as you give it')
    expect((await citizen.get(stage.issuer)).html).toContain('href="/account"')
  })
})
