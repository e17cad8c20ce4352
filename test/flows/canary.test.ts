import { setTimeout as pause } from 'node:timers/promises'
import * as client from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../adapters/database.ts'
import { listen } from '../../src/server.ts'
import { getPersona } from '../../src/simulator/personas.ts'
import type { Rule } from '../../src/simulator/rules.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { Canaries, dumpDatabase, watchResponses, withDecoded } from '../support/canary.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { openRecordingProxy, type RecordedCall, type RecordingProxy } from '../support/recording-proxy.ts'
import { sampleOf, scrape } from '../support/scrape.ts'
import {
  newSecrets,
  openStage,
  pinOf,
  REDIRECT_URI,
  registration,
  type Stage,
  sharedPki,
  signInAtDigiLocker,
  UPSTREAM,
} from '../support/stage.ts'

const SCOPE = 'openid offline_access profile address phone email driving_licence pan aadhaar age_over_18'
const EVERYTHING = ['address', 'phone_number', 'email', 'gender'].map((claim) => ['share', claim] as const)

/** Takes back what a test has put where it must not be. */
class Undone extends Error {}

/**
 * Known values go through every flow, those that fail included; afterwards none of them stands in the database, in the
 * logs at debug level, or in an address or header of ours where it does not belong.
 */
describeOnEachDatabase('what is kept of a person and of secrets', (open) => {
  const person = new Canaries()
  const upstream = new Canaries()
  const app = new Canaries()
  const browser = new Canaries()
  /** stand in the address that a browser is sent on to, and nowhere else */
  const handles = new Canaries()
  const dumps: Buffer[] = []
  let database: Database
  let simulator: Simulator
  let proxy: RecordingProxy
  let stage: Stage
  let watch: ReturnType<typeof watchResponses>
  let config: client.Configuration
  let secret: string
  let seconds = 0

  beforeAll(async () => {
    database = await open()
    simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [
        {
          ...UPSTREAM,
          redirectUris: [],
          scopes: ['files.issueddocs', 'userdetails', 'picture', 'email', 'address', 'profile'],
          openid: false,
        },
      ],
    })
    proxy = await openRecordingProxy(simulator.url)
    const secrets = newSecrets()
    stage = await openStage(database, {
      simulator,
      secrets,
      clock: () => Math.floor(Date.now() / 1000) + seconds,
      // kept, so that there is something to find
      env: { DIGILOCKER_BASE_URL: proxy.origin, DIGILOCKER_REVOKE_AFTER_FETCH: 'false' },
    })
    watch = watchResponses(stage.issuer)
    const added = await stage.addClient()
    secret = added.client_secret
    app.add('client secret', secret)
    for (const [name, value] of Object.entries(secrets)) app.add(name, value.replace(/^\w+:/, ''))
    config = await discover(added.client_id, secret)
    addPersona(person, 'asha')
    addPersona(person, 'meenakshi')
    addPersona(person, 'dev')
    await playEverything()
    for (const call of proxy.calls) addCall(upstream, call)
    dumps.push(await dumpDatabase(database))
  })
  afterAll(async () => {
    watch.stop()
    await stage.close()
    await proxy.close()
    await simulator.close()
  })

  const discover = (id: string, ownSecret: string) =>
    client.discovery(stage.issuer, id, ownSecret, undefined, { execute: [client.allowInsecureRequests] })

  /** An authorization request with canaries in every place that a relying app may fill. */
  async function prepare(parameters: Record<string, string> = {}) {
    const verifier = client.randomPKCECodeVerifier()
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    }
    app.add('verifier', verifier)
    app.add('state', checks.expectedState)
    app.add('nonce', checks.expectedNonce)
    const sent = {
      redirect_uri: REDIRECT_URI,
      scope: SCOPE,
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      login_hint: '+919876543210',
      ...parameters,
    }
    app.add('login_hint', sent.login_hint)
    return { checks, sent }
  }

  async function toConsent(citizen: Citizen, url: URL, persona = 'asha'): Promise<Page> {
    const start = await citizen.get(url)
    noteForms(start)
    const consent = await signInAtDigiLocker(citizen, start, persona)
    noteForms(consent)
    await noteCookies(citizen)
    return consent
  }

  function noteForms(page: Page): void {
    if (page.url.origin !== stage.issuer.origin) return
    for (const form of page.forms)
      for (const [name, value] of form.fields) if (name === 'csrf' || name === 'xsrf') browser.add(name, value)
  }

  /** Those that prove a browser. The interaction's own cookie names it, as its address does, and only the signature counts. */
  async function noteCookies(citizen: Citizen): Promise<void> {
    const { cookies } = (await citizen.jar.serialize()) ?? { cookies: [] }
    for (const { key, value, domain } of cookies)
      if (domain === 'localhost' && /^dwar_(browser|session)$|\.sig$/.test(key ?? ''))
        browser.add(`cookie ${key}`, value)
  }

  function noteTokens(tokens: { access_token?: string; refresh_token?: string; id_token?: string }): void {
    for (const name of ['access_token', 'refresh_token', 'id_token'] as const) app.add(name, tokens[name])
  }

  async function signIn(
    parameters: Record<string, string> = {},
    persona = 'asha',
    citizen = new Citizen('https://shop.example/'),
  ) {
    const { checks, sent } = await prepare(parameters)
    const consent = await toConsent(citizen, client.buildAuthorizationUrl(config, sent), persona)
    if (dumps.length < 4) dumps.push(await dumpDatabase(database)) // the outcome waits for consent
    const { url } = await citizen.submit(consent, /^share$/, EVERYTHING)
    await noteCookies(citizen)
    app.add('code', url.searchParams.get('code'))
    if (dumps.length < 4) dumps.push(await dumpDatabase(database)) // the code waits for its exchange
    const tokens = await client.authorizationCodeGrant(config, url, checks)
    noteTokens(tokens)
    return { tokens, url, checks, citizen }
  }

  async function playEverything(): Promise<void> {
    const login = await signIn()
    const userinfo = await client.fetchUserInfo(config, login.tokens.access_token, client.skipSubjectCheck)
    expect(userinfo).toMatchObject({
      name: getPersona('asha').name,
      birthdate: '1992-03-14',
      pan_number: 'ZZAPV0000A',
      email_verified: false,
    })
    await playAnotherScript()
    await playPdfs()
    await playOwnPage()
    await playPushed()
    await playTokens(login.tokens)
    await playReuse()
    await playHints()
    await playWhatWaits()
    await playUpstreamFailures()
    await playForeignReturns()
    await playExpiry()
    await playMalformed()
    await pause(50) // access lines are written when the answer has left
  }

  async function playAnotherScript(): Promise<void> {
    const claims = {
      userinfo: {
        verified_claims: {
          verification: {
            trust_framework: null,
            evidence: [{ type: { value: 'document' }, document_details: { document_number: null, type: null } }],
          },
          claims: { name: null, birthdate: null, address: null },
        },
      },
      id_token: { name: { essential: true }, birthdate: { value: '1966-01-26' } },
    }
    const { tokens } = await signIn({ claims: JSON.stringify(claims), ui_locales: 'hi' }, 'meenakshi')
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)
    expect(userinfo.verified_claims).toMatchObject({ claims: { birthdate: '1966-01-26' } })
  }

  /** Somebody whose PDFs hold name and numbers, of which nothing may stay anywhere. */
  async function playPdfs(): Promise<void> {
    const before = simulator.requestCounts().file ?? 0
    await signIn({}, 'dev')
    expect(simulator.requestCounts().file ?? 0).toBeGreaterThan(before)
  }

  /** She looks at what she shares, and somebody who shares nothing tries to. */
  async function playOwnPage(): Promise<void> {
    addPersona(person, 'farida')
    const signInHere = async (persona: string) => {
      const citizen = new Citizen('https://shop.example/')
      const { html } = await citizen.get(new URL('/account', stage.issuer))
      const href = /href="(\/authorize[^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? ''
      return toConsent(citizen, new URL(href, stage.issuer), persona)
    }
    expect((await signInHere('asha')).url.pathname).toBe('/account')
    expect((await signInHere('farida')).html).toContain('ACCOUNT_UNKNOWN')
    dumps.push(await dumpDatabase(database))
  }

  async function playPushed(): Promise<void> {
    const { checks, sent } = await prepare()
    const url = await client.buildAuthorizationUrlWithPAR(config, sent)
    app.add('request_uri', url.searchParams.get('request_uri')?.split(':').at(-1))
    dumps.push(await dumpDatabase(database))
    const citizen = new Citizen(REDIRECT_URI)
    const done = await citizen.submit(await toConsent(citizen, url), /^share$/, EVERYTHING)
    app.add('code', done.url.searchParams.get('code'))
    noteTokens(await client.authorizationCodeGrant(config, done.url, checks))
  }

  async function playTokens(first: client.TokenEndpointResponse): Promise<void> {
    const second = await client.refreshTokenGrant(config, first.refresh_token ?? '')
    noteTokens(second)
    await client.tokenIntrospection(config, second.access_token)
    await client.tokenIntrospection(config, second.refresh_token ?? '')
    await client.tokenRevocation(config, second.refresh_token ?? '')
    await expect(client.fetchUserInfo(config, second.access_token, client.skipSubjectCheck)).rejects.toMatchObject({
      status: 401,
    })
  }

  async function playReuse(): Promise<void> {
    const { tokens, url, checks } = await signIn()
    noteTokens(await client.refreshTokenGrant(config, tokens.refresh_token ?? ''))
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    await expect(client.authorizationCodeGrant(config, url, checks)).rejects.toMatchObject({ error: 'invalid_grant' })
    const again = await signIn()
    await expect(client.authorizationCodeGrant(config, again.url, again.checks)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  }

  /** What a relying app gives as hints, and the sign-out. */
  async function playHints(): Promise<void> {
    const { tokens, citizen } = await signIn({ scope: 'openid pan', prompt: 'login' })
    const hint = { id_token_hint: tokens.id_token ?? '' }
    const silent = await prepare({ scope: 'openid pan', prompt: 'none', ...hint })
    const { url } = await citizen.get(client.buildAuthorizationUrl(config, silent.sent))
    app.add('code', url.searchParams.get('code'))
    expect(url.searchParams.get('code')).toBeTruthy()
    const page = await citizen.get(
      client.buildEndSessionUrl(config, {
        ...hint,
        post_logout_redirect_uri: 'https://shop.example/bye',
        state: 'the-logout-state',
        logout_hint: '+919876543210',
      }),
    )
    app.add('logout state', 'the-logout-state')
    noteForms(page)
    dumps.push(await dumpDatabase(database))
    expect((await citizen.submit(page, /^yes$/)).url.href).toContain('/bye')
  }

  /** What stands in the database for a while only: a repeatable answer, a posted form, an app to be told, a former secret. */
  async function playWhatWaits(): Promise<void> {
    const impatient = config
    const added = await stage.addClient({
      backchannel_logout_uri: 'http://localhost:9/logout',
      backchannel_logout_session_required: true,
      dwar: { ...registration.dwar, graceSeconds: 30 },
    })
    app.add('client secret', added.client_secret)
    config = await discover(added.client_id, added.client_secret)
    const { tokens, citizen } = await signIn()
    noteTokens(await client.refreshTokenGrant(config, tokens.refresh_token ?? ''))
    noteTokens(await client.refreshTokenGrant(config, tokens.refresh_token ?? '')) // the same answer again
    await postForm('/authorize', { client_id: added.client_id, response_type: 'code', ...(await prepare()).sent })
    await postForm('/logout', { id_token_hint: tokens.id_token ?? '', logout_hint: '+919876543210' })
    const page = await citizen.get(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' }))
    noteForms(page)
    await citizen.submit(page, /^yes$/)
    app.add('client secret', (await stage.app.clients.rotateSecret(added.client_id, 600)).client_secret)
    dumps.push(await dumpDatabase(database))
    config = impatient
  }

  /** A form of another site's, which the browser has not come for yet. */
  async function postForm(path: string, form: Record<string, string>): Promise<void> {
    const body = new URLSearchParams(form)
    const answer = await fetch(new URL(path, stage.issuer), { method: 'POST', body, redirect: 'manual' })
    expect(answer.status).toBe(303)
    handles.add('handle', new URL(answer.headers.get('location') ?? '', stage.issuer).search.split('=').at(-1))
  }

  async function playUpstreamFailures(): Promise<void> {
    const faults: Rule[] = [
      { quirk: 'tampered-xml' },
      { quirk: 'unsigned-xml' },
      { quirk: 'hmac-wrong' },
      { quirk: 'other-doctype' },
      { endpoint: 'token', status: 500 },
      { endpoint: 'token', status: 401 },
      { endpoint: 'user', status: 500, body: 'html' },
      { endpoint: 'issued', status: 530 },
      { endpoint: 'xml', status: 500 },
    ]
    for (const fault of faults) {
      simulator.setFaults([fault])
      const citizen = new Citizen(REDIRECT_URI)
      const page = await toConsent(citizen, client.buildAuthorizationUrl(config, (await prepare()).sent))
      expect([fault, page.status >= 400 || page.forms.length > 0]).toEqual([fault, true])
      if (page.status >= 400) await citizen.submit(page, /return/i)
    }
    simulator.setFaults([{ quirk: 'deny-without-state' }])
    const denier = new Citizen(REDIRECT_URI)
    const start = await denier.get(client.buildAuthorizationUrl(config, (await prepare()).sent))
    await denier.submit(await signInAtDigiLocker(denier, start, 'asha', 'Deny'), /return/i)
    simulator.clearFaults()
  }

  /** A return with a wrong state, and with the right one in another browser: none is exchanged, none is written down. */
  async function playForeignReturns(): Promise<void> {
    const citizen = new Citizen(new URL('/callback/', stage.issuer).href)
    const signIn = await citizen.submit(
      await citizen.get(client.buildAuthorizationUrl(config, (await prepare()).sent)),
      /continue/i,
    )
    const consent = await citizen.submit(signIn, /Sign in/, [
      ['persona', 'asha'],
      ['pin', pinOf(signIn, 'asha')],
    ])
    const { url } = await citizen.submit(consent, /^Allow$/)
    upstream.add('code', url.searchParams.get('code'))
    upstream.add('state', url.searchParams.get('state'))
    const stranger = new Citizen(REDIRECT_URI)
    expect((await stranger.get(url)).status).toBe(403)
    const wrong = new URL(url)
    wrong.searchParams.set('state', 'a-state-that-nobody-gave')
    upstream.add('state', 'a-state-that-nobody-gave')
    expect((await stranger.get(wrong)).status).toBe(400)
    const json = await fetch(url, { headers: { accept: 'application/json' } })
    expect(await json.json()).toMatchObject({ code: 'RAIL_BROWSER_MISMATCH' })
  }

  async function playExpiry(): Promise<void> {
    const citizen = new Citizen(REDIRECT_URI)
    const consent = await toConsent(citizen, client.buildAuthorizationUrl(config, (await prepare()).sent))
    const late = new Citizen(new URL('/callback/', stage.issuer).href)
    const signIn = await late.submit(
      await late.get(client.buildAuthorizationUrl(config, (await prepare()).sent)),
      /continue/i,
    )
    const upstreamConsent = await late.submit(signIn, /Sign in/, [
      ['persona', 'asha'],
      ['pin', pinOf(signIn, 'asha')],
    ])
    const { url } = await late.submit(upstreamConsent, /^Allow$/)
    upstream.add('code', url.searchParams.get('code'))
    seconds = 1000
    expect((await citizen.submit(consent, /^share$/)).html).toContain('INTERACTION_EXPIRED')
    const onward = new Citizen(REDIRECT_URI)
    Object.assign(onward, { jar: late.jar })
    expect((await onward.get(url)).html).toContain('RAIL_EXPIRED')
    seconds = 0
  }

  /** Wrong in form: what the engine, the database or a parser refuses may be quoted in nobody's message. */
  async function playMalformed(): Promise<void> {
    const id = config.clientMetadata().client_id
    const post = (path: string, form: Record<string, string>, password = secret) =>
      fetch(new URL(path, stage.issuer), {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}` },
        body: new URLSearchParams(form),
      })
    const made = (name: string) => {
      const value = `${name}-that-was-never-given`
      app.add(name, value)
      return value
    }
    await post('/token', {
      grant_type: 'authorization_code',
      code: made('a-code'),
      redirect_uri: REDIRECT_URI,
      code_verifier: made('a-verifier'),
    })
    await post('/token', { grant_type: 'refresh_token', refresh_token: made('a-refresh-token') })
    await post('/token', { grant_type: 'refresh_token', refresh_token: `${made('a-null-token')}\0` })
    await post('/introspect', { token: made('a-token') }, made('a-secret'))
    await post('/introspect', { token: 'eyJhbGciOiJub25lIn0.e30.' })
    await fetch(new URL('/userinfo', stage.issuer), { headers: { authorization: `Bearer ${made('a-bearer')}` } })
    const { sent } = await prepare({ state: `${made('a-null-state')}\0`, nonce: `${made('a-null-nonce')}\0` })
    await new Citizen(REDIRECT_URI).get(client.buildAuthorizationUrl(config, sent))
    const hint = await prepare({ id_token_hint: made('a-hint') })
    await new Citizen(REDIRECT_URI).get(client.buildAuthorizationUrl(config, hint.sent))
    const wrongClaims = await prepare({ claims: JSON.stringify({ userinfo: { name: made('a-claim') } }) })
    await new Citizen(REDIRECT_URI).get(client.buildAuthorizationUrl(config, wrongClaims.sent))
  }

  const toUpstream = (name: string, value: string) => name === 'location' && value.startsWith(proxy.origin)
  const toApp = (name: string, value: string) => name === 'location' && value.startsWith('https://shop.example/')
  const all = () => [person, upstream, app, browser]
  const foundIn = (haystack: string | Uint8Array) => all().flatMap((canaries) => canaries.foundIn(haystack))

  it('has put a canary in every place that matters', () => {
    expect(person.names).toEqual(
      expect.arrayContaining([
        'address',
        'birthdate',
        'e-mail',
        'licence',
        'masked Aadhaar',
        'mobile',
        'name',
        'name in its script',
        'PAN',
      ]),
    )
    expect(upstream.names).toEqual(
      expect.arrayContaining([
        'access_token',
        'client secret',
        'code',
        'code_verifier',
        'digilockerid',
        'document URI',
        'hmac',
        'reference_key',
        'refresh_token',
        'scope',
        'state',
      ]),
    )
    expect(app.names).toEqual(
      expect.arrayContaining([
        'DWAR_COOKIE_KEYS',
        'DWAR_INDEX_SECRET',
        'DWAR_VAULT_KEYS',
        'access_token',
        'client secret',
        'code',
        'id_token',
        'login_hint',
        'nonce',
        'refresh_token',
        'request_uri',
        'state',
        'verifier',
      ]),
    )
    expect(browser.names).toEqual(
      expect.arrayContaining([
        'cookie dwar_browser',
        'cookie dwar_interaction.sig',
        'cookie dwar_session',
        'csrf',
        'xsrf',
      ]),
    )
    expect(handles.names).toEqual(['handle'])
    expect(dumps.length).toBeGreaterThan(5)
    expect(stage.logs().split('\n').length).toBeGreaterThan(100)
  })

  const rowsOf = (dump: Buffer, table: string) =>
    Number(new RegExp(`\\n${table}: (\\d+)\\n`).exec(dump.toString())?.[1])

  it.each(['refresh_repeat', 'posted_request', 'logout_delivery'])(
    'has looked while there was something in %s',
    (table) => {
      expect(dumps.some((dump) => rowsOf(dump, table) > 0)).toBe(true)
    },
  )

  it('has looked while a client had a former secret', async () => {
    const kept = await database.hot(
      'test_former',
      'select 1 as one from client where sealed_previous_secret is not null',
      [],
    )
    expect(kept).toHaveLength(1)
  })

  it.each([
    ['refresh_repeat', 'sealed_answer', () => app.valueOf('access_token')],
    ['posted_request', 'sealed', () => app.valueOf('login_hint')],
    ['logout_delivery', 'sid', () => browser.valueOf('cookie dwar_session')],
    ['client', 'sealed_previous_secret', () => app.valueOf('client secret')],
  ])('would find one in %s.%s', async (table, column, leak) => {
    await database
      .transact(async () => {
        const set = column === 'sid' ? '$1::text' : `convert_to($1::text, 'UTF8')`
        const leaked = await database.hot(
          `test_leak_${table}`,
          `update ${table} set ${column} = ${set} where ${column} is not null returning 1 as leaked`,
          [leak()],
        )
        expect(leaked.length).toBeGreaterThan(0)
        expect(foundIn(await dumpDatabase(database))).not.toEqual([])
        throw new Undone()
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error
      })
  })

  it('keeps none of them in clear in any table, at any moment of a login', () => {
    expect([...new Set(dumps.flatMap((dump) => [...foundIn(dump), ...handles.foundIn(dump)]))]).toEqual([])
  })

  it('writes none of them to the log, at debug level', () => {
    const logs = withDecoded(Buffer.from(stage.logs()))
    expect([...foundIn(logs), ...handles.foundIn(logs)]).toEqual([])
  })

  it('counts none of them: metrics name nobody', async () => {
    const listening = await listen(stage.app.handleMetrics, { host: '127.0.0.1', port: 0 })
    const text = await scrape(listening.port)
    await listening.close(0)
    expect(sampleOf(text, 'dwar_documents_total', { outcome: 'verified' })).toBeGreaterThan(1)
    expect(foundIn(text)).toEqual([])
  })

  it('shows none of them in an address of ours, but where the protocol itself puts it', () => {
    const ours = watch.sent
      .map(({ url }) => url)
      .filter(({ pathname }) => !['/authorize', '/logout', '/callback/digilocker'].includes(pathname))
    expect(ours.some(({ pathname }) => pathname.startsWith('/interaction/'))).toBe(true)
    expect(foundIn(ours.join('\n'))).toEqual([])
    // What a relying app may put into its own requests; of the upstream and of the browser nothing is there either.
    const theirs = watch.sent.map(({ url }) => url).filter(({ pathname }) => pathname !== '/callback/digilocker')
    const text = theirs.join('\n')
    expect([...upstream.foundIn(text), ...browser.foundIn(text)]).toEqual([])
  })

  it.each<[string, (name: string, value: string) => boolean, () => Canaries[]]>([
    ['cookies carry only themselves', (name) => name === 'set-cookie', () => [person, upstream, app]],
    ['the way to the upstream carries only our state', toUpstream, () => [person, app, browser]],
    ['the way back to the app carries only its code and state', toApp, () => [person, upstream, browser]],
    [
      'no other header carries any',
      (...header) => header[0] !== 'set-cookie' && !toUpstream(...header) && !toApp(...header),
      all,
    ],
  ])('sends none of them in a header where it does not belong: %s', (_rule, matches, forbidden) => {
    const headers = watch.sent.flatMap((response) => response.headers).filter((header) => matches(...header))
    expect(headers.length).toBeGreaterThan(10)
    const text = headers.map((header) => header.join(': ')).join('\n')
    expect(forbidden().flatMap((canaries) => canaries.foundIn(text))).toEqual([])
  })

  it('would find one: in a text, in JSON, in bytes, in hexadecimal and in base64', async () => {
    const { name } = getPersona('asha')
    const planted = [
      Buffer.from(name),
      Buffer.from(name.toUpperCase()),
      Buffer.from(JSON.stringify({ deep: [{ name }] })),
      Buffer.from(Buffer.from(name).toString('hex')),
      ...['', 'x', 'xy'].map((before) => Buffer.from(Buffer.from(`${before}${name}.`).toString('base64url'))),
    ]
    for (const bytes of planted) expect(person.foundIn(bytes)).toEqual(['name'])
    for (const bytes of planted) {
      await database.hot('plant', 'insert into rail_credential (rail, client_id, sealed_secret) values ($1, $2, $3)', [
        'planted',
        'planted',
        bytes,
      ])
      expect(person.foundIn(await dumpDatabase(database))).toContain('name')
      await database.hot('unplant', 'delete from rail_credential where rail = $1', ['planted'])
    }
    await database.hot(
      'plant_text',
      'insert into rail_credential (rail, client_id, sealed_secret) values ($1, $2, $3)',
      [name, 'planted', Buffer.from('x')],
    )
    expect(person.foundIn(await dumpDatabase(database))).toEqual(['name'])
  })
})

function addPersona(canaries: Canaries, id: string): void {
  const persona = getPersona(id)
  const [year, month, day] = persona.birthdate.split('-')
  canaries.add('name', persona.name)
  canaries.add('relative', persona.relative)
  for (const written of [
    persona.birthdate,
    `${day}-${month}-${year}`,
    `${day}/${month}/${year}`,
    `${day}${month}${year}`,
  ])
    canaries.add('birthdate', written)
  canaries.add('mobile', persona.mobile)
  canaries.add('e-mail', persona.email)
  canaries.add('PAN', persona.pan?.number)
  canaries.add('licence', persona.licence?.number)
  canaries.add('masked Aadhaar', persona.aadhaar && `xxxxxxxx${persona.aadhaar.lastFour}`)
  canaries.add('digilockerid', persona.digilockerId)
  canaries.add('user name', persona.username)
  const { street, locality, landmark, house } = persona.address
  for (const line of [street, locality, landmark]) canaries.add('address', line)
  if (house.length > 6) canaries.add('address', house)
  const { local } = persona.aadhaar ?? {}
  canaries.add('name in its script', local?.name)
  for (const line of [local?.careOf, local?.street, local?.locality]) canaries.add('address in its script', line)
}

/** What passed between us and the upstream. */
function addCall(
  canaries: Canaries,
  { path, requestHeaders, requestBody, responseHeaders, responseBody }: RecordedCall,
): void {
  canaries.add('client secret', UPSTREAM.clientSecret)
  if (!path.startsWith('/public/oauth2/')) return
  const form = new URLSearchParams(requestBody)
  for (const name of ['code', 'code_verifier']) canaries.add(name, form.get(name))
  canaries.add('state', new URL(path, 'http://upstream.test').searchParams.get('state') ?? undefined)
  canaries.add('authorization', requestHeaders.authorization?.split(' ')[1])
  canaries.add('hmac', [responseHeaders.hmac ?? ''].flat()[0])
  canaries.add('document URI', /\/xml\/(.+)$/.exec(decodeURIComponent(path))?.[1])
  canaries.add('tkn', /tkn="([^"]+)"/.exec(responseBody)?.[1])
  if (!responseHeaders['content-type']?.includes('json')) return
  const body = JSON.parse(responseBody) as Record<string, unknown>
  for (const name of ['access_token', 'refresh_token', 'scope', 'reference_key', 'digilockerid', 'picture'])
    if (typeof body[name] === 'string') canaries.add(name, body[name])
}
