import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPostgres } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const open = freshPostgres()
const [TWO, AADHAAR, DOCUMENT, ACCOUNT] = ['two-documents', 'aadhaar', 'document', 'account'].map(
  (level) => `urn:dwar:acr:${level}`,
)

/** `acr`: OpenID Connect Core 1.0 §§2, 3.1.2.1, 5.5.1.1; OpenID Connect Unmet Authentication Requirements 1.0. */
describe('levels of assurance', () => {
  let stage: Stage
  let config: client.Configuration
  let withDefault: client.Configuration

  beforeAll(async () => {
    stage = await openStage(await open())
    const options = { execute: [client.allowInsecureRequests] }
    const discover = async (change: Record<string, unknown>) => {
      const { client_id, client_secret } = await stage.addClient(change)
      return client.discovery(stage.issuer, client_id, client_secret, undefined, options)
    }
    config = await discover({})
    withDefault = await discover({ default_acr_values: [AADHAAR] })
  })
  afterAll(() => stage.close())

  async function ask(parameters: Record<string, string>, of = config) {
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(of, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    })
    return { verifier, url }
  }

  async function acrOf(parameters: Record<string, string>, persona: string, of = config) {
    const { verifier, url } = await ask(parameters, of)
    const callback = await logIn(url, { persona })
    const tokens = await client.authorizationCodeGrant(of, callback, { pkceCodeVerifier: verifier })
    return { acr: tokens.claims()?.acr, amr: tokens.claims()?.amr }
  }

  const asking = { claims: JSON.stringify({ id_token: { acr: null } }) }
  const insisting = (acr: object) => ({ claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }) })

  it('Discovery §3: advertises the ladder of acr, and nothing about how DigiLocker signed her in', () => {
    const metadata = config.serverMetadata()
    expect(metadata.acr_values_supported).toEqual([TWO, AADHAAR, DOCUMENT, ACCOUNT])
    expect(metadata.claims_supported).toContain('acr')
    expect(metadata.claims_supported).not.toContain('amr')
  })

  it.each<[string, Record<string, string>, string, string | undefined]>([
    ['nothing asked: no document was needed', {}, 'asha', ACCOUNT],
    ['a document was needed', { scope: 'openid driving_licence' }, 'asha', DOCUMENT],
    ['e-Aadhaar was needed', { scope: 'openid aadhaar' }, 'asha', AADHAAR],
    ['two were needed, and agree', { scope: 'openid aadhaar pan' }, 'asha', TWO],
    ['a wish for two documents', { acr_values: `${TWO} ${DOCUMENT}` }, 'asha', TWO],
    ['a wish for Aadhaar', { acr_values: AADHAAR ?? '' }, 'asha', AADHAAR],
    ['a wish for less than there is', { scope: 'openid aadhaar pan', acr_values: DOCUMENT ?? '' }, 'asha', DOCUMENT],
    ['a wish that nobody can grant', { acr_values: 'urn:example:gold' }, 'asha', ACCOUNT],
    ['a wish for Aadhaar, which she has not linked', { acr_values: `${AADHAAR} ${ACCOUNT}` }, 'bala', ACCOUNT],
  ])('Core §3.1.2.1: tells what this login reached: %s', async (_case, parameters, persona, acr) => {
    expect(await acrOf({ ...asking, ...parameters }, persona)).toEqual({ acr, amr: undefined })
  })

  it('Core §2: tells the level only where it was asked for', async () => {
    expect(await acrOf({ scope: 'openid aadhaar' }, 'asha')).toEqual({ acr: undefined, amr: undefined })
  })

  it('Core §3.1.2.1: takes the default of the registration as a wish', async () => {
    expect(await acrOf({}, 'asha', withDefault)).toMatchObject({ acr: AADHAAR })
    expect(await acrOf({}, 'bala', withDefault)).toMatchObject({ acr: ACCOUNT })
  })

  it('Core §5.5.1.1: asks DigiLocker for the documents that a required level takes, and tells that level', async () => {
    expect(await acrOf(insisting({ value: TWO }), 'asha')).toMatchObject({ acr: TWO })
    expect(await acrOf(insisting({ values: [TWO, DOCUMENT] }), 'bala')).toMatchObject({ acr: TWO })
  })

  it.each([
    ['the request', {}],
    ['a request with another wish beside it', { acr_values: ACCOUNT ?? '' }],
  ])('Core §5.5.1.1: ends as the standard says when a required level is not reached: %s', async (_case, further) => {
    const { url } = await ask({ ...insisting({ value: AADHAAR }), ...further, state: 's1' })
    const citizen = new Citizen(REDIRECT_URI)
    const page = await signInAtDigiLocker(citizen, await citizen.get(url), 'bala')
    expect([page.status, /ACR_UNMET/.test(page.html)]).toEqual([422, true])
    const { url: back } = await citizen.submit(page, /return/i)
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      error: 'unmet_authentication_requirements',
      state: 's1',
      iss: stage.issuer.origin,
    })
    expect(back.searchParams.has('code')).toBe(false)
  })

  it('Core §5.5.1.1: lets nobody consent below a required level by a form of her own', async () => {
    const { url } = await ask(insisting({ value: AADHAAR }))
    const citizen = new Citizen(REDIRECT_URI)
    const page = await signInAtDigiLocker(citizen, await citizen.get(url), 'bala')
    const csrf = page.forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const forged = await citizen.post(new URL(`${page.url.pathname}/consent`, page.url), { csrf, decision: 'share' })
    expect(forged.status).toBe(409)
  })

  it.each<[string, object]>([
    ['a level that there is not', { value: 'urn:example:gold' }],
    ['what is no level', { value: { acr: ACCOUNT } }],
    ['a list of what are none', { values: [1, {}] }],
    ['an empty list', { values: [] }],
    ['two things at once', { value: ACCOUNT, values: [AADHAAR] }],
  ])('Core §5.5.1.1: refuses at once what no login of ours can reach: %s', async (_case, acr) => {
    const { url } = await ask(insisting(acr))
    const { url: back } = await new Citizen(REDIRECT_URI).get(url)
    expect(back.searchParams.get('error')).toBe('unmet_authentication_requirements')
  })

  it('Core §5.5.1.1: is silent where the session holds what is required, and tells what was required', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    await logIn((await ask({ scope: 'openid aadhaar pan', ...insisting({ value: TWO }) })).url, { citizen })
    const silently = async (parameters: Record<string, string>) => {
      const { verifier, url } = await ask({ scope: 'openid aadhaar pan', prompt: 'none', ...parameters })
      const { url: back } = await citizen.get(url)
      if (back.searchParams.has('error')) return back.searchParams.get('error')
      const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier })
      return tokens.claims()?.acr
    }
    expect(await silently(insisting({ value: TWO }))).toBe(TWO)
    expect(await silently(insisting({ value: DOCUMENT }))).toBe(DOCUMENT)
    expect(await silently(insisting({ values: [AADHAAR, ACCOUNT] }))).toBe(ACCOUNT)
    expect(await silently({ ...asking, acr_values: DOCUMENT ?? '' })).toBe(DOCUMENT)
    expect(await silently({ ...asking, acr_values: 'urn:example:gold' })).toBe(TWO)
    // Two documents may be a licence and a PAN: what this session has shown is not said to be Aadhaar.
    expect(await silently(insisting({ value: AADHAAR }))).toBe('unmet_authentication_requirements')
    expect(await silently({ ...insisting({ value: AADHAAR }), acr_values: DOCUMENT ?? '' })).toBe(
      'unmet_authentication_requirements',
    )
  })

  it('Core §3.1.2.6: nobody signed in is login_required, whatever level is required', async () => {
    const { url } = await ask({ ...insisting({ value: AADHAAR }), prompt: 'none' })
    expect((await new Citizen(REDIRECT_URI).get(url)).url.searchParams.get('error')).toBe('login_required')
  })

  it('Core §5.5.1.1: sends a session of a lower level to DigiLocker, though all else was agreed to', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const first = await ask({})
    await logIn(first.url, { citizen })
    const silent = await ask({ prompt: 'none' })
    expect((await citizen.get(silent.url)).url.searchParams.has('code')).toBe(true)
    const higher = await ask(insisting({ value: AADHAAR }))
    const start = await citizen.get(higher.url)
    expect(start.url.pathname).toMatch(/^\/interaction\//)
    const quiet = await ask({ ...insisting({ value: AADHAAR }), acr_values: ACCOUNT ?? '', prompt: 'none' })
    expect((await citizen.get(quiet.url)).url.searchParams.get('error')).toBe('unmet_authentication_requirements')
  })
})
