import { createRemoteJWKSet, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { logIn, pinOf, REDIRECT_URI, signInAtDigiLocker } from '../support/stage.ts'
import { claimsOf, refusal, type Tokens, useScene } from './party.ts'

describe('OpenID Connect Core 1.0', () => {
  const scene = useScene()
  /** one login, read by the tests that only look */
  let signedIn: Tokens
  let citizen: Citizen

  beforeAll(async () => {
    citizen = new Citizen(REDIRECT_URI)
    signedIn = await scene.party.tokens({ scope: 'openid offline_access profile' }, citizen)
  })

  const userinfo = (init: RequestInit = {}) =>
    scene.send('/userinfo', { headers: { authorization: `Bearer ${signedIn.access_token}` }, ...init })

  it('§2: an ID token has iss, sub, aud, exp, iat and the nonce of the request, signed with a published key', async () => {
    const keys = createRemoteJWKSet(new URL('/jwks', scene.stage.issuer))
    const { payload, protectedHeader } = await jwtVerify(signedIn.id_token, keys, {
      issuer: scene.stage.issuer.origin,
      audience: scene.party.id,
    })
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
    expect(payload.nonce).toBe(signedIn.parameters.get('nonce'))
    expect(payload.sub).toMatch(/^[\x21-\x7e]{1,255}$/)
    const { iat = 0, exp = 0 } = payload
    expect([iat, exp].map((time) => Number.isInteger(time) && time < 2 ** 33)).toEqual([true, true])
    expect(exp).toBeGreaterThan(iat)
  })

  it('§3.1.2.1: prompt=none asks nobody anything: login_required without a session', async () => {
    const answer = await scene.party.answerTo({ prompt: 'none' })
    expect(answer.searchParams.get('error')).toBe('login_required')
  })

  it('§3.1.2.1: prompt=none together with another value is invalid_request', async () => {
    const answer = await scene.party.answerTo({ prompt: 'none login' })
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })

  it('§3.1.2.1: prompt=login asks a person again who is signed in', async () => {
    const { url } = await citizen.get((await scene.party.request({ scope: 'openid profile', prompt: 'login' })).url)
    expect(url.pathname).toMatch(/^\/interaction\//)
  })

  it('§3.1.2.1: max_age asks again when the sign-in is older, and the ID token tells its time', async () => {
    const { id_token } = await scene.party.tokens({ max_age: '3600' })
    const { auth_time, iat } = claimsOf(id_token)
    expect(Number(iat) - Number(auth_time)).toBeLessThan(60)
    const { url } = await citizen.get((await scene.party.request({ max_age: '0', prompt: undefined })).url)
    expect(url.pathname).toMatch(/^\/interaction\//)
    const silent = await scene.party.answerTo({ max_age: '0', prompt: 'none' }, citizen)
    expect(silent.searchParams.get('error')).toBe('login_required')
  })

  it.each(['-1', 'soon', '1.5'])('§3.1.2.1: max_age=%s is invalid_request', async (max_age) => {
    const answer = await scene.party.answerTo({ max_age })
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })

  it.each([
    ['display', 'popup'],
    ['ui_locales', 'fr-CA fr en'],
    ['claims_locales', 'hi'],
    ['login_hint', 'asha@example.org'],
    ['acr_values', 'urn:nobody:knows'],
    ['unheard_of', 'anything'],
  ])('§3.1.2.1: %s causes no error, whatever it says', async (name, value) => {
    const { url, status } = await new Citizen(REDIRECT_URI).get((await scene.party.request({ [name]: value })).url)
    expect([status, url.pathname.startsWith('/interaction/')]).toEqual([200, true])
  })

  it('§3.1.2.1: an id_token_hint of another person is login_required', async () => {
    const other = await logInAs('bala')
    const answer = await scene.party.answerTo(
      { prompt: 'none', scope: 'openid profile', id_token_hint: other },
      citizen,
    )
    expect(answer.searchParams.get('error')).toBe('login_required')
  })

  it('§3.1.2.1: an id_token_hint that we did not sign is invalid_request', async () => {
    const [header = '', payload = ''] = signedIn.id_token.split('.')
    const answer = await scene.party.answerTo({ id_token_hint: `${header}.${payload}.${'A'.repeat(342)}` }, citizen)
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })

  it('§3.1.2.1: state may be left out, and none comes back', async () => {
    const answer = await scene.party.answerTo({ prompt: 'none', state: undefined })
    expect([...answer.searchParams.keys()].toSorted()).toEqual(['error', 'error_description', 'iss'])
  })

  it('§3.1.2.1: nonce may be left out in the code flow', async () => {
    const { url, status } = await new Citizen(REDIRECT_URI).get((await scene.party.request({ nonce: undefined })).url)
    expect([status, url.pathname.startsWith('/interaction/')]).toEqual([200, true])
  })

  it.each([
    ['nonce', 'n'],
    ['max_age', '60'],
    ['claims', '{}'],
    ['acr_values', 'urn:dwar:acr:account'],
    ['id_token_hint', 'any'],
  ])('§3.1.2.2: without openid, %s is invalid_request: it would be asked of nobody', async (name, value) => {
    const answer = await scene.party.answerTo({ scope: 'profile', nonce: undefined, [name]: value })
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })

  it('§3.1.2.2: a request without openid is plain OAuth: no ID token, and a token that opens no userinfo', async () => {
    const { answerOfToken, access_token } = await scene.party.tokens({ scope: 'profile', nonce: undefined })
    expect(answerOfToken.body).not.toHaveProperty('id_token')
    expect(answerOfToken.body.scope).toBe('profile')
    const answer = await scene.send('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expect(refusal(answer)).toEqual([403, 'insufficient_scope'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_scope".*scope="openid"/)
  })

  it('§3.1.2.6: an error comes back with the state, letter by letter', async () => {
    const state = 'a b+c%20&=/?ä😀'
    const answer = await scene.party.answerTo({ prompt: 'none', state })
    expect(answer.searchParams.get('state')).toBe(state)
  })

  it('§3.1.3.3: a token response is JSON, is not stored, and names its type', () => {
    const { headers, body } = signedIn.answerOfToken
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 600, id_token: expect.any(String) })
  })

  it.each(['GET', 'POST'])('§5.3.1: userinfo answers a %s with the token in its header', async (method) => {
    expect((await userinfo({ method })).status).toBe(200)
  })

  it.each(['bearer', 'BEARER'])(
    '§5.3.1: userinfo reads the scheme in any case: %s (RFC 9110 §11.1)',
    async (scheme) => {
      const headers = { authorization: `${scheme} ${signedIn.access_token}` }
      expect((await userinfo({ headers })).status).toBe(200)
    },
  )

  it('§5.3.1: userinfo takes the token in a posted form too (RFC 6750 §2.2)', async () => {
    const body = new URLSearchParams({ access_token: signedIn.access_token })
    expect((await scene.send('/userinfo', { method: 'POST', body })).status).toBe(200)
  })

  it('§5.3.2: userinfo is JSON about the very subject of the ID token', async () => {
    const { headers, body } = await userinfo()
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(body).toMatchObject({ sub: claimsOf(signedIn.id_token).sub, name: 'Asha Verma' })
  })

  it.each(['GET', 'POST'])(
    '§5.3.3: userinfo answers a %s without a token by 401 and a challenge that names no error (RFC 6750 §3.1)',
    async (method) => {
      const { status, headers } = await scene.send('/userinfo', { method })
      const challenge = headers.get('www-authenticate') ?? ''
      expect([status, challenge]).toEqual([401, expect.stringMatching(/^Bearer realm="[^"]+"/)])
      expect(challenge).not.toContain('error')
    },
  )

  it('§5.3.3: userinfo answers a wrong token by 401 invalid_token (RFC 6750 §3.1)', async () => {
    const { status, headers } = await scene.send('/userinfo', { headers: { authorization: 'Bearer never-given' } })
    expect([status, headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Bearer .*error="invalid_token"/),
    ])
  })

  it.each([
    ['another scheme', 'Basic eDp4'],
    ['a scheme alone', 'Bearer'],
  ])('§5.3.3: userinfo answers %s by 400 invalid_request (RFC 6750 §3.1)', async (_case, authorization) => {
    const answer = await scene.send('/userinfo', { headers: { authorization } })
    expect(refusal(answer)).toEqual([400, 'invalid_request'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_request"/)
  })

  it('§5.3.3: userinfo takes a token one way in a request (RFC 6750 §2)', async () => {
    const body = new URLSearchParams({ access_token: signedIn.access_token })
    expect(refusal(await userinfo({ method: 'POST', body }))).toEqual([400, 'invalid_request'])
  })

  it('§5.4: claims of a scope come from userinfo and stand in no ID token', () => {
    expect(Object.keys(claimsOf(signedIn.id_token))).not.toEqual(expect.arrayContaining(['name']))
  })

  it('§5.5: a claim is given in the place where it was asked for, null and essential alike', async () => {
    const claims = { id_token: { birthdate: { essential: true } }, userinfo: { gender: null } }
    const { id_token } = await scene.party.tokens({ scope: 'openid', claims: JSON.stringify(claims) })
    expect(claimsOf(id_token)).toMatchObject({ birthdate: '1992-03-14' })
    expect(claimsOf(id_token)).not.toHaveProperty('gender')
  })

  it('§5.5: a claim that nobody knows is left out, and is no error even when essential', async () => {
    const claims = { id_token: { shoe_size: { essential: true }, birthdate: { essential: true } } }
    const { id_token } = await scene.party.tokens({ scope: 'openid', claims: JSON.stringify(claims) })
    expect(claimsOf(id_token)).toMatchObject({ birthdate: '1992-03-14' })
    expect(claimsOf(id_token)).not.toHaveProperty('shoe_size')
  })

  it('§5.5.1: the sub asked for by value is hers, or the answer is login_required', async () => {
    const asked = (value: string) => ({
      prompt: 'none',
      scope: 'openid profile',
      claims: JSON.stringify({ id_token: { sub: { value } } }),
    })
    const other = await scene.party.answerTo(asked('somebody-else'), citizen)
    expect(other.searchParams.get('error')).toBe('login_required')
    const own = await scene.party.answerTo(asked(String(claimsOf(signedIn.id_token).sub)), citizen)
    expect(own.searchParams.get('error')).not.toBe('login_required')
  })

  it.each(['id_token', 'userinfo'])('§5.5.1: a sub that can be nobody’s is refused at once, in %s', async (place) => {
    const claims = JSON.stringify({ [place]: { sub: { value: 42 } } })
    const refused = await scene.party.answerTo({ scope: 'openid profile', claims }, citizen)
    expect(refused.searchParams.get('error')).toBe('invalid_request')
    expect(refused.searchParams.get('error_description')).toContain(`/${place}/sub/value must be a string`)
  })

  it.each<[string, (idToken: string) => Record<string, string>]>([
    ['an id_token_hint', (id_token_hint) => ({ id_token_hint })],
    ['a sub by value', (own) => ({ claims: JSON.stringify({ id_token: { sub: { value: claimsOf(own).sub } } }) })],
  ])('§3.1.2.2: nobody else may sign in where a request names a person: %s', async (_case, naming) => {
    const change = { prompt: undefined, ...naming(signedIn.id_token) }
    const browser = new Citizen(REDIRECT_URI)
    const start = await browser.get((await scene.party.request(change)).url)
    const page = await signInAtDigiLocker(browser, start, 'bala')
    expect([page.status, page.html.includes('ACCOUNT_MISMATCH')]).toEqual([403, true])
    const csrf = page.forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const forged = await browser.post(new URL(`${page.url.pathname}/consent`, page.url), { csrf, decision: 'share' })
    expect(forged.status).toBe(409)
    const anew = await browser.submit(page, /try again/i)
    expect(anew.html, 'DigiLocker asks who she is, though Bala is signed in there').toContain('PIN')
    const signedInAnew = await browser.submit(anew, /Sign in/, [
      ['persona', 'bala'],
      ['pin', pinOf(anew, 'bala')],
    ])
    const { url } = await browser.submit(await browser.submit(signedInAnew, /^Allow$/), /return/i)
    expect([url.searchParams.get('error'), url.searchParams.has('code')]).toEqual(['login_required', false])
    const consents = await scene.stage.app.events.history({ type: 'consent.granted', interactionUid: uidOf(page.url) })
    expect(consents).toEqual([])
  })

  it.each<[string, (idToken: string) => Record<string, string>]>([
    ['an id_token_hint', (id_token_hint) => ({ id_token_hint })],
    ['a sub by value', (own) => ({ claims: JSON.stringify({ id_token: { sub: { value: claimsOf(own).sub } } }) })],
  ])('§3.1.2.2: whom a request names may sign in: %s', async (_case, naming) => {
    const { id_token } = await scene.party.tokens({ prompt: undefined, ...naming(signedIn.id_token) })
    expect(claimsOf(id_token).sub).toBe(claimsOf(signedIn.id_token).sub)
  })

  it('§9: a secret counts in the header and in the form, and no client with a secret goes without', async () => {
    const refresh = { grant_type: 'refresh_token', refresh_token: 'never-given', client_id: scene.party.id }
    const post = (form: Record<string, string>) =>
      scene.send('/token', { method: 'POST', body: new URLSearchParams({ ...refresh, ...form }) })
    expect(refusal(await post({ client_secret: scene.party.secret }))).toEqual([400, 'invalid_grant'])
    expect(refusal(await post({ client_secret: 'wrong' }))).toEqual([401, 'invalid_client'])
    expect(refusal(await post({}))).toEqual([401, 'invalid_client'])
  })

  it('§12.2: a refreshed ID token has the same iss, sub, aud and auth_time, and no new nonce', async () => {
    const first = await scene.party.tokens({ scope: 'openid offline_access', max_age: '3600' })
    const { body } = await scene.party.refresh(first.refresh_token)
    const [before, after] = [claimsOf(first.id_token), claimsOf(String(body.id_token))]
    const same = ['iss', 'sub', 'aud', 'auth_time']
    expect(same.map((name) => after[name])).toEqual(same.map((name) => before[name]))
    expect([undefined, before.nonce]).toContain(after.nonce)
    expect(Number(after.iat)).toBeGreaterThanOrEqual(Number(before.iat))
  })

  const uidOf = (url: URL) => url.pathname.split('/')[2] ?? ''

  /** @returns the ID token of another person at the same app */
  async function logInAs(persona: string): Promise<string> {
    const sent = await scene.party.request()
    const answer = await logIn(sent.url, { persona })
    return String((await scene.party.exchange({ ...sent, answer })).body.id_token)
  }
})
