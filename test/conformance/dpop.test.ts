import { type CryptoKey, calculateJwkThumbprint, exportJWK, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase } from '../support/databases.ts'
import { addRelyingApp, insecure, type KeyPair, makeKey, type RelyingApp } from '../support/relying-app.ts'
import { newSecrets, openStage, type Stage } from '../support/stage.ts'

interface Proof {
  readonly key: KeyPair
  readonly url: URL
  readonly method?: string
  readonly accessToken?: string
  readonly change?: Record<string, unknown>
}

async function prove({ key, url, method = 'POST', accessToken, change = {} }: Proof): Promise<string> {
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
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
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

  it('names its algorithms, all asymmetric (§5.1)', () => {
    expect(spa.as.dpop_signing_alg_values_supported).toEqual(['ES256', 'PS256', 'EdDSA', 'Ed25519'])
  })

  it('binds access and refresh token of a public client to its key (§5)', async () => {
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

  it('tells the thumbprint at introspection, and to the token’s own client only (§6.2; RFC 7662 §2)', async () => {
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

  it('hands out a nonce, takes it back, and refuses one it never made (§8)', async () => {
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

  it('makes the same nonces in every instance of one issuer, and others under another secret (§8.1)', async () => {
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

  it.each<[string, Partial<Proof>]>([
    ['another method', { method: 'GET' }],
    ['another address', { url: new URL('https://elsewhere.example/token') }],
    ['a date long ago', { change: { iat: 1 } }],
    ['no jti', { change: { jti: undefined } }],
  ])('refuses a proof with %s (§4.3)', async (_case, change) => {
    const url = new URL(spa.as.token_endpoint ?? '')
    const answer = await fetch(url, {
      method: 'POST',
      headers: { DPoP: await prove({ key: await makeKey(), url, ...change }) },
      body: new URLSearchParams({
        client_id: spa.client.client_id,
        grant_type: 'refresh_token',
        refresh_token: 'never-given',
      }),
    })
    const { error } = (await answer.json()) as { error: string }
    expect(['invalid_dpop_proof', 'use_dpop_nonce']).toContain(error)
    expect(answer.status).toBe(400)
  })

  it('takes a proof once, and remembers one dated ahead for as long as it is good (§11.1)', async () => {
    const { callback, verifier } = await shop.authorized()
    const url = new URL(shop.as.token_endpoint ?? '')
    const key = await makeKey()
    const iat = Math.floor(Date.now() / 1000) + 290
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

  it('holds a code to the key that the request named (dpop_jkt, §10)', async () => {
    const key = await makeKey()
    const { callback, verifier } = await shop.authorized({ dpop_jkt: await calculateJwkThumbprint(key.jwk) })
    const other = oauth.DPoP(shop.client, (await keyPair()) as { privateKey: CryptoKey; publicKey: CryptoKey })
    const refused = await shop.exchange(callback, verifier, { DPoP: other })
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
  })
})
