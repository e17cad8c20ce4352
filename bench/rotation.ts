import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { CompactSign, importJWK } from 'jose'
import { openDatabase } from '../adapters/database.ts'
import { migrate } from '../adapters/migrator.ts'
import { algorithms, signingAlgs } from '../src/provider/keys/algorithms.ts'
import { createSealedHolder } from '../src/provider/keys/sealed-holder.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { parseKeyRing } from '../src/vault/key-ring.ts'
import { createVault } from '../src/vault/sealed-vault.ts'
import { openCluster } from '../test/support/cluster.ts'
import { rotateSigningKeys, type Sample, startLoad } from '../test/support/rotation.ts'
import { sharedPki, UPSTREAM } from '../test/support/stage.ts'
import { memoryStore } from '../test/vault/memory-store.ts'
import { startDurablePostgres } from './postgres.ts'
import { type Cell, formatTable } from './table.ts'

/** Longer than jose’s standard cooldown of 30 s: an app that has just fetched our keys asks again before a new one signs. */
const LEAD_SECONDS = 35
const ROTATIONS = 2
const AROUND_MS = 1500

/** Two processes over a durable PostgreSQL; all signing keys and all client secrets changed while apps go on. */
async function main(): Promise<void> {
  process.stdout.write(`${await signingTable()}\n\n`)
  const postgres = await startDurablePostgres(process.env.BENCH_DATABASE_URL)
  try {
    process.stdout.write(`${await rotationTable(postgres.url)}\n`)
  } finally {
    await postgres.stop()
  }
}

async function rotationTable(databaseUrl: string): Promise<string> {
  const database = await openDatabase({ url: databaseUrl })
  await migrate(database)
  await database.close()
  const clients = [{ ...UPSTREAM, redirectUris: [], scopes: ['files.issueddocs', 'userdetails'], openid: false }]
  await using simulator = await startSimulator({ pki: await sharedPki(), clients })
  const env = { DWAR_KEY_LEAD_SECONDS: String(LEAD_SECONDS), DWAR_LOG_LEVEL: 'info' }
  const cluster = await openCluster({ databaseUrl, simulator, size: 2, env })
  try {
    const load = await startLoad(cluster)
    const swaps: number[] = []
    await pause(5000)
    for (let round = 0; round < ROTATIONS; round += 1) {
      await rotateSigningKeys(cluster)
      swaps.push(load.now())
      const takeNew = await Promise.all(load.apps.map((app) => app.changeSecret(86_400)))
      await pause(2000)
      for (const take of takeNew) await take()
    }
    await pause(10_000)
    await load.stop()
    return report(load.samples, swaps)
  } finally {
    await cluster.close()
  }
}

function report(samples: readonly Sample[], swaps: readonly number[]): string {
  const isNear = ({ at, ms }: Sample) => swaps.some((swap) => at < swap + AROUND_MS && at + ms > swap - AROUND_MS)
  const operations = [...new Set(samples.map(({ operation }) => operation))]
  const rows = operations.flatMap((operation) =>
    [true, false].map((near) => {
      const chosen = samples.filter((one) => one.operation === operation && isNear(one) === near)
      const times = chosen.map(({ ms }) => ms)
      const failed = chosen.filter(({ fault }) => fault).length
      return [
        operation,
        near ? 'within 1.5 s of a swap' : 'else',
        chosen.length,
        failed,
        quantile(times, 0.5),
        quantile(times, 0.95),
      ]
    }),
  )
  const tokens = samples.filter(({ kid }) => kid).length
  const kids = new Set(samples.flatMap(({ kid }) => kid ?? [])).size
  const faults = [...new Set(samples.flatMap(({ fault }) => fault ?? []))]
  return [
    toTable(['operation', 'when', 'done', 'failed', 'p50 ms', 'p95 ms'], rows),
    '',
    `${tokens} ID tokens under ${kids} keys, ${swaps.length} rotations of all algorithms and of every client secret.`,
    ...faults,
  ].join('\n')
}

/** The same bytes signed by jose, as the engine does with a JWK, and through the engine's hook, as we do. */
async function signingTable(): Promise<string> {
  const holder = createSealedHolder(
    createVault(parseKeyRing(`k:${Buffer.alloc(32, 1).toString('base64')}`), memoryStore()),
  )
  const payload = Buffer.alloc(500, 'a')
  const rows: (string | number)[][] = []
  for (const alg of signingAlgs) {
    const made = await holder.make(alg, [])
    if (!made) continue
    const { sign } = await holder.open({ ...UNTIMED, ...made, alg, holder: 'sealed' })
    const jwk = await privateJwk(alg)
    const hook = await cpuOf(() => sign(payload))
    const jose = await cpuOf(() => new CompactSign(payload).setProtectedHeader({ alg }).sign(jwk))
    rows.push([alg, jose.toFixed(0), hook.toFixed(0)])
  }
  return toTable(['one signature, CPU µs', 'jose', 'node:crypto through the hook'], rows)
}

const UNTIMED = {
  state: 'current',
  createdAt: 0,
  dueAt: undefined,
  activatedAt: 0,
  retiredAt: undefined,
  endsAt: undefined,
} as const

async function privateJwk(alg: (typeof signingAlgs)[number]) {
  const { generateKeyPairSync } = await import('node:crypto')
  const [type, options] = algorithms[alg].make
  const make = generateKeyPairSync as unknown as (
    type: string,
    options?: object,
  ) => { privateKey: { export(o: object): object } }
  return importJWK(make(type, options).privateKey.export({ format: 'jwk' }) as never, alg)
}

async function cpuOf(work: () => unknown): Promise<number> {
  for (let n = 0; n < 300; n += 1) await work()
  const times: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const before = process.cpuUsage()
    for (let n = 0; n < 300; n += 1) await work()
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 300)
  }
  return times.toSorted((a, b) => a - b)[2] ?? Number.NaN
}

const toTable = (titles: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  formatTable(
    titles.map((title, at) => ({ title, align: at > 1 ? 'right' : 'left' }) as const),
    rows,
  )

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(0) ?? ''
}

if (import.meta.main) {
  const began = performance.now()
  await main()
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(0)} s\n`)
}
