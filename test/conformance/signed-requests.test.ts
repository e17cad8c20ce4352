import { compactDecrypt, decodeJwt, decodeProtectedHeader, exportPKCS8, importPKCS8, UnsecuredJWT } from 'jose'
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

  it('RFC 9101 §9: announces by value only', () => {
    expect(app.as).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_object_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    })
    expect(app.as).not.toHaveProperty('request_object_encryption_alg_values_supported')
  })

  it('RFC 9101 §6.3: logs in by what was signed, directly and pushed, and by nothing beside it', async () => {
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
  it.each<[string, Parameters<typeof signRequest>[4] | (() => Parameters<typeof signRequest>[4])]>([
    ['for another issuer', { claims: { aud: 'https://elsewhere.example' } }],
    ['by another client', { claims: { iss: 'somebody' } }],
    ['that names no client', { claims: { client_id: undefined } }],
    ['without an end', { claims: { exp: undefined } }],
    ['that has ended', () => ({ claims: { exp: now() - 60 } })],
    ['that is good for longer than an hour', () => ({ claims: { exp: now() + hour + 60 } })],
    ['that begins later', () => ({ claims: { nbf: now() + 60 } })],
    ['that was made later', () => ({ claims: { iat: now() + 60 } })],
    ['for us and nobody', { claims: { aud: [] } }],
    ['of another type', { header: { typ: 'at+jwt' } }],
    ['that calls its payload unencoded', { header: { b64: false } }],
  ])('RFC 9101 §4: refuses a request object %s', async (_case, change) => {
    const { parameters } = await app.request()
    const made = typeof change === 'function' ? change() : change
    const jar = await signRequest(app, stage.issuer, key.privateKey, parameters, made)
    expect(await errorOf(jar)).toBe('invalid_request_object')
  })

  it('RFC 9101 §6.2: refuses an unsigned one, one under the client’s secret, and a foreign key', async () => {
    const { parameters } = await app.request()
    const claims = { ...Object.fromEntries(parameters), iss: app.client.client_id, aud: stage.issuer.origin }
    const unsigned = new UnsecuredJWT(claims).setExpirationTime('2m').encode()
    const shared = await signRequest(app, stage.issuer, new TextEncoder().encode(app.secret), parameters, {
      header: { alg: 'HS256' },
    })
    const foreign = await signRequest(app, stage.issuer, (await makeKey()).privateKey, parameters)
    for (const jar of [unsigned, shared, foreign]) expect(await errorOf(jar)).toBe('invalid_request_object')
  })

  it('RFC 9101 §5.2: never fetches a request_uri of the client’s choosing', async () => {
    const parameters = new URLSearchParams({
      client_id: app.client.client_id,
      request_uri: 'https://shop.example/request.jwt',
    })
    const page = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    expect([page.status, page.headers['x-oauth-error']]).toEqual([400, 'request_uri_not_supported'])
  })

  it('RFC 9101 §10.5: takes nothing unsigned from a client that registered to sign, directly or pushed', async () => {
    const strict = await addRelyingApp(stage, { jwks: { keys: [key.jwk] }, require_signed_request_object: true })
    const { parameters } = await strict.request()
    const { url } = await new Citizen(REDIRECT_URI).get(strict.authorizeUrl(parameters))
    expect(url.searchParams.get('error')).toBe('invalid_request')
    const pushed = await oauth.pushedAuthorizationRequest(strict.as, strict.client, strict.auth, parameters, insecure)
    expect([pushed.status, await pushed.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_request' })])
  })

  it('RFC 9101 §4: takes an audience among which we are', async () => {
    const { parameters } = await app.request({ prompt: 'none' })
    const claims = { aud: ['https://elsewhere.example', stage.issuer.origin] }
    const jar = await signRequest(app, stage.issuer, key.privateKey, parameters, { claims })
    expect(await errorOf(jar)).toBe('login_required')
  })

  it('RFC 9101 §5: refuses another client_id beside it, and a request_uri beside it', async () => {
    const other = await addRelyingApp(stage, { jwks: { keys: [key.jwk] } })
    const { parameters } = await app.request()
    const request = await signRequest(app, stage.issuer, key.privateKey, parameters)
    const asOther = new URLSearchParams({ client_id: other.client.client_id, request })
    const page = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(asOther))
    expect([page.url.pathname, page.status]).toEqual(['/authorize', 400])
    const both = new URLSearchParams({ client_id: app.client.client_id, request, request_uri: 'urn:example:any' })
    const refused = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(both))
    expect([refused.url.pathname, refused.status]).toEqual(['/authorize', 400])
  })

  it('RFC 9101 §5: a request inside a request is not looked at', async () => {
    const { parameters } = await app.request({ prompt: 'none' })
    const inner = await signRequest(app, stage.issuer, key.privateKey, parameters)
    for (const nested of [{ request: inner }, { request_uri: 'https://shop.example/request.jwt' }]) {
      const jar = await signRequest(app, stage.issuer, key.privateKey, parameters, { claims: nested })
      expect(await errorOf(jar)).toBe('invalid_request_object')
    }
  })
})

