import { type CryptoKey, calculateJwkThumbprint, decodeJwt, exportJWK, type JWK, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase } from '../support/databases.ts'
import { addRelyingApp, insecure, type KeyPair, makeKey, type RelyingApp } from '../support/relying-app.ts'
import { logIn, newSecrets, openStage, registration, type Stage } from '../support/stage.ts'

interface Proof {
  readonly key: KeyPair
  readonly url: URL
  readonly method?: string
  readonly accessToken?: string
  readonly change?: Record<string, unknown>
  readonly header?: Record<string, unknown>
}

async function prove({ key, url, method = 'POST', accessToken, change = {}, header = {} }: Proof): Promise<string> {
  const digest = accessToken && (await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken)))
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url.href,
    iat: Math.floor(Date.now() / 1000),
    ...(digest && { ath: Buffer.from(digest).toString('base64url') }),
    ...change,
  }
  const { privateKey, publicKey } = key
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey), ...header })
    .sign(privateKey)
}

describeOnEachDatabase('DPoP — RFC 9449', (open) => {
  let stage: Stage
  let spa: RelyingApp
  let shop: RelyingApp
  const secrets = newSecrets()
  const keyPair = () => crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])

  beforeAll(async () => {
    stage = await openStage(await open(), { secrets })
    spa = await addRelyingApp(stage, { token_endpoint_auth_method: 'none' }, () => oauth.None())
    shop = await addRelyingApp(stage)
  })
  afterAll(() => stage.close())

  async function bound(app: RelyingApp) {
    const { callback, verifier, parameters } = await app.authorized()
    const DPoP = oauth.DPoP(app.client, (await keyPair()) as { privateKey: CryptoKey; publicKey: CryptoKey })
    const response = await app.exchange(callback, verifier, { DPoP })
    const tokens = await oauth.processAuthorizationCodeResponse(app.as, app.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
    })
    return { DPoP, tokens, response, refreshToken: tokens.refresh_token ?? '' }
  }

  /** Asks the token endpoint for something that nobody has: `invalid_grant` when the proof was good. */
  async function errorFor(headers: [string, string][]): Promise<[number, string]> {
    const answer = await fetch(spa.as.token_endpoint ?? '', {
      method: 'POST',
      headers,
      body: new URLSearchParams({
        client_id: spa.client.client_id,
        grant_type: 'refresh_token',
        refresh_token: 'never-given',
      }),
    })
    return [answer.status, ((await answer.json()) as { error: string }).error]
  }
  const tokenUrl = () => new URL(spa.as.token_endpoint ?? '')
  const proofWith = async (change: Partial<Proof>) => prove({ key: await makeKey(), url: tokenUrl(), ...change })
  const now = () => Math.floor(Date.now() / 1000)

  it('§5.1: names its algorithms, all asymmetric', () => {
    expect(spa.as.dpop_signing_alg_values_supported).toEqual(['ES256', 'PS256', 'EdDSA', 'Ed25519'])
  })

  it('§5: binds access and refresh token of a public client to its key', async () => {
    const { DPoP, tokens, refreshToken } = await bound(spa)
    expect(tokens.token_type).toBe('dpop')
    const userinfo = await oauth.userInfoRequest(spa.as, spa.client, tokens.access_token, { ...insecure, DPoP })
    expect(userinfo.status).toBe(200)
    const bare = await oauth.userInfoRequest(spa.as, spa.client, tokens.access_token, insecure)
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('invalid_token')])

    const other = oauth.DPoP(spa.client, (await keyPair()) as { privateKey: CryptoKey; publicKey: CryptoKey })
    const stolen = await oauth.refreshTokenGrantRequest(spa.as, spa.client, spa.auth, refreshToken, {
      ...insecure,
      DPoP: other,
    })
    expect([stolen.status, await stolen.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    const own = await oauth.refreshTokenGrantRequest(spa.as, spa.client, spa.auth, refreshToken, { ...insecure, DPoP })
    expect((await oauth.processRefreshTokenResponse(spa.as, spa.client, own)).token_type).toBe('dpop')
  })

  it('§6.2: tells the thumbprint at introspection, and to the token’s own client only', async () => {
    const { tokens } = await bound(shop)
    const answer = await oauth.introspectionRequest(shop.as, shop.client, shop.auth, tokens.access_token, insecure)
    expect(await oauth.processIntrospectionResponse(shop.as, shop.client, answer)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: expect.stringMatching(/^[\w-]{43}$/) },
    })
    const stranger = await addRelyingApp(stage)
    const foreign = await oauth.introspectionRequest(
      stranger.as,
      stranger.client,
      stranger.auth,
      tokens.access_token,
      insecure,
    )
    expect(await foreign.json()).toEqual({ active: false })
    await oauth.revocationRequest(stranger.as, stranger.client, stranger.auth, tokens.access_token, insecure)
    const still = await oauth.introspectionRequest(shop.as, shop.client, shop.auth, tokens.access_token, insecure)
    expect(await still.json()).toMatchObject({ active: true })
    await oauth.revocationRequest(shop.as, shop.client, shop.auth, tokens.access_token, insecure)
    const after = await oauth.introspectionRequest(shop.as, shop.client, shop.auth, tokens.access_token, insecure)
    expect(await after.json()).toEqual({ active: false })
  })

  it('§8: hands out a nonce, takes it back, and refuses one it never made', async () => {
    const { response, DPoP: _used } = await bound(shop)
    const nonce = response.headers.get('dpop-nonce') ?? ''
    expect(nonce).toMatch(/^[\w-]{43}$/)
    const key = await makeKey()
    const url = new URL(shop.as.token_endpoint ?? '')
    const send = async (change: Record<string, unknown>) => {
      const form = { grant_type: 'refresh_token', refresh_token: 'never-given', client_id: shop.client.client_id }
      const answer = await fetch(url, {
        method: 'POST',
        headers: { DPoP: await prove({ key, url, change }) },
        body: new URLSearchParams({ ...form, client_secret: shop.secret }),
      })
      return { error: ((await answer.json()) as { error: string }).error, nonce: answer.headers.get('dpop-nonce') }
    }
    expect(await send({ nonce })).toMatchObject({ error: 'invalid_grant' })
    expect(await send({ nonce: 'x'.repeat(43) })).toEqual({
      error: 'use_dpop_nonce',
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    })
    const old = Math.floor(Date.now() / 1000) - 400
    expect(await send({ iat: old })).toEqual({ error: 'use_dpop_nonce', nonce: expect.stringMatching(/^[\w-]{43}$/) })
    expect(await send({ iat: old, nonce })).toMatchObject({ error: 'invalid_grant' })
  })

  it('§8.1: makes the same nonces in every instance of one issuer, and others under another secret', async () => {
    const instance = (change: Record<string, string> = {}) =>
      openStage(stage.database, { secrets: { ...secrets, ...change }, simulator: stage.simulator })
    const nonceOf = async ({ issuer }: Stage) => {
      const url = new URL('/token', issuer)
      const answer = await fetch(url, {
        method: 'POST',
        headers: { DPoP: await prove({ key: await makeKey(), url }) },
        body: new URLSearchParams({
          client_id: spa.client.client_id,
          grant_type: 'refresh_token',
          refresh_token: 'never-given',
        }),
      })
      return answer.headers.get('dpop-nonce')
    }
    const second = await instance()
    const stranger = await instance({ DWAR_INDEX_SECRET: newSecrets().DWAR_INDEX_SECRET ?? '' })
    // Nonces change with the minute, which may end between two requests.
    const [before, same, after] = [await nonceOf(stage), await nonceOf(second), await nonceOf(stage)]
    expect(same).toMatch(/^[\w-]{43}$/)
    expect([before, after]).toContain(same)
    expect([before, after]).not.toContain(await nonceOf(stranger))
    await second.close()
    await stranger.close()
  })

  it('§4.3: takes a proof as it should be, whatever query or fragment its address has', async () => {
    expect(await errorFor([['DPoP', await proofWith({})]])).toEqual([400, 'invalid_grant'])
    const url = new URL('?query=1#fragment', tokenUrl())
    expect(await errorFor([['DPoP', await proofWith({ url })]])).toEqual([400, 'invalid_grant'])
  })

  it.each<[string, Partial<Proof>]>([
    ['another method', { method: 'GET' }],
    ['no method', { change: { htm: undefined } }],
    ['another address', { url: new URL('https://elsewhere.example/token') }],
    ['no address', { change: { htu: undefined } }],
    ['no date', { change: { iat: undefined } }],
    ['a date more than a minute ahead', { change: { iat: Math.floor(Date.now() / 1000) + 3600 } }],
    ['no jti', { change: { jti: undefined } }],
    ['another type', { header: { typ: 'JWT' } }],
    ['no key', { header: { jwk: undefined } }],
    ['an algorithm that we do not name', { header: { alg: 'ES512' } }],
  ])('§4.3: refuses a proof with %s', async (_case, change) => {
    const made = await proofWith(change).catch(() => proofWithHeader(change.header ?? {}))
    expect(await errorFor([['DPoP', made]])).toEqual([400, 'invalid_dpop_proof'])
  })

  it('§4.2: minds nbf and exp in a proof, and nothing else that is added', async () => {
    const good = { change: { nbf: now(), exp: now() + 300, extra: 1 }, header: { extra: 1 } }
    expect(await errorFor([['DPoP', await proofWith(good)]])).toEqual([400, 'invalid_grant'])
    for (const change of [{ exp: now() - 60 }, { nbf: now() + 90 }])
      expect(await errorFor([['DPoP', await proofWith({ change })]])).toEqual([400, 'invalid_dpop_proof'])
  })

  it('§4.3: refuses two proofs, no JWT, another key’s signature, a private key, a shared key and no signature', async () => {
    const good = await proofWith({})
    const [header = '', payload = ''] = good.split('.')
    const other = await proofWith({})
    const key = await makeKey()
    const secret: JWK = { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0' }
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: key.jwk })).toString('base64url')
    const shared = await new SignJWT(decodeJwt(good))
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: secret })
      .sign(Buffer.from(secret.k ?? '', 'base64url'))
    for (const bad of [
      `${good}, ${other}`,
      'nonsense',
      `${header}.${payload}.${other.split('.')[2]}`,
      await proofWith({ key, header: { jwk: await exportJWK(key.privateKey) } }),
      shared,
      `${none}.${payload}.`,
    ])
      expect(await errorFor([['DPoP', bad]])).toEqual([400, 'invalid_dpop_proof'])
  })

  it('§4.3: an old date is sent for a nonce, which stands for the date then (§8)', async () => {
    const old = now() - 400
    expect(await errorFor([['DPoP', await proofWith({ change: { iat: old } })]])).toEqual([400, 'use_dpop_nonce'])
  })

  /** What no library signs: letters in their place, and a signature of nothing. */
  function proofWithHeader(change: Record<string, unknown>): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: tokenUrl().href, iat: now() }
    return `${part({ alg: 'ES256', typ: 'dpop+jwt', ...change })}.${part(claims)}.${'A'.repeat(86)}`
  }

  it('§11.1: takes a proof once, and remembers one dated ahead for as long as it is good', async () => {
    const { callback, verifier } = await shop.authorized()
    const url = new URL(shop.as.token_endpoint ?? '')
    const key = await makeKey()
    const iat = now() + 50
    const proof = await prove({ key, url, change: { iat } })
    const send = (refresh?: string) =>
      fetch(url, {
        method: 'POST',
        headers: { DPoP: proof },
        body: new URLSearchParams({
          client_id: shop.client.client_id,
          client_secret: shop.secret,
          ...(refresh
            ? { grant_type: 'refresh_token', refresh_token: refresh }
            : {
                grant_type: 'authorization_code',
                code: callback.get('code') ?? '',
                redirect_uri: 'https://shop.example/callback',
                code_verifier: verifier,
              }),
        }),
      })
    const first = (await (await send()).json()) as { refresh_token: string; token_type: string }
    expect(first.token_type).toBe('DPoP')
    const replayed = await send(first.refresh_token)
    expect([replayed.status, await replayed.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    const [row] = await stage.database.hot<{ ends: number }>(
      'replay_ends',
      `select max(extract(epoch from expires_at))::float8 as ends from oidc_model where model = 'ReplayDetection'`,
      [],
    )
    expect(row?.ends).toBeGreaterThanOrEqual(iat + 300)
  })

  it('§10: holds a code to the key that the request named as dpop_jkt', async () => {
    const key = await makeKey()
    const { callback, verifier } = await shop.authorized({ dpop_jkt: await calculateJwkThumbprint(key.jwk) })
    const other = oauth.DPoP(shop.client, (await keyPair()) as { privateKey: CryptoKey; publicKey: CryptoKey })
    const refused = await shop.exchange(callback, verifier, { DPoP: other })
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })

  it('§10.1: holds a code to the key that its pushed request was proven with, and refuses two that differ', async () => {
    const own = await makeKey()
    const other = await makeKey()
    const url = new URL(shop.as.pushed_authorization_request_endpoint ?? '')
    const push = async (parameters: URLSearchParams) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { DPoP: await prove({ key: own, url }) },
        body: new URLSearchParams([...parameters, ['client_secret', shop.secret]]),
      })
      return { status: answer.status, body: (await answer.json()) as { error?: string; request_uri?: string } }
    }
    const differing = await shop.request({ dpop_jkt: await calculateJwkThumbprint(other.jwk) })
    expect(await push(differing.parameters)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const statusWith = async (key: KeyPair) => {
      const { verifier, parameters } = await shop.request()
      const request_uri = (await push(parameters)).body.request_uri ?? ''
      const query = new URLSearchParams({ client_id: shop.client.client_id, request_uri })
      const back = await logIn(shop.authorizeUrl(query))
      const callback = oauth.validateAuthResponse(shop.as, shop.client, back, parameters.get('state') ?? '')
      return (await shop.exchange(callback, verifier, { DPoP: oauth.DPoP(shop.client, key) })).status
    }
    expect([await statusWith(other), await statusWith(own)]).toEqual([400, 200])
  })

  it('§5: leaves the refresh token of a client that authenticates free of the key', async () => {
    const { refreshToken } = await bound(shop)
    const other = oauth.DPoP(shop.client, (await keyPair()) as { privateKey: CryptoKey; publicKey: CryptoKey })
    const answer = await oauth.refreshTokenGrantRequest(shop.as, shop.client, shop.auth, refreshToken, {
      ...insecure,
      DPoP: other,
    })
    expect((await oauth.processRefreshTokenResponse(shop.as, shop.client, answer)).token_type).toBe('dpop')
  })

  it('§5.2: a client that registered dpop_bound_access_tokens gets no token without a proof', async () => {
    const strict = await addRelyingApp(stage, { dpop_bound_access_tokens: true })
    const { callback, verifier } = await strict.authorized()
    const bare = await strict.exchange(callback, verifier)
    expect([bare.status, await bare.json()]).toEqual([
      400,
      expect.objectContaining({ error: expect.stringMatching(/^invalid_(dpop_proof|grant|request)$/) }),
    ])
  })

  it('§6.1: the thumbprint stands in a token for the client’s own API', async () => {
    const api = 'https://api.shop.example/v1'
    const owner = await addRelyingApp(stage, {
      dwar: { ...registration.dwar, resources: [{ identifier: api, scopes: ['rent'] }] },
    })
    const { callback, verifier, parameters } = await owner.authorized({ resource: api, scope: 'openid rent' })
    const key = await makeKey()
    const response = await owner.exchange(callback, verifier, {
      DPoP: oauth.DPoP(owner.client, key),
      additionalParameters: { resource: api },
    })
    const tokens = await oauth.processAuthorizationCodeResponse(owner.as, owner.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
    })
    expect(decodeJwt(tokens.access_token).cnf).toEqual({ jkt: await calculateJwkThumbprint(key.jwk) })
  })

  it('§7.1: userinfo takes a bound token with its own proof alone: key, address, method, token and only once', async () => {
    const { callback, verifier, parameters } = await shop.authorized()
    const key = await makeKey()
    const response = await shop.exchange(callback, verifier, { DPoP: oauth.DPoP(shop.client, key) })
    const { access_token: accessToken } = await oauth.processAuthorizationCodeResponse(shop.as, shop.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
    })
    const url = new URL(shop.as.userinfo_endpoint ?? '')
    const ask = async (proof: string | undefined, scheme = 'DPoP') => {
      const answer = await fetch(url, {
        headers: { authorization: `${scheme} ${accessToken}`, ...(proof !== undefined && { DPoP: proof }) },
      })
      return [answer.status, answer.headers.get('www-authenticate') ?? '']
    }
    const own = { key, url, method: 'GET', accessToken }
    const once = await prove(own)
    expect((await ask(once))[0]).toBe(200)
    const challenge = [401, expect.stringMatching(/^DPoP .*error="invalid_(token|dpop_proof)".*algs="ES256 /)]
    expect(await ask(once)).toEqual(challenge)
    for (const change of [
      { key: await makeKey() },
      { url: new URL('/token', url) },
      { method: 'POST' },
      { accessToken: 'another' },
      { accessToken: '' },
      { change: { iat: now() + 3600 } },
    ])
      expect(await ask(await prove({ ...own, ...change }))).toEqual(challenge)
    expect((await ask(undefined))[0]).toBe(400)
    expect((await ask(undefined, 'Bearer'))[0]).toBe(401)
    expect((await ask(await prove(own), 'Bearer'))[0]).toBeGreaterThanOrEqual(400)
  })

  it('§7.1: a token that is bound to nothing is not made better by a proof', async () => {
    const { callback, verifier, parameters } = await shop.authorized()
    const { access_token: accessToken } = await oauth.processAuthorizationCodeResponse(
      shop.as,
      shop.client,
      await shop.exchange(callback, verifier),
      { expectedNonce: parameters.get('nonce') ?? '' },
    )
    const url = new URL(shop.as.userinfo_endpoint ?? '')
    const proof = await prove({ key: await makeKey(), url, method: 'GET', accessToken })
    const answer = await fetch(url, { headers: { authorization: `DPoP ${accessToken}`, DPoP: proof } })
    expect(answer.status).toBe(401)
  })
})
