import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/config.ts'
import { createLog } from '../../src/log.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { type Cluster, openCluster } from '../support/cluster.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import { type Load, rotateSigningKeys, type Sample, startLoad } from '../support/rotation.ts'
import { newSecrets, registration, sharedPki, UPSTREAM } from '../support/stage.ts'

const [k1, k2] = ['k1', 'k2'].map((id) => `${id}:${randomBytes(32).toString('base64')}`)
const [oldCookie, newCookie] = [0, 1].map(() => randomBytes(32).toString('base64url'))

/**
 * Every kind of key is changed while apps go on, over two processes of which one has the new settings already: not one
 * login, refresh, userinfo or introspection fails (security.md OP-9).
 */
describe('rotating every kind of key under load', () => {
  const makeUrl = freshPostgresUrl()
  let simulator: Simulator
  let cluster: Cluster
  let load: Load
  let env: Record<string, string>

  beforeAll(async () => {
    const scopes = ['files.issueddocs', 'userdetails', 'picture', 'email']
    simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [{ ...UPSTREAM, redirectUris: [], scopes, openid: false }],
    })
    const databaseUrl = await makeUrl()
    // Both know both keys already; the second process is a step further (docs/operations.md).
    const before = { DWAR_VAULT_KEYS: `${k1},${k2}`, DWAR_COOKIE_KEYS: `${oldCookie},${newCookie}` }
    const after = { DWAR_VAULT_KEYS: `${k2},${k1}`, DWAR_COOKIE_KEYS: `${newCookie},${oldCookie}` }
    env = { ...newSecrets(), ...before, DWAR_KEY_LEAD_SECONDS: '6' }
    cluster = await openCluster({ databaseUrl, simulator, size: 2, env, envOf: [before, after] })
    env = { ...env, ...after, DWAR_DATABASE_URL: databaseUrl }
    // The next keys are published; an app that fetches our JWK Set from now on knows them.
    while ((await cluster.operator.keys.list()).filter(({ state }) => state === 'next').length < 3)
      await new Promise((done) => setTimeout(done, 100))
    load = await startLoad(cluster)
    await load.more(10)
  }, 120_000)
  afterAll(async () => {
    await load?.stop()
    await cluster?.close()
    await simulator?.close()
  })

  it('signing keys, the vault’s key, cookie keys in mid-change, and client secrets: not one thing fails', async () => {
    await rotateSigningKeys(cluster)
    await load.more(15)
    expect(await rotateVault()).toBeGreaterThan(0)
    await load.more(15)
    const takeNew = await Promise.all(load.apps.map((app) => app.changeSecret(3600)))
    // With the former secret, until every instance knows the new one: two seconds, as docs/operations.md has it.
    for (const known = Date.now() + 2_000; Date.now() < known; ) await load.more(10)
    for (const take of takeNew) await take()
    await load.more(15)
    const kids = () => new Set(load.samples.flatMap(({ kid }) => kid ?? []))
    const operations = () => new Set(load.samples.map(({ operation }) => operation))
    const isFaulty = ({ fault }: Sample) => fault !== undefined
    // However the machine shares itself out: every app has had its turn under both of its keys, or something has failed.
    await load.until((samples) => samples.some(isFaulty) || (kids().size >= 6 && operations().size >= 4))
    await load.stop()
    expect(load.samples.filter(isFaulty)).toEqual([])
    expect([kids().size, operations().size]).toEqual([6, 4])
  }, 120_000)

  it('can be asked for and done on the command line', async () => {
    const listed = Object.values(await cluster.dwar('keys', 'list')) as unknown as Record<string, string>[]
    expect(listed.map(({ state, alg }) => `${state} ${alg}`)).toEqual(
      expect.arrayContaining(['current ES256', 'next ES256', 'retired ES256']),
    )
    const { client_id: id } = await cluster.operator.clients.add(registration)
    const rotated = await cluster.dwar('client', 'rotate-secret', id, '--overlap', '24h')
    expect(Number(rotated.previous_secret_ends_at)).toBeGreaterThan(Date.now() / 1000 + 86_000)
    await expect(cluster.dwar('client', 'rotate-secret', id, '--overlap', 'a while')).rejects.toThrow('CONFIG_INVALID')
  }, 120_000)

  /** As an operator does it: with the new settings, while all are running. */
  async function rotateVault(): Promise<number> {
    const operator = await createApp(
      readConfig({
        ...env,
        DWAR_ENV: 'test',
        DWAR_ISSUER: cluster.issuer.origin,
        DIGILOCKER_BASE_URL: simulator.url.origin,
        DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
        DIGILOCKER_CLIENT_SECRET: UPSTREAM.clientSecret,
      }),
      createLog('error'),
    )
    try {
      return await operator.rotateVault()
    } finally {
      await operator.close()
    }
  }
})
