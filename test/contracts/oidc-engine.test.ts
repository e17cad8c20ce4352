import { createHash, generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../adapters/database.ts'
import { createOidcAdapter } from '../../adapters/oidc-adapter.ts'
import { createStorage, type Storage } from '../../adapters/storage.ts'
import { systemClock } from '../../src/clock.ts'
import { clientSecretPlace } from '../../src/provider/clients.ts'
import { parseKeyRing } from '../../src/vault/key-ring.ts'
import { createVault } from '../../src/vault/sealed-vault.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { aClient, aConsent, insertConsent } from './kit.ts'

const REDIRECT = 'https://shop.test/cb'
const VERIFIER = 'v'.repeat(43)

/** The real engine over our storage, at its HTTP endpoints; logins are made in storage, for they are other rooms' work. */
describeOnEachDatabase('oidc-provider over the adapter', (open) => {
  let database: Database
  let storage: Storage
  let provider: Provider
  let server: Server
  let issuer: string
  let sent: string[] = []
  let slowDown: () => Promise<unknown> = async () => undefined

  beforeAll(async () => {
    database = await open({ onStatement: (text) => sent.push(text) })
    storage = createStorage(database, systemClock)
    const vault = createVault(parseKeyRing(`t:${Buffer.alloc(32, 7).toString('base64')}`), storage.dataKeys)
    const secret = await vault.seal('system', clientSecretPlace('shop'), 'secret')
    const metadata = {
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid offline_access',
    }
    await storage.clients.put(aClient('shop', { metadata, sealedSecret: secret }), {
      body: { type: 'client.added' },
      clientId: 'shop',
    })
    const { memo, clientCache: clients } = storage
    const adapter = createOidcAdapter({ database, vault, clients, memo, clock: systemClock, clockToleranceSeconds: 15 })
    server = createServer((request, response) => provider.callback()(request, response)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    provider = makeProvider(issuer, adapter, storage, () => slowDown())
    await issueCode() // the vault has its key from here on
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  beforeEach(async () => {
    // A client looked up within this second costs no statement, so that the counts below are of the tokens alone.
    await storage.clientCache.find('shop')
    sent = []
  })

  async function issueCode(): Promise<{ code: string; grantId: string }> {
    const client = await provider.Client.find('shop')
    const grant = new provider.Grant({ accountId: 'acct-1', clientId: 'shop' })
    grant.addOIDCScope('openid offline_access')
    const grantId = await grant.save()
    await insertConsent({ database }, aConsent(grantId, { retainUntil: systemClock() + 600 }), Buffer.from('sealed'))
    const code = new provider.AuthorizationCode({
      accountId: 'acct-1',
      client,
      grantId,
      redirectUri: REDIRECT,
      scope: 'openid offline_access',
      codeChallenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      codeChallengeMethod: 'S256',
    } as never)
    return { code: await code.save(), grantId }
  }

  const post = async (path: string, form: Record<string, string>) => {
    const headers = { authorization: `Basic ${Buffer.from('shop:secret').toString('base64')}` }
    const response = await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) })
    const text = await response.text()
    return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, string> }
  }
  const exchange = (code: string) =>
    post('/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: VERIFIER })
  const refresh = (token: string) => post('/token', { grant_type: 'refresh_token', refresh_token: token })
  const userinfo = async (token: string) =>
    (await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } })).status
  const statements = () => sent.filter((text) => !text.includes('cache_version'))
  const eventsOf = async (grantId: string) =>
    (await storage.events.history({ clientId: 'shop' }))
      .filter((event) => event.grantId === grantId)
      .map((event) => event.body)

  it('exchanges a code, refreshes and answers userinfo, with the consent at hand', async () => {
    const { code, grantId } = await issueCode()
    const tokens = await exchange(code)
    expect(tokens.status).toBe(200)
    const second = await refresh(tokens.body.refresh_token ?? '')
    expect(second.status).toBe(200)
    expect(await userinfo(second.body.access_token ?? '')).toBe(200)
    expect((await eventsOf(grantId)).map((body) => body.type)).toEqual([
      'code.issued',
      'code.redeemed',
      'access_token.issued',
      'refresh_token.issued',
      'refresh_token.rotated',
      'refresh_token.issued',
      'access_token.issued',
    ])
  })

  it('keeps to its budget of round trips', async () => {
    const { code } = await issueCode()
    sent = []
    const tokens = await exchange(code)
    expect(statements()).toHaveLength(2) // found with all that hangs on it; spent, with both tokens stored
    sent = []
    const second = await refresh(tokens.body.refresh_token ?? '')
    expect(statements()).toHaveLength(2)
    sent = []
    await userinfo(second.body.access_token ?? '')
    expect(statements()).toHaveLength(1)
    for (const token of [second.body.access_token, second.body.refresh_token, 'x'.repeat(43)]) {
      sent = []
      await post('/token/introspection', { token: token ?? '' })
      expect(statements()).toHaveLength(1)
    }
  })

  describe('a code that comes again — RFC 6749 §4.1.2', () => {
    it('is refused and ends what it gave, with its events once', async () => {
      const { code, grantId } = await issueCode()
      const tokens = await exchange(code)
      expect(await exchange(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
      expect(await userinfo(tokens.body.access_token ?? '')).toBe(401)
      expect((await eventsOf(grantId)).slice(-2)).toEqual([
        { type: 'token.reused', model: 'AuthorizationCode' },
        { type: 'grant.revoked', reason: 'reuse' },
      ])
    })

    it('gives no tokens that live when ten come at once', async () => {
      const { code, grantId } = await issueCode()
      const replies = await Promise.all(Array.from({ length: 10 }, () => exchange(code)))
      for (const reply of replies) {
        expect([200, 400]).toContain(reply.status)
        if (reply.status === 200) expect(await userinfo(reply.body.access_token ?? '')).toBe(401)
      }
      const events = await eventsOf(grantId)
      expect(events.filter((body) => body.type === 'code.redeemed')).toHaveLength(1)
      expect(events.filter((body) => body.type === 'token.reused')).toHaveLength(1)
    })
  })

  it('ends the family of a refresh token that comes again — RFC 9700 §4.14.2', async () => {
    const { code, grantId } = await issueCode()
    const first = await exchange(code)
    const second = await refresh(first.body.refresh_token ?? '')
    expect(await refresh(first.body.refresh_token ?? '')).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    expect(await refresh(second.body.refresh_token ?? '')).toMatchObject({ status: 400 })
    expect(await userinfo(second.body.access_token ?? '')).toBe(401)
    expect((await eventsOf(grantId)).slice(-2)).toEqual([
      { type: 'token.reused', model: 'RefreshToken' },
      { type: 'grant.revoked', reason: 'reuse' },
    ])
  })

  it('ends the family when the client revokes, and says that the client did — RFC 7009', async () => {
    const { code, grantId } = await issueCode()
    const tokens = await exchange(code)
    sent = []
    expect((await post('/token/revocation', { token: tokens.body.refresh_token ?? '' })).status).toBe(200)
    expect(statements()).toHaveLength(3) // found, destroyed, family revoked
    expect(await userinfo(tokens.body.access_token ?? '')).toBe(401)
    expect((await eventsOf(grantId)).at(-1)).toEqual({ type: 'grant.revoked', reason: 'client' })
  })

  it('says invalid_grant, and issues nothing, when the grant is revoked before the tokens are stored', async () => {
    const { code, grantId } = await issueCode()
    provider.once('grant.success', () => {
      revoked = database.db().deleteFrom('oidc_grant').where('id', '=', grantId).execute()
    })
    let revoked: Promise<unknown> = Promise.resolve()
    slowDown = () => revoked
    const reply = await exchange(code)
    slowDown = async () => undefined
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(reply.body).not.toHaveProperty('access_token')
    const issued = (await eventsOf(grantId)).map((body) => body.type)
    expect(issued).toEqual(['code.issued'])
  })

  it('stores no token of a request that failed by a fault of ours, and spends nothing for it: the client asks again', async () => {
    const { code, grantId } = await issueCode()
    const failOnce = () =>
      provider.once('refresh_token.saved', () => {
        throw new Error('a failure of ours')
      })
    failOnce()
    expect(await exchange(code)).toMatchObject({ status: 500, body: { error: 'server_error' } })
    expect((await eventsOf(grantId)).map((body) => body.type)).toEqual(['code.issued'])
    const first = await exchange(code)
    expect(first.status).toBe(200)
    failOnce()
    expect((await refresh(first.body.refresh_token ?? '')).status).toBe(500)
    expect((await refresh(first.body.refresh_token ?? '')).status).toBe(200)
    expect((await refresh(first.body.refresh_token ?? '')).status).toBe(400) // now it is spent
  })

  it('refuses a client with another secret', async () => {
    const { code } = await issueCode()
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    })
    const headers = { authorization: `Basic ${Buffer.from('shop:wrong').toString('base64')}` }
    expect((await fetch(`${issuer}/token`, { method: 'POST', headers, body })).status).toBe(401)
  })
})

function makeProvider(
  issuer: string,
  adapter: ReturnType<typeof createOidcAdapter>,
  storage: Storage,
  afterRoutes: () => Promise<unknown>,
): Provider {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const provider = new Provider(issuer, {
    adapter,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: ['test'] },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
    },
    findAccount: async (_ctx, accountId, token) => {
      // as the provider room does: claims come from the consent of the token's grant
      const grantId = token && 'grantId' in token ? token.grantId : undefined
      const consent = grantId ? await storage.consents.findByGrant(grantId) : undefined
      return consent?.sealedValues ? { accountId, claims: async () => ({ sub: accountId }) } : undefined
    },
    issueRefreshToken: () => true,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] },
    rotateRefreshToken: true,
  })
  provider.use(storage.tokenBatch)
  provider.use(async (_ctx, next) => {
    await next()
    await afterRoutes()
  })
  Object.assign(provider.ReplayDetection, { unique: storage.insertReplay })
  return provider
}
