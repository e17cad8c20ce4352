import { openDatabase } from '../adapters/database.ts'
import { migrate } from '../adapters/migrator.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { authorizeUrl, openWire, play, type Try } from '../test/support/outage.ts'
import { openStage, sharedPki, UPSTREAM } from '../test/support/stage.ts'

const SEATS = 8
const SCENES = (state: 'killed' | 'hung') =>
  [
    { state: 'up', forMs: 20_000 },
    { state, forMs: 60_000 },
    { state: 'up', forMs: 30_000 },
  ] as const

/** A minute without DigiLocker under load, with the settings that ship: `node bench/outage.ts`. */
async function main(): Promise<void> {
  for (const state of ['killed', 'hung'] as const) {
    const tries = await measure(state)
    process.stdout.write(`\nDigiLocker ${state} from second 20 to 80; ${SEATS} people at a time\n\n${report(tries)}\n`)
  }
}

async function measure(state: 'killed' | 'hung'): Promise<Try[]> {
  const clients = [{ ...UPSTREAM, redirectUris: [], scopes: ['files.issueddocs', 'userdetails'], openid: false }]
  await using simulator = await startSimulator({ pki: await sharedPki(), clients })
  const wire = await openWire(simulator.url)
  await using database = await openDatabase({ url: 'pglite:memory' })
  await migrate(database)
  const env = { DIGILOCKER_BASE_URL: wire.url.origin, DIGILOCKER_BROWSER_BASE_URL: simulator.url.origin }
  const stage = await openStage(database, { simulator, env: { ...env, DWAR_LOG_LEVEL: 'silent' } })
  try {
    const { client_id } = await stage.addClient()
    return await play(stage, wire, authorizeUrl(stage, client_id), { seats: SEATS, scenes: SCENES(state) })
  } finally {
    await stage.close()
    await wire.close()
  }
}

function report(tries: readonly Try[]): string {
  const head =
    '| second | logins | consent | refused at once | after the sign-in | p50 ms of a refusal | p95 ms | banner |'
  const buckets = Map.groupBy(tries, ({ at }) => Math.floor(at / 10_000))
  const rows = [...buckets].map(([bucket, within]) => {
    const refused = within.filter(({ outcome }) => outcome !== 'consent').map(({ ms }) => ms)
    const count = (outcome: Try['outcome']) => within.filter((one) => one.outcome === outcome).length
    const cells = [
      `${bucket * 10} to ${bucket * 10 + 10}`,
      within.length,
      count('consent'),
      count('refused at once'),
      count('refused afterwards'),
      quantile(refused, 0.5),
      quantile(refused, 0.95),
      within.filter(({ banner }) => banner).length,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const back = tries.find(({ at, outcome }) => at > 80_000 && outcome === 'consent')
  const opened = tries.find(({ outcome }) => outcome === 'refused at once')
  const seconds = (at: number | undefined, from: number) =>
    at === undefined ? 'never' : ((at - from) / 1000).toFixed(1)
  return [
    head,
    head.replace(/[^|]+/g, ' --- '),
    ...rows,
    '',
    `First refused at once: ${seconds(opened?.at, 20_000)} s after the end. First consent again: ${seconds(back?.at, 80_000)} s after the return.`,
  ].join('\n')
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(0) ?? ''
}

if (import.meta.main) await main()
