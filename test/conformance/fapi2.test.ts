import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { addRelyingApp, insecure, type KeyPair, makeKey, type RelyingApp, signRequest } from '../support/relying-app.ts'
import { logIn, openStage, REDIRECT_URI, registration, type Stage } from '../support/stage.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

describeOnEachDatabase('the profile fapi2 — FAPI 2.0 Security Profile, Message Signing', (open) => {
  let stage: Stage
  let key: KeyPair
  let app: RelyingApp
  let DPoP: oauth.DPoPHandle
  const fapi2 = () => ({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
    dpop_bound_access_tokens: true,
    dwar: { ...registration.dwar, profile: 'fapi2' },
  })

  beforeAll(async () => {
    stage = await openStage(await open())
    key = await makeKey('ES256')
    app = await addRelyingApp(stage, fapi2(), () => oauth.PrivateKeyJwt({ key: key.privateKey, kid: 'k-ES256' }))
    DPoP = oauth.DPoP(app.client, await oauth.generateKeyPair('ES256'))
  })
  afterAll(() => stage.close())

  async function push(parameters: URLSearchParams): Promise<string> {
    const pushed = await oauth.pushedAuthorizationRequest(app.as, app.client, app.auth, parameters, {
      ...insecure,
      DPoP,
    })
    return (await oauth.processPushedAuthorizationResponse(app.as, app.client, pushed)).request_uri
  }

  const byReference = (request_uri: string) =>
    app.authorizeUrl(new URLSearchParams({ client_id: app.client.client_id, request_uri }))

  async function tokens(change: Record<string, string> = {}) {
    const { verifier, parameters } = await app.request(change)
    const back = await logIn(byReference(await push(parameters)))
    const callback = change.response_mode
      ? await oauth.validateJwtAuthResponse(app.as, app.client, back, parameters.get('state') ?? '', insecure)
      : oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const response = await app.exchange(callback, verifier, { DPoP })
    return oauth.processAuthorizationCodeResponse(app.as, app.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
    })
  }

  it('FAPI §5.3.2.2-2: logs in by a pushed request, with tokens bound to the client’s key', async () => {
    const { access_token, token_type } = await tokens()
    expect(token_type).toBe('dpop')
    const userinfo = await oauth.userInfoRequest(app.as, app.client, access_token, { ...insecure, DPoP })
    expect(userinfo.status).toBe(200)
  })

  it('FAPI §5.3.2.1-9: keeps the refresh token: no rotation', async () => {
    const { refresh_token = '' } = await tokens()
    for (let use = 0; use < 2; use += 1) {
      const again = await oauth.refreshTokenGrantRequest(app.as, app.client, app.auth, refresh_token, {
        ...insecure,
        DPoP,
      })
      expect((await oauth.processRefreshTokenResponse(app.as, app.client, again)).refresh_token).toBe(refresh_token)
    }
  })

  it('Message Signing §5.4.1: takes signed requests and answers signed', async () => {
    const { parameters } = await app.request({ response_mode: 'jwt' })
    const request = await signRequest(app, stage.issuer, key.privateKey, parameters)
    const uri = await push(new URLSearchParams({ client_id: app.client.client_id, request }))
    const back = await logIn(byReference(uri))
    const state = parameters.get('state') ?? ''
    const callback = await oauth.validateJwtAuthResponse(app.as, app.client, back, state, insecure)
    expect(callback.get('code')).toBeTruthy()
  })

  it.each<[string, (now: number) => Record<string, unknown>]>([
    ['without nbf', () => ({ nbf: undefined })],
    ['with an nbf of more than an hour ago', (now) => ({ nbf: now - 3700 })],
    ['that lives for more than an hour after its nbf', (now) => ({ nbf: now, exp: now + 3650 })],
    ['without an end', () => ({ exp: undefined })],
    ['for another issuer', () => ({ aud: 'https://elsewhere.example' })],
    ['without an audience', () => ({ aud: undefined })],
  ])('Message Signing §5.3.1: refuses a signed request %s', async (_case, claimsAt) => {
    const { parameters } = await app.request()
    const claims = claimsAt(Math.floor(Date.now() / 1000))
    const request = await signRequest(app, stage.issuer, key.privateKey, parameters, { claims })
    await expect(push(new URLSearchParams({ client_id: app.client.client_id, request }))).rejects.toMatchObject({
      error: 'invalid_request_object',
    })
  })

  it('Message Signing §5.3.1: takes an audience as text and as a list with us in it, and the type of its own', async () => {
    for (const aud of [stage.issuer.origin, ['https://elsewhere.example', stage.issuer.origin]]) {
      const { parameters } = await app.request()
      const request = await signRequest(app, stage.issuer, key.privateKey, parameters, {
        claims: { aud },
        header: { typ: 'oauth-authz-req+jwt' },
      })
      expect(await push(new URLSearchParams({ client_id: app.client.client_id, request }))).toMatch(/^urn:/)
    }
  })

  it('Message Signing §5.3.1: takes nothing unsigned, and nothing under RS256, from a client that registered to sign', async () => {
    const rsa = await makeKey('RS256')
    const signer = await addRelyingApp(
      stage,
      { ...fapi2(), jwks: { keys: [key.jwk, rsa.jwk] }, require_signed_request_object: true },
      () => oauth.PrivateKeyJwt({ key: key.privateKey, kid: 'k-ES256' }),
    )
    const { parameters } = await signer.request()
    const header = { alg: 'RS256', kid: rsa.jwk.kid }
    const weak = await signRequest(signer, stage.issuer, rsa.privateKey, parameters, { header })
    const own = new URLSearchParams({ client_id: signer.client.client_id, request: weak })
    for (const [body, error] of [
      [parameters, 'invalid_request'],
      [own, 'invalid_request_object'],
    ] as const) {
      const pushed = await oauth.pushedAuthorizationRequest(signer.as, signer.client, signer.auth, body, insecure)
      expect([pushed.status, await pushed.json()]).toEqual([400, expect.objectContaining({ error })])
    }
  })

  it('Message Signing §5.4.1: signs answers by ES256, also where the registration does not say', async () => {
    const { parameters } = await app.request({ response_mode: 'jwt', prompt: 'none' })
    const { url } = await new Citizen(REDIRECT_URI).get(byReference(await push(parameters)))
    expect(decodeProtectedHeader(url.searchParams.get('response') ?? '').alg).toBe('ES256')
  })

  it('Message Signing §5.5.1: signs introspection answers by ES256', async () => {
    const answer = await oauth.introspectionRequest(app.as, app.client, app.auth, 'never-given', {
      ...insecure,
      requestJwtResponse: true,
    })
    expect(answer.headers.get('content-type')).toContain('application/token-introspection+jwt')
    expect(decodeProtectedHeader(await answer.text())).toMatchObject({ alg: 'ES256', typ: 'token-introspection+jwt' })
  })

  it('FAPI §5.3.2.2-3: refuses a request that was not pushed', async () => {
    const { parameters } = await app.request()
    const { url } = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    expect(url.searchParams.get('error')).toBe('invalid_request')
    expect(url.searchParams.get('iss')).toBe(stage.issuer.origin)
  })

  it.each(['token', 'id_token', 'code id_token'])('FAPI §5.3.2.2-1: refuses the response type %s', async (type) => {
    const { parameters } = await app.request({ response_type: type })
    await expect(push(parameters)).rejects.toMatchObject({
      error: expect.stringMatching(/^(unsupported_response_type|invalid_request)$/),
    })
  })

  it('FAPI §5.3.2.2-4: refuses a pushed request of nobody', async () => {
    const { parameters } = await app.request()
    const answer = await fetch(new URL('/par', stage.issuer), { method: 'POST', body: parameters })
    expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })])
  })

  it('FAPI §5.3.2.2-7: answers with iss, errors too', async () => {
    const { parameters } = await app.request({ prompt: 'none' })
    const { url } = await new Citizen(REDIRECT_URI).get(byReference(await push(parameters)))
    expect([url.searchParams.get('error'), url.searchParams.get('iss')]).toEqual([
      'login_required',
      stage.issuer.origin,
    ])
  })

  it('FAPI §5.3.2.2-9: refuses a code the second time', async () => {
    const { verifier, parameters } = await app.request()
    const back = await logIn(byReference(await push(parameters)))
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    expect((await app.exchange(callback, verifier, { DPoP })).status).toBe(200)
    const again = await app.exchange(callback, verifier, { DPoP })
    expect([again.status, await again.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })

  it('FAPI §5.3.2.2-12: a pushed request lives for less than ten minutes', async () => {
    const { parameters } = await app.request()
    const pushed = await oauth.pushedAuthorizationRequest(app.as, app.client, app.auth, parameters, insecure)
    const { expires_in } = await oauth.processPushedAuthorizationResponse(app.as, app.client, pushed)
    expect(expires_in).toBeLessThan(600)
  })

  it('FAPI §5.3.2.2-14: takes a nonce of 64 letters, and a state of a thousand and more (Note 4)', async () => {
    const nonce = 'n'.repeat(64)
    const { id_token = '' } = await tokens({ nonce, state: 's'.repeat(1_200) })
    expect(decodeJwt(id_token).nonce).toBe(nonce)
  })

  it('FAPI §5.3.2.1-13: lets the clock of an assertion and of a proof differ by ten seconds, and not by more than a minute', async () => {
    const now = Math.floor(Date.now() / 1000)
    const errorWith = async (iat: number, claims: Record<string, unknown> = {}) => {
      const assertion = await new SignJWT({ jti: crypto.randomUUID(), ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'k-ES256' })
        .setIssuer(app.client.client_id)
        .setSubject(app.client.client_id)
        .setAudience(stage.issuer.origin)
        .setIssuedAt(iat)
        .setExpirationTime(now + 60)
        .sign(key.privateKey)
      const url = new URL('/token', stage.issuer)
      const proof = await new SignJWT({ jti: crypto.randomUUID(), htm: 'POST', htu: url.href, iat })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk })
        .sign(key.privateKey)
      const answer = await fetch(url, {
        method: 'POST',
        headers: { DPoP: proof },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: 'never-given',
          client_assertion: assertion,
          client_assertion_type: ASSERTION_TYPE,
        }),
      })
      return ((await answer.json()) as { error: string }).error
    }
    expect(await errorWith(now + 8)).toBe('invalid_grant')
    expect(await errorWith(now + 90)).toBe('invalid_client')
    expect(await errorWith(now, { nbf: now + 8 })).toBe('invalid_grant')
    expect(await errorWith(now, { nbf: now + 90 })).toBe('invalid_client')
  })

  it('FAPI §5.4.1-1: signs ID tokens by ES256', async () => {
    const { id_token = '' } = await tokens()
    expect(decodeProtectedHeader(id_token)).toMatchObject({ alg: 'ES256', kid: expect.any(String) })
  })

  it('FAPI §5.4.1-4: makes codes and tokens of 256 random bits', async () => {
    const { access_token, refresh_token = '' } = await tokens()
    for (const token of [access_token, refresh_token]) expect(token).toMatch(/^[\w-]{43}$/)
    const { parameters } = await app.request()
    const back = await logIn(byReference(await push(parameters)))
    expect(back.searchParams.get('code')).toMatch(/^[\w-]{43}$/)
  })

  it('FAPI §5.3.2.2-5: refuses a pushed request without PKCE, with the method plain, and without redirect_uri (-6)', async () => {
    for (const change of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { redirect_uri: undefined },
    ]) {
      const { parameters } = await app.request(change)
      await expect(push(parameters)).rejects.toMatchObject({ error: 'invalid_request' })
    }
  })

  it('FAPI §5.3.2.1-4: gives no token without proof of possession', async () => {
    const { verifier, parameters } = await app.request()
    const pushed = await oauth.pushedAuthorizationRequest(app.as, app.client, app.auth, parameters, insecure)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(app.as, app.client, pushed)
    const back = await logIn(byReference(request_uri))
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const refused = await app.exchange(callback, verifier)
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })

  it('FAPI §5.4.1-1: refuses an assertion under RS256, though another client may use it', async () => {
    const rsa = await makeKey('RS256')
    const answerOf = async (dwar: Record<string, unknown>) => {
      const { client_id } = await stage.addClient({ ...fapi2(), jwks: { keys: [rsa.jwk] }, dwar })
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'RS256', kid: rsa.jwk.kid ?? '' })
        .setIssuer(client_id)
        .setSubject(client_id)
        .setAudience(stage.issuer.origin)
        .setExpirationTime('30s')
        .sign(rsa.privateKey)
      const answer = await fetch(new URL('/par', stage.issuer), {
        method: 'POST',
        body: new URLSearchParams({ client_id, client_assertion: assertion, client_assertion_type: ASSERTION_TYPE }),
      })
      return ((await answer.json()) as { error: string }).error
    }
    expect(await answerOf({ ...registration.dwar, profile: 'fapi2' })).toBe('invalid_client')
    expect(await answerOf(registration.dwar)).toBe('invalid_request')
  })

  it('FAPI §5.3.2.1-13: lets the clock of a signed request differ by ten seconds and not by a minute', async () => {
    const now = Math.floor(Date.now() / 1000)
    const { parameters } = await app.request()
    const pushWith = async (nbf: number) => {
      const request = await signRequest(app, stage.issuer, key.privateKey, parameters, { claims: { nbf, iat: nbf } })
      return push(new URLSearchParams({ client_id: app.client.client_id, request }))
    }
    expect(await pushWith(now + 8)).toMatch(/^urn:/)
    await expect(pushWith(now + 60)).rejects.toMatchObject({ error: 'invalid_request_object' })
  })

  it('FAPI §5.3.2.1-3: registers neither a public client nor one with a secret, and names every fault at once', async () => {
    const adding = stage.addClient({
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      require_pushed_authorization_requests: false,
      dwar: { ...registration.dwar, profile: 'fapi2' },
    })
    await expect(adding).rejects.toMatchObject({
      code: 'CLIENT_INVALID',
      message: [
        'fapi2 needs private_key_jwt, tls_client_auth or self_signed_tls_client_auth',
        'fapi2 needs dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens',
        'fapi2 needs require_pushed_authorization_requests',
        'fapi2 takes ES256, PS256 or EdDSA, and id_token_signed_response_alg is RS256',
      ].join('\n'),
    })
  })
})
