import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { openDatabase } from '../adapters/database.ts'
import { migrate } from '../adapters/migrator.ts'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config/config.ts'
import { createLog } from '../src/log.ts'
import type { Contender } from './contenders.ts'
import { Driver, type Operation, REDIRECT_URI } from './driver.ts'
import { ratio, summarize } from './measure.ts'
import { startDurablePostgres } from './postgres.ts'
import { AS_DEPLOYED, freePort, startProcess } from './process.ts'
import { childrenOf, cpuMsOf, rssBytesOf } from './processes.ts'
import { limitCpu } from './quota.ts'
import { raceServers } from './race.ts'
import { benchClient, benchEnvironment } from './servers/dwar.ts'
import type { DwarSettings } from './servers/server.ts'
import { formatTable } from './table.ts'

const OPERATIONS: readonly Operation[] = ['userinfo', 'introspection', 'refresh', 'code exchange']
/** Seats for each worker: requests that come together are read together, so half as many would cost more each. */
const RACE = { seats: 8, rounds: 5, seconds: 1.5 }
/** Of one core for each worker: two of them, the database and the driver then fit on two cores. */
const SHARE = 0.2

const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** `serve --workers 2` against `serve --workers 1`, each over its own durable PostgreSQL, in rounds side by side. */
async function main(): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const simulator = await startProcess({
    server: 'simulator',
    settings: {
      port: ports[2],
      redirectUris: ports.map((port) => `http://localhost:${port}/callback/digilocker`),
    },
  })
  opened.defer(() => simulator.stop())
  const start = async (workers: number, port: number) => {
    const database = await startDurablePostgres(process.env.BENCH_DATABASE_URL, `workers${workers}`)
    opened.defer(() => database.stop())
    const settings = { port, redirectUri: REDIRECT_URI, databaseUrl: database.url, simulator: simulator.ready }
    const crew = await startCrew(settings, workers)
    opened.defer(() => crew.stop())
    return crew
  }
  const one = await start(1, ports[0])
  const two = await start(2, ports[1])
  print(`${RACE.seats} at a time for each worker, median of ${RACE.rounds} interleaved rounds of ${RACE.seconds} s\n`)
  const cores = availableParallelism()
  print(await raceTable(`${cores} cores for driver, database and workers together`, one, two))
  const quota = limitCpu([...one.pids, ...two.pids], SHARE)
  if (!quota) return print('\nWithout control groups of our own no worker can be held to a share of a core.')
  using _held = quota
  print(`\n${await raceTable(`each worker held to ${SHARE} of a core`, one, two)}`)
}

interface Crew extends Contender {
  readonly pids: readonly number[]
  stop(): Promise<void>
}

async function startCrew(settings: DwarSettings, workers: number): Promise<Crew> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dwar-bench-workers-'))
  const trustFile = path.join(folder, 'trust.json')
  await writeFile(trustFile, JSON.stringify(settings.simulator.trust))
  const env = { ...benchEnvironment(settings), DWAR_TRUST_FILES: trustFile }
  const ready = await register(settings, env)
  const child = spawn(process.execPath, [...AS_DEPLOYED, 'src/main.ts', 'serve', '--workers', String(workers)], {
    cwd: path.resolve(import.meta.dirname, '..'),
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilReady(child)
  const main = child.pid ?? 0
  const pids = workers === 1 ? [main] : childrenOf(main)
  return {
    name: workers === 1 ? 'one worker' : `${workers} workers`,
    driver: await Driver.open(ready, { seats: RACE.seats * workers, asksPeople: true }),
    seats: RACE.seats * workers,
    usage: async () => ({
      cpuMs: sum(pids.map(cpuMsOf)),
      rssBytes: sum(pids.map(rssBytesOf)),
    }),
    pids,
    stop: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true })
    },
  }
}

/** What an operator does once: the database as it must be, and the app. */
async function register(settings: DwarSettings, env: Readonly<Record<string, string>>) {
  const database = await openDatabase({ url: settings.databaseUrl })
  await migrate(database)
  await database.close()
  const config = readConfig(env)
  const app = await createApp(config, createLog('error'))
  try {
    return { issuer: config.issuer.origin, ...(await benchClient(app, settings.redirectUri)) }
  } finally {
    await app.close()
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  if (!child.stdout) throw new TypeError('its output is not ours to read')
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line.includes('"msg":"ready"')) resolve()
    })
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error('the workers ended before they were ready')
  })
  await Promise.race([ready, ended])
  ended.catch(() => undefined) // from here on its end is what `stop` waits for
}

async function raceTable(title: string, one: Crew, two: Crew): Promise<string> {
  const rows = []
  for (const operation of OPERATIONS) {
    const results = await raceServers(operation, [one, two], RACE)
    const [single = [], double = []] = [results.get(one), results.get(two)]
    const times = (read: (round: (typeof single)[number]) => number) => ratio(double.map(read), single.map(read))
    rows.push([
      operation,
      summarize(single).perSecond,
      summarize(double).perSecond,
      times(({ perSecond }) => perSecond),
      summarize(single).cpuMs,
      summarize(double).cpuMs,
      times(({ cpuMs }) => cpuMs),
    ])
  }
  const number = (text: string) => ({ title: text, align: 'right' as const })
  const columns = ['1: ops/s', '2: ops/s', 'x', '1: CPU ms/op', '2: CPU ms/op', 'x'].map(number)
  return formatTable([{ title }, ...columns], rows)
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

if (import.meta.main) await main()
