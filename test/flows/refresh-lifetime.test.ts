import * as client from 'openid-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshPGlite } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, registration, type Stage } from '../support/stage.ts'

const open = freshPGlite()
const DAY = 86_400
/** Today, as whoever makes certificates and signs documents has it; a whole second. */
const START = new Date(Math.floor(Date.now() / 1000) * 1000)

/** The clock stands still and is set by hand: Date alone, so that sockets and timers go on. */
describe('how long a refresh token lives — security.md OP-5, RFC 9700 §4.14.2', () => {
  let stage: Stage
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START })
    stage = await openStage(await open(), { env: { DWAR_REFRESH_IDLE_DAYS: '3', DWAR_REFRESH_ABSOLUTE_DAYS: '7' } })
  })
  beforeEach(() => void vi.setSystemTime(START))
  afterEach(() => void vi.setSystemTime(START))
  afterAll(async () => {
    await stage?.close()
    vi.useRealTimers()
  })

  const at = (seconds: number) => vi.setSystemTime(START.getTime() + seconds * 1000)
  const epoch = () => Math.floor(Date.now() / 1000)

  async function signIn(policy: Record<string, unknown> = {}, change: Record<string, unknown> = {}) {
    const dwar = { ...registration.dwar, retentionDays: 20, ...policy }
    const { client_id, client_secret } = await stage.addClient({ dwar, ...change })
    const authentication = client_secret === '' ? client.None() : client.ClientSecretBasic(client_secret)
    const options = { execute: [client.allowInsecureRequests] }
    const config = await client.discovery(stage.issuer, client_id, undefined, authentication, options)
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access pan',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const tokens = await client.authorizationCodeGrant(config, await logIn(url), { pkceCodeVerifier: verifier })
    const refresh = (token?: string) => client.refreshTokenGrant(config, token ?? '')
    const lifetime = async (token?: string) => {
      const { exp } = await client.tokenIntrospection(config, token ?? '')
      return (exp ?? 0) - epoch()
    }
    return { token: tokens.refresh_token, refresh, lifetime }
  }

  const refused = { error: 'invalid_grant' }

  it('ends when it has lain unused for the idle time, to the second', async () => {
    const { token, refresh } = await signIn()
    at(3 * DAY)
    await expect(refresh(token)).rejects.toMatchObject(refused)
    at(3 * DAY - 1)
    expect((await refresh(token)).refresh_token).toBeTruthy()
  })

  it('is renewed by each use, and ends with the absolute time however often it is used', async () => {
    let { token, refresh, lifetime } = await signIn()
    for (const day of [2, 4]) {
      at(day * DAY)
      token = (await refresh(token)).refresh_token
      expect(await lifetime(token)).toBe(3 * DAY)
    }
    at(6 * DAY)
    token = (await refresh(token)).refresh_token
    expect(await lifetime(token)).toBe(DAY)
    at(7 * DAY)
    await expect(refresh(token)).rejects.toMatchObject(refused)
  })

  it('lives as its client says, where the client says so', async () => {
    const { token, refresh, lifetime } = await signIn({ refreshIdleDays: 5, refreshAbsoluteDays: 6 })
    expect(await lifetime(token)).toBe(5 * DAY)
    at(4 * DAY)
    expect(await lifetime((await refresh(token)).refresh_token)).toBe(2 * DAY)
  })

  it('never outlives the consent, and neither does its successor', async () => {
    const { token, refresh, lifetime } = await signIn({ retentionDays: 2 })
    expect(await lifetime(token)).toBe(2 * DAY)
    at(DAY)
    const successor = (await refresh(token)).refresh_token
    expect(await lifetime(successor)).toBe(DAY)
    at(2 * DAY)
    await expect(refresh(successor)).rejects.toMatchObject(refused)
  })

  it('is not renewed by rotation in a browser app that is bound to no key', async () => {
    const { token, refresh } = await signIn({}, { token_endpoint_auth_method: 'none' })
    at(2 * DAY)
    const successor = (await refresh(token)).refresh_token
    at(3 * DAY)
    await expect(refresh(successor)).rejects.toMatchObject(refused)
  })

  it.each([
    { refreshIdleDays: 91 },
    { refreshIdleDays: 0 },
    { refreshAbsoluteDays: 366 },
    { refreshAbsoluteDays: 0.5 },
  ])('refuses to register %o', async (policy) => {
    const dwar = { ...registration.dwar, ...policy }
    await expect(stage.addClient({ dwar })).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
  })
})
