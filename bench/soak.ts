import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Driver, type Operation, REDIRECT_URI } from './driver.ts'
import { slope } from './measure.ts'
import { startDurablePostgres } from './postgres.ts'
import { freePort, type ServerProcess, startProcess } from './process.ts'
import { type Column, formatTable } from './table.ts'

const SEATS = 8
const SAMPLE_SECONDS = 10
/** A collection of everything stops the server: once a minute is often enough. */
const SAMPLES_PER_COLLECTION = 6
/** What one seat does over and over: a person comes in, and her app uses what it was given. */
const DAY: readonly Operation[] = ['login', 'userinfo', 'introspection', 'refresh', 'userinfo', 'introspection']

interface Sample {
  readonly minute: number
  readonly rssMb: number
}

/** Memory in use after a collection. */
interface Kept extends Sample {
  readonly heapMb: number
  readonly externalMb: number
  readonly operations: number
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)
const toMb = (bytes: number): number => bytes / 2 ** 20

/** One worker on a durable PostgreSQL under load that does not change: does its memory stay what it is? */
async function main(minutes: number): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const [port, upstreamPort] = [await freePort(), await freePort()]
  const simulator = await startProcess({
    server: 'simulator',
    settings: { port: upstreamPort, redirectUris: [`http://localhost:${port}/callback/digilocker`] },
  })
  opened.defer(() => simulator.stop())
  const database = await startDurablePostgres(process.env.BENCH_DATABASE_URL, 'soak')
  opened.defer(() => database.stop())
  const settings = { port, redirectUri: REDIRECT_URI, databaseUrl: database.url, simulator: simulator.ready }
  const server = await startProcess({ server: 'dwar', settings })
  opened.defer(() => server.stop())
  const driver = await Driver.open(server.ready, { seats: SEATS, asksPeople: true })
  print(`${SEATS} at a time for ${minutes} min; ready with ${toMb((await server.usage()).rssBytes).toFixed(0)} MiB\n`)
  const { samples, kept } = await soak(server, driver, minutes)
  print(formatTable(COLUMNS, rowsOf(samples, kept)))
  print(`\n${trendOf(samples, kept)}`)
}

async function soak(server: ServerProcess, driver: Driver, minutes: number) {
  const startedAt = performance.now()
  const minute = () => (performance.now() - startedAt) / 60_000
  const samples: Sample[] = []
  const kept: Kept[] = []
  let operations = 0
  const seats = Array.from({ length: SEATS }, async (_, seat) => {
    for (let turn = 0; minute() < minutes; turn += 1) {
      await driver.act(DAY[turn % DAY.length] ?? 'login')(seat)
      operations += 1
    }
  })
  const watch = async () => {
    for (let turn = 1; minute() < minutes; turn += 1) {
      await pause(SAMPLE_SECONDS * 1000)
      const rssMb = toMb((await server.usage()).rssBytes)
      samples.push({ minute: minute(), rssMb })
      if (turn % SAMPLES_PER_COLLECTION > 0) continue
      const { heapUsed, external } = await server.memory()
      kept.push({ minute: minute(), rssMb, heapMb: toMb(heapUsed), externalMb: toMb(external), operations })
    }
  }
  await Promise.all([watch(), ...seats])
  return { samples, kept }
}

const number = (title: string): Column => ({ title, align: 'right' })
const COLUMNS = ['minute', 'operations', 'RSS MiB', 'highest', 'heap kept', 'external'].map(number)

function rowsOf(samples: readonly Sample[], kept: readonly Kept[]) {
  return kept.map(({ minute, operations, rssMb, heapMb, externalMb }, at) => {
    const from = kept[at - 1]?.minute ?? 0
    const highest = Math.max(
      ...samples.filter((one) => one.minute > from && one.minute <= minute).map((one) => one.rssMb),
    )
    return [minute, operations.toLocaleString('en-GB'), rssMb, Math.max(highest, rssMb), heapMb, externalMb]
  })
}

/** Of the second half: in the first, code is compiled and caches fill. */
function trendOf(samples: readonly Sample[], kept: readonly Kept[]): string {
  const half = (samples.at(-1)?.minute ?? 0) / 2
  const perHour = <One extends Sample>(all: readonly One[], read: (one: One) => number) =>
    slope(all.filter(({ minute }) => minute >= half).map((one) => [one.minute / 60, read(one)] as const)).toFixed(1)
  const rss = perHour(samples, ({ rssMb }) => rssMb)
  const heap = perHour(kept, ({ heapMb }) => heapMb)
  return `second half, MiB an hour: RSS ${rss}, heap kept ${heap}`
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '15' } } })
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 120)) throw new RangeError('--minutes must be above 0 and at most 120')
  await main(minutes)
}
