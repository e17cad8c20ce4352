import { SignJWT } from 'jose'
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

  it('logs in by a pushed request, with tokens bound to the client’s key (§5.3.2)', async () => {
    const { access_token, token_type } = await tokens()
    expect(token_type).toBe('dpop')
    const userinfo = await oauth.userInfoRequest(app.as, app.client, access_token, { ...insecure, DPoP })
    expect(userinfo.status).toBe(200)
  })

  it('keeps the refresh token: no rotation (§5.3.2.1-10)', async () => {
    const { refresh_token = '' } = await tokens()
    for (let use = 0; use < 2; use += 1) {
      const again = await oauth.refreshTokenGrantRequest(app.as, app.client, app.auth, refresh_token, {
        ...insecure,
        DPoP,
      })
      expect((await oauth.processRefreshTokenResponse(app.as, app.client, again)).refresh_token).toBe(refresh_token)
    }
  })

  it('takes signed requests and answers signed (Message Signing §5.3, §5.4)', async () => {
    const { parameters } = await app.request({ response_mode: 'jwt' })
    const request = await signRequest(app, stage.issuer, key.privateKey, parameters)
    const uri = await push(new URLSearchParams({ client_id: app.client.client_id, request }))
    const back = await logIn(byReference(uri))
    const state = parameters.get('state') ?? ''
    const callback = await oauth.validateJwtAuthResponse(app.as, app.client, back, state, insecure)
    expect(callback.get('code')).toBeTruthy()
  })

  it.each<[string, Record<string, unknown>]>([
    ['without nbf', { nbf: undefined }],
    ['with an nbf of more than an hour ago', { nbf: Math.floor(Date.now() / 1000) - 3700 }],
  ])('refuses a signed request %s (Message Signing §5.3.1)', async (_case, claims) => {
    const { parameters } = await app.request()
    const request = await signRequest(app, stage.issuer, key.privateKey, parameters, { claims })
    await expect(push(new URLSearchParams({ client_id: app.client.client_id, request }))).rejects.toMatchObject({
      error: 'invalid_request_object',
    })
  })

  it('refuses a request that was not pushed (§5.3.2.2-2)', async () => {
    const { parameters } = await app.request()
    const { url } = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    expect(url.searchParams.get('error')).toBe('invalid_request')
    expect(url.searchParams.get('iss')).toBe(stage.issuer.origin)
  })

  it('refuses a pushed request without PKCE (§5.3.2.2-5), without redirect_uri (§5.3.2.2-6)', async () => {
    for (const change of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { redirect_uri: undefined },
    ]) {
      const { parameters } = await app.request(change)
      await expect(push(parameters)).rejects.toMatchObject({ error: 'invalid_request' })
    }
  })

  it('gives no token without proof of possession (§5.3.2.1-4)', async () => {
    const { verifier, parameters } = await app.request()
    const pushed = await oauth.pushedAuthorizationRequest(app.as, app.client, app.auth, parameters, insecure)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(app.as, app.client, pushed)
    const back = await logIn(byReference(request_uri))
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const refused = await app.exchange(callback, verifier)
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })

  it('refuses an assertion under RS256, though another client may use it (§5.4.1)', async () => {
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

  it('lets clocks differ by ten seconds and not by a minute (§5.3.2.1-13)', async () => {
    const now = Math.floor(Date.now() / 1000)
    const { parameters } = await app.request()
    const pushWith = async (nbf: number) => {
      const request = await signRequest(app, stage.issuer, key.privateKey, parameters, { claims: { nbf, iat: nbf } })
      return push(new URLSearchParams({ client_id: app.client.client_id, request }))
    }
    expect(await pushWith(now + 8)).toMatch(/^urn:/)
    await expect(pushWith(now + 60)).rejects.toMatchObject({ error: 'invalid_request_object' })
  })

  it('names every fault of a registration at once', async () => {
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
