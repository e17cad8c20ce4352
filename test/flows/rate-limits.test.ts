import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { type Cluster, openCluster } from '../support/cluster.ts'
import { freshPostgres, freshPostgresUrl } from '../support/databases.ts'
import { openStage, type Stage, sharedPki, UPSTREAM } from '../support/stage.ts'

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})
const nonsense = () => new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'none' })

describe('Rate limits of one issuer (security.md SE-5)', () => {
  const open = freshPostgres()
  let stage: Stage
  let sent: string[] = []
  let now = 1_800_000_000
  beforeAll(async () => {
    const env = {
      DWAR_RATE_LIMITS: 'on',
      DWAR_RATE_BROWSERS: '8',
      DWAR_RATE_PROGRAMS: '12',
      DWAR_RATE_CLIENT: '5',
      DWAR_RATE_FAILURES: '3',
      DWAR_BEHIND_PROXY: 'true',
    }
    stage = await openStage(await open({ onStatement: (text) => sent.push(text) }), { env, clock: () => now })
  })
  afterAll(() => stage.close())

  let hosts = 0
  /** an address that was never here before */
  const newAddress = () => `198.51.100.${++hosts}`
  /** everything before is forgotten */
  const nextMinute = () => {
    now += 60
  }
  const post = (at: string, from: string, headers: Record<string, string> = {}, body = nonsense()) =>
    fetch(new URL(at, stage.issuer), { method: 'POST', body, headers: { 'x-forwarded-for': from, ...headers } })

  it('count one route however it is spelled, and say when to come again in JSON', async () => {
    nextMinute()
    const from = newAddress()
    const spellings = ['/token', '/TOKEN', '/Token/', '/tOkEn/']
    for (let n = 0; n < 12; n += 1) expect((await post(spellings[n % 4] ?? '', from)).status).not.toBe(429)
    for (const spelling of spellings) {
      const refused = await post(spelling, from)
      expect([refused.status, refused.headers.get('content-type')]).toEqual([429, 'application/json; charset=utf-8'])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable', code: 'RATE_LIMITED' })
    }
    expect((await post('/token', newAddress())).status).not.toBe(429)
    expect((await post('/introspect', from)).status).not.toBe(429)
    nextMinute()
    expect((await post('/token', from)).status).not.toBe(429)
  })

  it.each(['/authorize', '/callback/digilocker', '/par', '/introspect', '/revoke', '/userinfo', '/logout'])(
    'cover %s',
    async (at) => {
      nextMinute()
      const from = newAddress()
      const answers: number[] = []
      for (let n = 0; n < 13; n += 1)
        answers.push((await fetch(new URL(at, stage.issuer), { headers: { 'x-forwarded-for': from } })).status)
      expect(answers.at(-1)).toBe(429)
      expect(answers[0]).not.toBe(429)
    },
  )

  it('cover the forms of the sign-in, and four times as many looks at its pages', async () => {
    nextMinute()
    const from = newAddress()
    const send = (method: string) =>
      fetch(new URL('/Interaction/some-uid/start', stage.issuer), { method, headers: { 'x-forwarded-for': from } })
    for (let n = 0; n < 8; n += 1) expect((await send('POST')).status).not.toBe(429)
    expect((await send('POST')).status).toBe(429)
    for (let n = 0; n < 32; n += 1) expect((await send('GET')).status).not.toBe(429)
    expect((await send('GET')).status).toBe(429)
    expect((await send('HEAD')).status).toBe(429)
  })

  it('believe the address that our own proxy wrote, the last one, and no other', async () => {
    nextMinute()
    const from = newAddress()
    for (let n = 0; n < 12; n += 1) await post('/token', `203.0.113.${n}, ${from}`)
    expect((await post('/token', `203.0.113.99, ${from}`)).status).toBe(429)
  })

  it('take the /64 of an IPv6 address for one', async () => {
    nextMinute()
    for (let n = 0; n < 12; n += 1) await post('/token', `2001:db8:7:7::${n + 1}`)
    expect((await post('/token', '2001:db8:7:7:ffff::1')).status).toBe(429)
    expect((await post('/token', '2001:db8:7:8::1')).status).not.toBe(429)
  })

  it.each([
    ['en', 'Too many requests from your network', 'Please go back to the app'],
    ['hi', 'आपके नेटवर्क से बहुत ज़्यादा अनुरोध', 'उसी ऐप पर लौटें'],
  ])('show a person a page in her language, and do not send her away from it (%s)', async (language, title, away) => {
    nextMinute()
    const from = newAddress()
    const headers = { 'x-forwarded-for': from, accept: 'text/html', 'accept-language': language }
    for (let n = 0; n < 8; n += 1) await fetch(new URL('/authorize', stage.issuer), { headers })
    const refused = await fetch(new URL('/authorize', stage.issuer), { headers })
    expect([refused.status, refused.headers.get('content-language')]).toEqual([429, language])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    const page = await refused.text()
    expect([page.includes(title), page.includes(away)]).toEqual([true, false])
  })

  it('stop guesses at one client’s secret from one address, and nobody else', async () => {
    nextMinute()
    const { client_id: id, client_secret: secret } = await stage.addClient()
    const other = await stage.addClient()
    const from = newAddress()
    for (let n = 0; n < 3; n += 1) expect((await post('/token', from, basic(id, `guess ${n}`))).status).toBe(401)
    const refused = await post('/token', from, basic(id, secret))
    expect([refused.status, refused.headers.get('retry-after') !== null]).toEqual([429, true])
    expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect((await post('/token', newAddress(), basic(id, secret))).status).toBe(400)
    expect((await post('/token', from, basic(other.client_id, other.client_secret))).status).toBe(400)
  })

  it('count for a client only what it has proven to be its own', async () => {
    nextMinute()
    const { client_id: id, client_secret: secret } = await stage.addClient()
    for (let n = 0; n < 9; n += 1) await post('/token', newAddress(), basic(id, 'wrong'))
    for (let n = 0; n < 5; n += 1) expect((await post('/token', newAddress(), basic(id, secret))).status).toBe(400)
    expect((await post('/token', newAddress(), basic(id, secret))).status).toBe(429)
    const body = new URLSearchParams({ client_id: id, client_secret: secret, token: 'none' })
    expect((await post('/introspect', newAddress(), {}, body)).status).not.toBe(429)
  })

  it('take from no client what it has not asked for itself, whatever page the request names as its origin', async () => {
    nextMinute()
    const { client_id: id, client_secret: secret } = await stage.addClient()
    const body = () => new URLSearchParams({ client_id: id, grant_type: 'refresh_token', refresh_token: 'none' })
    const foreign = { origin: 'https://evil.example' }
    for (let n = 0; n < 6; n += 1) expect((await post('/token', newAddress(), foreign, body())).status).toBe(400)
    const from = newAddress()
    for (let n = 0; n < 4; n += 1) expect((await post('/token', from, {}, body())).status).toBe(401)
    expect((await post('/token', from, basic(id, secret))).status).toBe(400)
    const attestation = { 'oauth-client-attestation': 'x' }
    for (let n = 0; n < 6; n += 1) await post('/token', newAddress(), attestation, body())
    expect(await (await post('/token', newAddress(), basic(id, secret))).json()).toMatchObject({
      error: 'invalid_grant',
    })
  })

  it('let nobody keep a network out of an app by guessing at secrets there', async () => {
    nextMinute()
    const open = await stage.addClient({ token_endpoint_auth_method: 'none' })
    const { client_id: id } = await stage.addClient()
    const from = newAddress()
    const form = (members: Record<string, string>) =>
      new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'none', ...members })
    const guess = form({ client_id: open.client_id, client_secret: 'x' })
    for (let n = 0; n < 4; n += 1) await post('/token', from, {}, guess)
    expect((await post('/token', from, {}, guess)).status).toBe(429)
    expect((await post('/token', from, {}, form({ client_id: open.client_id }))).status).toBe(400)
    const many = async (n: number) => post('/revoke', from, basic(`${id}${n}`, 'x'))
    for (let n = 0; n < 12; n += 1) await many(n)
    for (let n = 0; n < 12; n += 1) await post('/par', from, basic(`${id}${n}`, 'x'))
    for (let n = 0; n < 12; n += 1) await post('/introspect', from, basic(`${id}${n}`, 'x'))
    expect((await post('/introspect', from, basic(id, 'x'))).status).toBe(429)
    expect((await post('/token', from, {}, form({ client_id: open.client_id }))).status).toBe(400)
  })

  it('ask the database for nothing while a request waits, and keep no address in it', async () => {
    nextMinute()
    sent = []
    const from = newAddress()
    for (let n = 0; n < 5; n += 1)
      await fetch(new URL('/userinfo', stage.issuer), { headers: { 'x-forwarded-for': from } })
    const counting = sent.filter((text) => text.includes('rate_count'))
    expect(counting.every((text) => text.startsWith('insert into rate_count') || text.startsWith('delete'))).toBe(true)
    const rows = await stage.database.db().selectFrom('rate_count').select('key').execute()
    expect(rows.filter(({ key }) => !/^[\w-]{22}$/.test(key))).toEqual([])
  })
})

