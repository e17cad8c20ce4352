import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jwksMaxAge } from '../../src/provider/keys/schedule.ts'
import { describeOnEachDatabase, freshPostgres } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'
import { startTransit, type Transit } from '../support/transit.ts'

/** Short, for the engine has a clock of its own, and a code ends a minute after it by ours. */
const LEAD = 6

interface App {
  readonly id: string
  readonly secret: string
  readonly config: client.Configuration
}

async function addApp(stage: Stage, change: Record<string, unknown> = {}): Promise<App> {
  const { client_id: id, client_secret: secret } = await stage.addClient(change)
  const config = await client.discovery(stage.issuer, id, secret, undefined, {
    execute: [client.allowInsecureRequests],
  })
  return { id, secret, config }
}

async function authorized({ config }: App) {
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid offline_access phone',
    prompt: 'consent',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  return { callback: await logIn(url), verifier }
}

async function signedIn(app: App) {
  const { callback, verifier } = await authorized(app)
  return client.authorizationCodeGrant(app.config, callback, { pkceCodeVerifier: verifier })
}

const kidOf = (token: string | undefined) => decodeProtectedHeader(token ?? '').kid

describeOnEachDatabase('Signing keys of a running issuer', (open) => {
  let stage: Stage
  let offset = 0
  let app: App
  beforeAll(async () => {
    const clock = () => Math.floor(Date.now() / 1000) + offset
    stage = await openStage(await open(), { clock, env: { DWAR_KEY_LEAD_SECONDS: String(LEAD) } })
    await stage.app.keys.turn() // the next keys are there: what is published stands still until a rotation
    app = await addApp(stage, { id_token_signed_response_alg: 'ES256' })
  })
  afterAll(() => stage.close())

  const get = (at: string, headers: Record<string, string> = {}) => fetch(new URL(at, stage.issuer), { headers })
  const publishedKids = async () =>
    ((await (await get('/jwks')).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)

  it.each(['/jwks', '/JWKS/', '/.well-known/openid-configuration'])(
    'lets others keep %s for less than a key is published before it signs, and ask for changes (RFC 9110 §13.1.2)',
    async (at) => {
      const first = await get(at)
      const maxAge = Number(/^public, max-age=(\d+)$/.exec(first.headers.get('cache-control') ?? '')?.[1])
      expect(maxAge).toBe(jwksMaxAge(stage.config.keys.schedule))
      expect(maxAge).toBeLessThan(LEAD)
      const etag = first.headers.get('etag') ?? ''
      expect(etag).toMatch(/^"[\w-]{22}"$/)
      const again = await get(at, { 'if-none-match': etag })
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
      expect((await get(at, { 'if-none-match': '"another"' })).status).toBe(200)
    },
  )

  it('publishes nothing private (OP-9)', async () => {
    const { keys } = (await (await get('/jwks')).json()) as { keys: Record<string, unknown>[] }
    expect(keys.length).toBeGreaterThanOrEqual(3)
    for (const key of keys)
      expect(Object.keys(key).filter((name) => /^(d|p|q|dp|dq|qi|k|priv)$/.test(name))).toEqual([])
  })

  it('changes the key that signs without a restart, and tokens of before and after verify', async () => {
    const jwks = createRemoteJWKSet(new URL('/jwks', stage.issuer))
    const before = await signedIn(app)
    const kids = await publishedKids()
    await stage.app.keys.rotate({ alg: 'ES256' })
    offset += LEAD
    await stage.app.keys.rotate({ alg: 'ES256' })
    const after = await client.refreshTokenGrant(app.config, before.refresh_token ?? '')
    expect(kidOf(after.id_token)).not.toBe(kidOf(before.id_token))
    expect(await publishedKids()).toEqual(expect.arrayContaining([...kids, kidOf(after.id_token)]))
    for (const token of [before.id_token, after.id_token])
      await jwtVerify(token ?? '', jwks, { issuer: stage.issuer.origin, audience: app.id })
  })

  it('takes an ID token of a retired key as id_token_hint (RP-Initiated Logout 1.0 §2)', async () => {
    const { id_token: hint = '' } = await signedIn(app)
    offset += LEAD
    await stage.app.keys.rotate({ alg: 'ES256' })
    const url = new URL('/logout', stage.issuer)
    url.search = new URLSearchParams({ id_token_hint: hint }).toString()
    expect((await fetch(url)).status).toBe(200)
  })

  it('withdraws a key in an emergency: gone from the JWK Set at once, its tokens are no hint any more', async () => {
    const { id_token: hint = '', refresh_token = '' } = await signedIn(app)
    await stage.app.keys.rotate({ alg: 'ES256' })
    offset += LEAD
    await stage.app.keys.rotate({ alg: 'ES256', now: true })
    expect(await publishedKids()).not.toContain(kidOf(hint))
    const url = new URL('/logout', stage.issuer)
    url.search = new URLSearchParams({ id_token_hint: hint }).toString()
    expect((await fetch(url)).status).toBe(400)
    expect(kidOf((await client.refreshTokenGrant(app.config, refresh_token)).id_token)).not.toBe(kidOf(hint))
  })

  it('lets an app in with its former secret until the overlap ends, and not after (SE-1)', async () => {
    const { id, secret } = await addApp(stage)
    const { client_secret: newer = '' } = await stage.app.clients.rotateSecret(id, 8)
    offset += 2
    const tryWith = async (one: string) => {
      const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'none' })
      const headers = { authorization: `Basic ${Buffer.from(`${id}:${one}`).toString('base64')}` }
      const answer = await fetch(new URL('/token', stage.issuer), { method: 'POST', body, headers })
      return ((await answer.json()) as { error: string }).error
    }
    expect(await tryWith(newer)).toBe('invalid_grant')
    expect(await tryWith(secret)).toBe('invalid_grant')
    expect(await tryWith('neither')).toBe('invalid_client')
    offset += 8
    expect(await tryWith(secret)).toBe('invalid_client')
    expect(await tryWith(newer)).toBe('invalid_grant')
    const { client_secret: newest = '' } = await stage.app.clients.rotateSecret(id)
    offset += 2
    expect(await tryWith(newer)).toBe('invalid_client')
    expect(await tryWith(newest)).toBe('invalid_grant')
  })
})

