import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { addRelyingApp, insecure, type RelyingApp } from '../support/relying-app.ts'
import { openStage, REDIRECT_URI, registration, type Stage } from '../support/stage.ts'

const API = 'https://api.shop.example/v1'

describeOnEachDatabase('tokens for a client’s own API — RFC 8707, RFC 9068', (open) => {
  let stage: Stage
  let app: RelyingApp

  beforeAll(async () => {
    stage = await openStage(await open())
    app = await addRelyingApp(stage, {
      dwar: { ...registration.dwar, resources: [{ identifier: API, scopes: ['rent', 'return'] }] },
    })
  })
  afterAll(() => stage.close())

  async function tokens() {
    const { callback, verifier, parameters } = await app.authorized({
      resource: API,
      scope: 'openid offline_access profile rent unknown',
    })
    const response = await app.exchange(callback, verifier, { additionalParameters: { resource: API } })
    const result = await oauth.processAuthorizationCodeResponse(app.as, app.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
    })
    return { result, sub: oauth.getValidatedIdTokenClaims(result)?.sub ?? '' }
  }

  it('RFC 9068 §2: are signed JWTs for that API alone, with the pairwise subject and its registered scopes', async () => {
    const { result, sub } = await tokens()
    expect(decodeProtectedHeader(result.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    const request = new Request(API, { headers: { authorization: `Bearer ${result.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(app.as, request, API, insecure)
    expect(claims).toMatchObject({ iss: stage.issuer.origin, client_id: app.client.client_id, sub, scope: 'rent' })
    expect(claims.exp - claims.iat).toBe(300)
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'scope', 'sub'])
  })

  it('RFC 7009 §2.2.1: open no claims of ours, and cannot be asked about or revoked', async () => {
    const { result } = await tokens()
    const userinfo = await oauth.userInfoRequest(app.as, app.client, result.access_token, insecure)
    expect(userinfo.status).toBe(401)
    const asked = await oauth.introspectionRequest(app.as, app.client, app.auth, result.access_token, insecure)
    expect([asked.status, await asked.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'unsupported_token_type' }),
    ])
    const revoked = await oauth.revocationRequest(app.as, app.client, app.auth, result.access_token, insecure)
    expect([revoked.status, await revoked.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'unsupported_token_type' }),
    ])
  })

  it('RFC 8707 §2.2: come from a refresh too, beside tokens for userinfo', async () => {
    const { result } = await tokens()
    const forApi = await oauth.refreshTokenGrantRequest(app.as, app.client, app.auth, result.refresh_token ?? '', {
      ...insecure,
      additionalParameters: { resource: API },
    })
    const second = await oauth.processRefreshTokenResponse(app.as, app.client, forApi)
    expect(decodeProtectedHeader(second.access_token).typ).toBe('at+jwt')
    const forUs = await oauth.refreshTokenGrantRequest(
      app.as,
      app.client,
      app.auth,
      second.refresh_token ?? '',
      insecure,
    )
    const third = await oauth.processRefreshTokenResponse(app.as, app.client, forUs)
    expect((await oauth.userInfoRequest(app.as, app.client, third.access_token, insecure)).status).toBe(200)
  })

  it.each([
    ['is registered and was not asked for', ['https://api.example/other']],
    ['nobody registered', ['https://api.other/']],
    ['is none', ['\u0000']],
    ['is two', [API, 'https://api.example/other']],
  ])('RFC 8707 §2.2: cost no refresh token where the API %s', async (_case, resource) => {
    const { result } = await tokens()
    const refresh = (more: readonly string[]) =>
      fetch(new URL('/token', stage.issuer), {
        method: 'POST',
        body: new URLSearchParams([
          ['grant_type', 'refresh_token'],
          ['refresh_token', result.refresh_token ?? ''],
          ['client_id', app.client.client_id],
          ['client_secret', app.secret],
          ...more.map((one) => ['resource', one]),
        ]),
      })
    const refused = await refresh(resource)
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_target' })])
    expect((await refresh([API])).status).toBe(200)
  })

  it('RFC 8707 §2: are refused for an API that another client registered, or nobody', async () => {
    const other = await addRelyingApp(stage)
    const { parameters } = await other.request({ resource: API })
    const { url } = await new Citizen(REDIRECT_URI).get(other.authorizeUrl(parameters))
    expect(url.searchParams.get('error')).toBe('invalid_target')
    const { callback, verifier } = await app.authorized({ resource: API, scope: 'openid rent' })
    const wider = await app.exchange(callback, verifier, { additionalParameters: { resource: 'https://api.other/' } })
    expect([wider.status, await wider.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_target' })])
  })

  it.each(['not-a-uri', `${API}#fragment`])(
    'RFC 8707 §2: are refused for %s, which is no resource',
    async (resource) => {
      const { parameters } = await app.request({ resource })
      const { url } = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
      expect(url.searchParams.get('error')).toBe('invalid_target')
    },
  )

  it('RFC 8707 §2.2: are refused for an API that the request did not name', async () => {
    const { callback, verifier } = await app.authorized({ scope: 'openid profile' })
    const answer = await app.exchange(callback, verifier, { additionalParameters: { resource: API } })
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_target' })])
  })

  it('RFC 9068 §4: can be checked with the published keys, and are not taken for an ID token', async () => {
    const { result } = await tokens()
    const keys = createRemoteJWKSet(new URL(app.as.jwks_uri ?? ''))
    const { protectedHeader } = await jwtVerify(result.access_token, keys, {
      issuer: stage.issuer.origin,
      audience: API,
      typ: 'at+jwt',
    })
    expect(protectedHeader.alg).not.toBe('none')
    const hint = new URL(`/logout?${new URLSearchParams({ id_token_hint: result.access_token })}`, stage.issuer)
    expect((await new Citizen(REDIRECT_URI).get(hint)).status).toBe(400)
  })

  it('RFC 9068 §6: name her by the subject of this app, and hold no claim about her', async () => {
    const { result } = await tokens()
    expect(JSON.stringify(decodeJwt(result.access_token))).not.toMatch(/Asha|1992|acct_/)
  })
})
