import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import type { Cluster } from '../support/cluster.ts'
import { type FormReceiver, receiveForms } from '../support/form-receiver.ts'
import { scrape } from '../support/scrape.ts'
import { addApp, twoProcesses } from '../support/two-processes.ts'

const APPS = 5

/** Each process has its own clockwork; what they share is the table. */
describe('two processes that tell apps of sign-outs (OpenID Connect Back-Channel Logout 1.0 §2.5)', () => {
  const opened = twoProcesses({ DWAR_METRICS_PORT: '0' })
  let cluster: Cluster
  let database: Database
  let receiver: FormReceiver
  const apps: string[] = []
  /** how often each account was told of */
  const told = new Map<string, number>()
  /** calls that wait while nobody answers */
  const waiting = new Set<object>()
  let answers = true

  beforeAll(async () => {
    ;({ cluster } = opened())
    database = await openDatabase({ url: opened().databaseUrl })
    receiver = await receiveForms((form, _request, response) => {
      const account = String(decodeJwt(form.get('logout_token') ?? '').sub)
      told.set(account, (told.get(account) ?? 0) + 1)
      if (answers) return void response.writeHead(200).end()
      waiting.add(response)
      response.on('close', () => waiting.delete(response))
    })
    for (let left = APPS; left > 0; left--) {
      const logout = { backchannel_logout_uri: `${receiver.origin}/${left}` }
      apps.push((await addApp(cluster, { subject_type: 'public', ...logout })).id)
    }
  })
  afterAll(async () => {
    receiver?.close()
    await database?.close()
  })

  /** Sign-outs of people nobody else knows, of which apps are to be told. @returns their accounts */
  async function owe(count: number, to: readonly string[]): Promise<string[]> {
    const rows = Array.from({ length: count }, (_one, index) => ({
      id: randomUUID(),
      client_id: to[index % to.length],
      account_id: `acct-${randomUUID()}`,
    }))
    await database.hot(
      'test_owe',
      `insert into logout_delivery (id, client_id, account_id, due_at, ends_at)
       select id, client_id, account_id, now(), now() + interval '1 day'
       from jsonb_to_recordset($1::jsonb) as r(id uuid, client_id text, account_id text)`,
      [JSON.stringify(rows)],
    )
    return rows.map(({ account_id }) => account_id)
  }

  const owed = () =>
    database.hot<{ account_id: string; leased: boolean }>(
      'test_owed',
      'select account_id, lease_until is not null as leased from logout_delivery',
      [],
    )

  const attemptsOf = async (accounts: readonly string[]) => {
    const rows = await database.hot<{ attempts: number }>(
      'test_delivered',
      `select (data ->> 'attempts')::int as attempts from event
       where type = 'logout.delivered' and account_id in (select jsonb_array_elements_text($1::jsonb))`,
      [JSON.stringify(accounts)],
    )
    return rows.map(({ attempts }) => attempts)
  }

  /** What each process counts of one outcome. */
  const counted = (outcome: string) =>
    Promise.all(
      cluster.processes.map(async ({ output }) => {
        const port = Number(/"metricsPort":(\d+)/.exec(output())?.[1])
        return sumOf(await scrape(port), 'dwar_logouts_told_total', `outcome="${outcome}"`)
      }),
    )

  const soon = { timeout: 60_000, interval: 20 }

  it('tell each once, and both do of it what they can', async () => {
    const accounts: string[] = []
    for (let wave = 0; (await counted('delivered')).includes(0); wave++) {
      expect(wave).toBeLessThan(30)
      accounts.push(...(await owe(100, apps)))
      await expect.poll(owed, soon).toEqual([])
    }
    const attempts = await attemptsOf(accounts)
    expect(attempts).toHaveLength(accounts.length)
    // Again only where the first call came to nothing, as on a machine that was too slow to answer in time.
    const failures = cluster.processes.flatMap(({ output }) => output().match(/app not told of a sign-out/g) ?? [])
    expect(sum(attempts)).toBeLessThanOrEqual(accounts.length + failures.length)
    expect(sum([...told.values()])).toBeLessThanOrEqual(sum(attempts))
    expect(accounts.filter((account) => !told.has(account))).toEqual([])
  }, 120_000)

  it('one tells what another had begun to that was killed, once its lease is over and not before', async () => {
    const [doomed, other] = cluster.processes
    other?.child.kill('SIGSTOP')
    answers = false
    await owe(4, apps.slice(0, 1))
    await expect.poll(() => waiting.size, soon).toBeGreaterThan(0)
    await doomed?.stop('SIGKILL')
    const begun = (await owed()).filter(({ leased }) => leased).map((row) => row.account_id)
    expect(begun.length).toBeGreaterThan(0)
    answers = true
    other?.child.kill('SIGCONT')
    const later = await owe(40, apps)
    await expect
      .poll(async () => (await owed()).map((row) => row.account_id).toSorted(), soon)
      .toEqual(begun.toSorted())
    expect(await attemptsOf(later)).toHaveLength(later.length)
    // The minute passes.
    await database.hot('test_pass', `update logout_delivery set lease_until = now() - interval '1 second'`, [])
    await expect.poll(owed, soon).toEqual([])
    const attempts = await attemptsOf(begun)
    expect(attempts).toHaveLength(begun.length)
    expect(Math.min(...attempts)).toBe(2)
  }, 120_000)
})

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)

/** Of all samples with this label. */
const sumOf = (text: string, name: string, label: string) =>
  sum(
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1))),
  )