describe('Signing keys in a key management service', () => {
  const open = freshPostgres()
  const folder = mkdtempSync(path.join(tmpdir(), 'dwar-transit-'))
  let transit: Transit
  let stage: Stage
  let app: App
  beforeAll(async () => {
    transit = await startTransit()
    const tokenFile = path.join(folder, 'token')
    writeFileSync(tokenFile, transit.token)
    stage = await openStage(await open(), {
      env: {
        DWAR_KEY_HOLDER: 'transit',
        DWAR_TRANSIT_URL: transit.url.href,
        DWAR_TRANSIT_TOKEN_FILE: tokenFile,
      },
    })
    app = await addApp(stage, { id_token_signed_response_alg: 'ES256' })
  })
  afterAll(async () => {
    await stage?.close()
    await transit?.close()
    rmSync(folder, { recursive: true })
  })

  const ready = async () => (await fetch(new URL('/health/ready', stage.issuer))).status

  async function redeem({ callback, verifier }: Awaited<ReturnType<typeof authorized>>) {
    const answer = await fetch(new URL('/token', stage.issuer), {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${app.id}:${app.secret}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        redirect_uri: REDIRECT_URI,
        code_verifier: verifier,
      }),
    })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> }
  }

  it.each(['RS256', 'ES256', 'EdDSA'])('sign %s ID tokens there; no private half is in our database', async (alg) => {
    const one = await addApp(stage, { id_token_signed_response_alg: alg })
    const jwks = createRemoteJWKSet(new URL('/jwks', stage.issuer))
    const { id_token = '' } = await signedIn(one)
    expect((await jwtVerify(id_token, jwks, { audience: one.id })).protectedHeader.alg).toBe(alg)
    const rows = await stage.database.db().selectFrom('signing_key').select(['holder', 'sealed_private_jwk']).execute()
    expect(rows.map((row) => [row.holder, row.sealed_private_jwk])).toEqual(rows.map(() => ['transit', null]))
  })

  it('refuse with 503 while the service is away, spend nothing, and go on when it is back', async () => {
    const request = await authorized(app)
    transit.fault = { path: /sign/, kind: 'gone' }
    const during = await redeem(request)
    expect(during).toMatchObject({ status: 503, body: { error: 'server_error' } })
    expect(during.headers.get('retry-after')).toBe('5')
    expect(during.body.incident_id).toMatch(/^DW-/)
    expect(stage.logs()).toContain(during.body.incident_id)
    expect(await ready()).toBe(503)
    const tokens = await stage.database
      .db()
      .selectFrom('oidc_model')
      .select('model')
      .where('model', 'in', ['AccessToken', 'RefreshToken'])
      .where('client_id', '=', app.id)
      .execute()
    expect(tokens).toEqual([])
    const redeemed = () => stage.app.events.history({ type: 'code.redeemed', clientId: app.id })
    expect(await redeemed()).toEqual([])

    const calls = transit.calls.length
    expect((await redeem(request)).status).toBe(503)
    expect(transit.calls.length).toBeGreaterThan(calls)

    transit.fault = undefined
    expect(await ready()).toBe(200)
    const { status, body } = await redeem(request)
    expect([status, Object.keys(body)]).toEqual([200, expect.arrayContaining(['id_token', 'access_token'])])
    expect(await redeemed()).toHaveLength(1)
    expect(await stage.app.events.history({ type: 'token.reused' })).toEqual([])
  })

  it('leave a refresh token unspent for which nothing could be signed', async () => {
    const { refresh_token = '' } = await signedIn(app)
    transit.fault = { path: /sign/, kind: 'sealed' }
    await expect(client.refreshTokenGrant(app.config, refresh_token)).rejects.toMatchObject({ cause: { status: 503 } })
    expect(await stage.app.events.history({ type: 'refresh_token.rotated', clientId: app.id })).toEqual([])
    transit.fault = undefined
    expect((await client.refreshTokenGrant(app.config, refresh_token)).id_token).toBeTypeOf('string')
  })
})