describe('signed answers — JARM', () => {
  it.each(['jwt', 'query.jwt'])('JARM §2.3: answers response_mode=%s with a signed response', async (mode) => {
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

  it('JARM §2.1: answers errors signed as well', async () => {
    const { parameters } = await app.request({ response_mode: 'jwt', prompt: 'none' })
    const { url } = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    await expect(
      oauth.validateJwtAuthResponse(app.as, app.client, url, parameters.get('state') ?? '', insecure),
    ).rejects.toMatchObject({ error: 'login_required' })
  })

  it('JARM §2.1: names who it is from, who it is for, and ends soon', async () => {
    const { parameters } = await app.request({ response_mode: 'jwt' })
    const back = await logIn(app.authorizeUrl(parameters))
    const response = back.searchParams.get('response') ?? ''
    expect(decodeProtectedHeader(response)).toMatchObject({ alg: 'ES256', kid: expect.any(String) })
    const claims = decodeJwt(response)
    expect(claims).toMatchObject({
      iss: stage.issuer.origin,
      aud: app.client.client_id,
      code: expect.any(String),
      state: parameters.get('state'),
    })
    expect(Number(claims.exp) - Math.floor(Date.now() / 1000)).toSatisfy((left: number) => left > 0 && left <= 600)
  })

  it('JARM §2.3.2: answers response_mode=fragment.jwt behind the address', async () => {
    const { parameters } = await app.request({ response_mode: 'fragment.jwt', prompt: 'none' })
    const { url } = await new Citizen(REDIRECT_URI).get(app.authorizeUrl(parameters))
    const [name, response = ''] = [...new URLSearchParams(url.hash.slice(1))][0] ?? []
    expect([name, url.search, decodeJwt(response).error]).toEqual(['response', '', 'login_required'])
  })

  it('JARM §2.2: encrypts the answer to a client that registered so', async () => {
    const own = await makeKey('RSA-OAEP-256', { use: 'enc', alg: 'RSA-OAEP-256' })
    const secretive = await addRelyingApp(stage, {
      jwks: { keys: [own.jwk] },
      authorization_signed_response_alg: 'ES256',
      authorization_encrypted_response_alg: 'RSA-OAEP-256',
      authorization_encrypted_response_enc: 'A256GCM',
    })
    const { parameters } = await secretive.request({ response_mode: 'jwt', prompt: 'none' })
    const { url } = await new Citizen(REDIRECT_URI).get(secretive.authorizeUrl(parameters))
    const decryptionKey = await importPKCS8(await exportPKCS8(own.privateKey), 'RSA-OAEP-256')
    const { plaintext } = await compactDecrypt(url.searchParams.get('response') ?? '', decryptionKey)
    const signed = new TextDecoder().decode(plaintext)
    expect([decodeProtectedHeader(signed).alg, decodeJwt(signed).error]).toEqual(['ES256', 'login_required'])
  })
})

describe('signed and encrypted tokens — OpenID Connect Core §5.3.2, §16.14; RFC 9701', () => {
  const encryptions = [
    ['RSA-OAEP-256', 'A128CBC-HS256'],
    ['ECDH-ES', 'A256GCM'],
    ['ECDH-ES+A256KW', 'A256GCM'],
  ] as const

  it.each(encryptions)('Core §16.14: encrypts ID token and userinfo to the client’s key: %s, %s', async (alg, enc) => {
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

  it('RFC 9701 §5: answers introspection as a signed JWT when asked for one, that is neither access nor ID token', async () => {
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

  it('RFC 9701 §5: the JWT is for the client that asked, of a type of its own, with the answer in one member', async () => {
    const ask = async (accept: string) => {
      const answer = await fetch(app.as.introspection_endpoint ?? '', {
        method: 'POST',
        headers: { accept },
        body: new URLSearchParams({
          client_id: app.client.client_id,
          client_secret: app.secret,
          token: 'never-given',
        }),
      })
      return { type: answer.headers.get('content-type') ?? '', text: await answer.text() }
    }
    const { text } = await ask('application/token-introspection+jwt')
    expect(decodeProtectedHeader(text)).toMatchObject({ typ: 'token-introspection+jwt', alg: 'RS256' })
    const claims = decodeJwt(text)
    expect(claims).toMatchObject({
      iss: stage.issuer.origin,
      aud: app.client.client_id,
      iat: expect.any(Number),
      token_introspection: { active: false },
    })
    expect([claims.sub, claims.exp]).toEqual([undefined, undefined])
    const plain = await ask('application/json')
    expect([plain.type, plain.text]).toEqual([expect.stringMatching(/^application\/json/), '{"active":false}'])
  })
})
