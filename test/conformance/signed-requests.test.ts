import { compactDecrypt, decodeProtectedHeader, exportPKCS8, importPKCS8, UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { addRelyingApp, insecure, type KeyPair, makeKey, type RelyingApp, signRequest } from '../support/relying-app.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

let stage: Stage
let key: KeyPair
let app: RelyingApp
let sealed: KeyPair
const open = freshPGlite()

beforeAll(async () => {
  stage = await openStage(await open())
  key = await makeKey('ES256', { use: 'sig' })
  sealed = await makeKey('RSA-OAEP-256', { use: 'enc', alg: 'RSA-OAEP-256' })
  app = await addRelyingApp(stage, {
    jwks: { keys: [key.jwk, sealed.jwk] },
    authorization_signed_response_alg: 'ES256',
  })
})
afterAll(() => stage.close())

describe('signed requests by value — RFC 9101', () => {
  /** the code that the app or, where nobody can be trusted to be the app, the page is told */
  async function errorOf(jar: string): Promise<unknown> {
    const parameters = new URLSearchParams({ client_id: app.client.client_id, request: jar })
    const page = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    return page.url.searchParams.get('error') ?? page.headers['x-oauth-error']
  }

  it('announces by value only (§9)', () => {
    expect(app.as).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_object_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    })
    expect(app.as).not.toHaveProperty('request_object_encryption_alg_values_supported')
  })

  it('logs in by what was signed, directly and pushed, and by nothing beside it (§5, §6.3)', async () => {
    const { verifier, parameters } = await app.request()
    const jar = await signRequest(app, stage.issuer, key.privateKey, parameters)
    const beside = { scope: 'openid pan', state: 'another', redirect_uri: 'https://evil.example/' }
    const direct = new URLSearchParams({ client_id: app.client.client_id, request: jar, ...beside })
    const back = await logIn(app.authorizeUrl(direct))
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const tokens = await oauth.processAuthorizationCodeResponse(
      app.as,
      app.client,
      await app.exchange(callback, verifier),
      { expectedNonce: parameters.get('nonce') ?? '' },
    )
    expect(tokens.scope?.split(' ').toSorted()).toEqual(['offline_access', 'openid', 'profile'])

    const pushed = await oauth.pushedAuthorizationRequest(
      app.as,
      app.client,
      app.auth,
      new URLSearchParams({ client_id: app.client.client_id, request: jar }),
      insecure,
    )
    expect(await oauth.processPushedAuthorizationResponse(app.as, app.client, pushed)).toHaveProperty('request_uri')
  })

  const hour = 3600
  const now = () => Math.floor(Date.now() / 1000)
  it.each<[string, Parameters<typeof signRequest>[4]]>([
    ['for another issuer', { claims: { aud: 'https://elsewhere.example' } }],
    ['by another client', { claims: { iss: 'somebody' } }],
    ['that names no client', { claims: { client_id: undefined } }],
    ['without an end', { claims: { exp: undefined } }],
    ['that has ended', { claims: { exp: now() - 60 } }],
    ['that is good for longer than an hour', { claims: { exp: now() + hour + 60 } }],
    ['that begins later', { claims: { nbf: now() + 60 } }],
    ['of another type', { header: { typ: 'at+jwt' } }],
  ])('refuses one %s (§4, §6.2, §10.8)', async (_case, change) => {
    const { parameters } = await app.request()
    const jar = await signRequest(app, stage.issuer, key.privateKey, parameters, change)
    expect(await errorOf(jar)).toBe('invalid_request_object')
  })

  it('refuses an unsigned one, one under the client’s secret, and a foreign key (§10.1)', async () => {
    const { parameters } = await app.request()
    const claims = { ...Object.fromEntries(parameters), iss: app.client.client_id, aud: stage.issuer.origin }
    const unsigned = new UnsecuredJWT(claims).setExpirationTime('2m').encode()
    const shared = await signRequest(app, stage.issuer, new TextEncoder().encode(app.secret), parameters, {
      header: { alg: 'HS256' },
    })
    const foreign = await signRequest(app, stage.issuer, (await makeKey()).privateKey, parameters)
    for (const jar of [unsigned, shared, foreign]) expect(await errorOf(jar)).toBe('invalid_request_object')
  })

  it('never fetches a request_uri of the client’s choosing (security.md SE-6)', async () => {
    const parameters = new URLSearchParams({
      client_id: app.client.client_id,
      request_uri: 'https://shop.example/request.jwt',
    })
    const page = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    expect([page.status, page.headers['x-oauth-error']]).toEqual([400, 'request_uri_not_supported'])
  })

  it('takes nothing unsigned from a client that registered to sign (§10.5)', async () => {
    const strict = await addRelyingApp(stage, { jwks: { keys: [key.jwk] }, require_signed_request_object: true })
    const { parameters } = await strict.request()
    const { url } = await new Citizen(REDIRECT_URI).get(strict.authorizeUrl(parameters))
    expect(url.searchParams.get('error')).toBe('invalid_request')
  })
})

