import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { addRelyingApp, makeKey, type RelyingApp } from '../support/relying-app.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

const open = freshPGlite()

describe('parameters of the authentication request — OpenID Connect Core §3.1.2.1', () => {
  let stage: Stage
  let app: RelyingApp
  /** a browser in which Asha has signed in and agreed to `SCOPE` */
  let citizen: Citizen
  let idToken = ''
  const SCOPE = 'openid profile'

  beforeAll(async () => {
    stage = await openStage(await open())
    app = await addRelyingApp(stage)
    citizen = new Citizen(REDIRECT_URI)
    const { verifier, parameters } = await app.request({ scope: SCOPE, prompt: undefined })
    const back = await logIn(app.authorizeUrl(parameters), { citizen })
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const answer = (await (await app.exchange(callback, verifier)).json()) as { id_token: string }
    idToken = answer.id_token
  })
  afterAll(() => stage.close())

  const send = async (change: Record<string, string | undefined>, who = citizen) => {
    const { parameters } = await app.request({ scope: SCOPE, prompt: undefined, ...change })
    return who.get(app.authorizeUrl(parameters))
  }
  const stranger = () => new Citizen(REDIRECT_URI)
  const errorOf = ({ url }: { url: URL }) => url.searchParams.get('error')

  describe('prompt', () => {
    it('Core §3.1.2.1: prompt=none gives a code where she has agreed to exactly this, without a page', async () => {
      expect((await send({ prompt: 'none' })).url.searchParams.get('code')).toBeTruthy()
    })

    it('Core §3.1.2.6: prompt=none is login_required of a stranger, consent_required for more than she agreed to', async () => {
      expect(errorOf(await send({ prompt: 'none' }, stranger()))).toBe('login_required')
      expect(errorOf(await send({ prompt: 'none', scope: 'openid profile pan' }))).toBe('consent_required')
    })

    it.each(['login', 'consent', 'login consent'])(
      'Core §3.1.2.1: prompt=%s shows our page, though she is signed in',
      async (prompt) => {
        expect((await send({ prompt })).url.pathname).toMatch(/^\/interaction\//)
      },
    )

    it.each(['none login', 'select_account', 'create', 'nonsense'])(
      'Core §3.1.2.1: prompt=%s is invalid_request',
      async (prompt) => {
        expect(errorOf(await send({ prompt }))).toBe('invalid_request')
      },
    )

    it('Core §3.1.2.1: prompt=login asks DigiLocker for a new sign-in, not for its own session', async () => {
      const start = await send({ prompt: 'login' }, stranger())
      const browser = stranger()
      expect(start.url.pathname).toMatch(/^\/interaction\//)
      const again = await browser.submit(await send({ prompt: 'login' }, browser), /continue/i)
      expect(again.html).toContain('PIN')
    })
  })

  describe('max_age', () => {
    it('Core §3.1.2.1: max_age lets a younger sign-in pass, and asks anew for an older one', async () => {
      expect((await send({ max_age: '3600' })).url.searchParams.get('code')).toBeTruthy()
      expect((await send({ max_age: '0' })).url.pathname).toMatch(/^\/interaction\//)
      expect(errorOf(await send({ max_age: '0', prompt: 'none' }))).toBe('login_required')
    })

    it.each(['-1', 'soon'])('Core §3.1.2.1: max_age=%s is invalid_request', async (max_age) => {
      expect(errorOf(await send({ max_age }))).toBe('invalid_request')
    })

    it('Core §2: max_age puts auth_time into the ID token', async () => {
      const { verifier, parameters } = await app.request({ scope: SCOPE, prompt: undefined, max_age: '3600' })
      const { url } = await citizen.get(app.authorizeUrl(parameters))
      const callback = oauth.validateAuthResponse(app.as, app.client, url, parameters.get('state') ?? '')
      const tokens = await oauth.processAuthorizationCodeResponse(
        app.as,
        app.client,
        await app.exchange(callback, verifier),
        { expectedNonce: parameters.get('nonce') ?? '', maxAge: 3600 },
      )
      expect(oauth.getValidatedIdTokenClaims(tokens)?.auth_time).toEqual(expect.any(Number))
    })
  })

  describe('id_token_hint', () => {
    it('Core §3.1.2.1: id_token_hint lets her pass, and nobody else', async () => {
      expect((await send({ prompt: 'none', id_token_hint: idToken })).url.searchParams.get('code')).toBeTruthy()
      const other = stranger()
      const { parameters } = await app.request({ scope: SCOPE, prompt: undefined })
      await logIn(app.authorizeUrl(parameters), { citizen: other, persona: 'ravi' })
      expect(errorOf(await send({ prompt: 'none', id_token_hint: idToken }, other))).toBe('login_required')
    })

    it('Core §3.1.2.1: id_token_hint is refused when it is not ours', async () => {
      expect(errorOf(await send({ id_token_hint: 'e30.e30.e30' }))).toBe('invalid_request')
      const { privateKey } = await makeKey('RS256')
      const { SignJWT } = await import('jose')
      const forged = await new SignJWT({ sub: 'x' })
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuer(stage.issuer.origin)
        .setAudience(app.client.client_id)
        .setExpirationTime('1h')
        .setIssuedAt()
        .sign(privateKey)
      expect(errorOf(await send({ id_token_hint: forged }))).toBe('invalid_request')
    })
  })

  it('Core §3.1.2.1: login_hint changes nothing and goes nowhere, being personal data that DigiLocker does not take', async () => {
    const browser = stranger()
    const hint = '+919876543210'
    const start = await send({ login_hint: hint }, browser)
    expect(start.html).not.toContain('9876543210')
    const upstream = await browser.submit(start, /continue/i)
    expect(browser.visited.filter(({ origin }) => origin === stage.simulator.url.origin)).not.toEqual([])
    expect(browser.visited.filter(({ origin }) => origin === stage.simulator.url.origin).join(' ')).not.toContain(
      '9876543210',
    )
    expect(upstream.html).not.toContain('9876543210')
    expect(stage.logs()).not.toContain('9876543210')
  })

  it.each([
    ['hi', 'hi'],
    ['fr hi en', 'hi'],
    ['fr', 'en'],
  ])('Core §3.1.2.1: ui_locales=%s gives pages in %s', async (ui_locales, expected) => {
    const page = await send({ ui_locales }, stranger())
    expect(page.headers['content-language']).toBe(expected)
  })

  it('RFC 9207 §2: carries state and iss in every answer, errors too', async () => {
    const { url } = await send({ prompt: 'none', state: 'the-state' }, stranger())
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ state: 'the-state', iss: stage.issuer.origin })
  })
})

describe('third-party-initiated login — OpenID Connect Core §4', () => {
  it('Core §4: registers an https address alone', async () => {
    const stage = await openStage(await open())
    const { metadata } = await stage.addClient({ initiate_login_uri: 'https://shop.example/login' })
    expect(metadata.initiate_login_uri).toBe('https://shop.example/login')
    for (const uri of ['http://localhost/login', 'https://shop.example/login#x', 'login'])
      await expect(stage.addClient({ initiate_login_uri: uri })).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
    await stage.close()
  })
})