describe('Rate limits of two processes', () => {
  const makeUrl = freshPostgresUrl()
  let simulator: Simulator
  let cluster: Cluster
  let database: Database
  beforeAll(async () => {
    simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [{ ...UPSTREAM, redirectUris: [], scopes: ['files.issueddocs'], openid: false }],
    })
    const env = { DWAR_RATE_LIMITS: 'on', DWAR_RATE_PROGRAMS: '40' }
    const databaseUrl = await makeUrl()
    cluster = await openCluster({ databaseUrl, simulator, size: 2, env })
    database = await openDatabase({ url: databaseUrl })
  }, 120_000)
  afterAll(async () => {
    await database?.close()
    await cluster?.close()
    await simulator?.close()
  })

  it('are one limit: what one process let through, the other has not to give', async () => {
    const get = async (index: number) => (await cluster.fetchAt(index)(new URL('/userinfo', cluster.issuer))).status
    const minute = () => Math.floor(Date.now() / 60_000)
    let [began, passed] = [0, 0]
    do {
      ;[began, passed] = [minute(), 0]
      for (let n = 0; n < 39; n += 1) await get(0)
      while ((await handedOver()) < 39 && began === minute()) await pause(20)
      // One request here and there, until the second process has heard of the first; alone it would let 40 through.
      while ((await get(1)) !== 429) {
        passed += 1
        await pause(100)
      }
    } while (began !== minute()) // counts begin anew at the turn of a minute, and so does this
    expect(passed).toBeLessThan(35)
  }, 120_000)

  /** what the instances have told each other of this minute */
  const handedOver = async () => {
    const { rows } = await sql<{ hits: number }>`select coalesce(max(hits), 0)::int as hits from rate_count
      where ends_at > now()`.execute(database.db())
    return rows[0]?.hits ?? 0
  }
})