describe('signed answers — JARM', () => {
  it.each(['jwt', 'query.jwt'])('answers response_mode=%s with a signed response (§2.3)', async (mode) => {
    const { verifier, parameters } = await app.request({ response_mode: mode })
    const back = await logIn(app.authorizeUrl(parameters))
    expect([...back.searchParams.keys()]).toEqual(['response'])
    const callback = await oauth.validateJwtAuthResponse(
      app.as,
      app.client,
      back,
      parameters.get('state') ?? '',
      insecure,
    )
    expect((await app.exchange(callback, verifier)).status).toBe(200)
  })

  it('answers errors signed as well (§2.1)', async () => {
    const { parameters } = await app.request({ response_mode: 'jwt', prompt: 'none' })
    const { url } = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    await expect(
      oauth.validateJwtAuthResponse(app.as, app.client, url, parameters.get('state') ?? '', insecure),
    ).rejects.toMatchObject({ error: 'login_required' })
  })
})

describe('signed and encrypted tokens — OpenID Connect Core §5.3.2, §16.14; RFC 9701', () => {
  const encryptions = [
    ['RSA-OAEP-256', 'A128CBC-HS256'],
    ['ECDH-ES', 'A256GCM'],
    ['ECDH-ES+A256KW', 'A256GCM'],
  ] as const

  it.each(encryptions)('encrypts ID token and userinfo to the client’s key: %s, %s', async (alg, enc) => {
    const own = await makeKey(alg, { use: 'enc', alg })
    const decryptionKey = await importPKCS8(await exportPKCS8(own.privateKey), alg)
    const secretive = await addRelyingApp(stage, {
      jwks: { keys: [own.jwk] },
      id_token_signed_response_alg: 'ES256',
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: enc,
      userinfo_signed_response_alg: 'ES256',
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: enc,
    })
    const { callback, verifier, parameters } = await secretive.authorized()
    const response = await secretive.exchange(callback, verifier)
    const raw = (await response.clone().json()) as { id_token: string; access_token: string }
    expect(decodeProtectedHeader(raw.id_token)).toMatchObject({ alg, enc, cty: 'JWT' })
    const jweDecrypt = async (jwe: string) =>
      new TextDecoder().decode((await compactDecrypt(jwe, decryptionKey)).plaintext)
    const tokens = await oauth.processAuthorizationCodeResponse(secretive.as, secretive.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
      [oauth.jweDecrypt]: jweDecrypt,
    })
    await oauth.validateApplicationLevelSignature(secretive.as, response, insecure)
    const { sub } = oauth.getValidatedIdTokenClaims(tokens) ?? { sub: '' }
    const userinfo = await oauth.userInfoRequest(secretive.as, secretive.client, tokens.access_token, insecure)
    expect(userinfo.headers.get('content-type')).toContain('application/jwt')
    const claims = await oauth.processUserInfoResponse(secretive.as, secretive.client, sub, userinfo, {
      [oauth.jweDecrypt]: jweDecrypt,
    })
    expect(claims).toMatchObject({ sub, name: expect.any(String) })
  })

  it('answers introspection as a signed JWT when asked for one (RFC 9701 §5)', async () => {
    const { callback, verifier, parameters } = await app.authorized()
    const tokens = await oauth.processAuthorizationCodeResponse(
      app.as,
      app.client,
      await app.exchange(callback, verifier),
      { expectedNonce: parameters.get('nonce') ?? '' },
    )
    const answer = await oauth.introspectionRequest(app.as, app.client, app.auth, tokens.access_token, {
      ...insecure,
      requestJwtResponse: true,
    })
    expect(answer.headers.get('content-type')).toContain('application/token-introspection+jwt')
    const told = await oauth.processIntrospectionResponse(
      app.as,
      { ...app.client, introspection_signed_response_alg: 'RS256' },
      answer,
    )
    expect(told).toMatchObject({ active: true, client_id: app.client.client_id })
  })
})
