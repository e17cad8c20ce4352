import { availableParallelism, cpus } from 'node:os'
import { type Contender, type Contenders, startContenders } from './contenders.ts'
import type { Operation } from './driver.ts'
import { race } from './measure.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { type Results, raceServers, shareTime } from './race.ts'
import { memoryTable, serversTable, vaultTable, verificationTable } from './report.ts'
import { vaultCases } from './vault.ts'
import { verificationCases } from './verification.ts'

const print = (text: string) => process.stdout.write(`${text}\n`)

/** Measures everything and prints it. Nothing here passes or fails: the figures are for people to read. */
async function main(options: Options): Promise<void> {
  print(`Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`)
  await measureServers(options)
  const inProcess = { rounds: options.rounds, seconds: options.seconds / 200 }
  await measureVerification(inProcess)
  await measureVault(inProcess)
}

async function measureServers(options: Options): Promise<void> {
  const { operations, rounds, seats, profileFolder } = options
  await using contenders = await startContenders({ seats, profileFolder, databaseUrl: process.env.BENCH_DATABASE_URL })
  const all = [contenders.bare, contenders.postgres, contenders.pglite]
  const seconds = shareTime(options.seconds, { operations, rounds, contenders: all.length })
  print(
    `${seats} at a time, median of ${rounds} interleaved round(s) of ${seconds.toFixed(2)} s (a login: twice that)\n`,
  )
  const atStart = await memoryOf(all)
  const results = new Map<Operation, Results>()
  for (const operation of operations)
    results.set(operation, await raceServers(operation, all, { seats, rounds, seconds }))
  printServers(results, atStart, contenders)
}

async function memoryOf(contenders: readonly Contender[]): Promise<Map<Contender, number>> {
  const memory = new Map<Contender, number>()
  for (const contender of contenders) memory.set(contender, (await contender.usage()).rssBytes)
  return memory
}

function printServers(
  results: ReadonlyMap<Operation, Results>,
  atStart: ReadonlyMap<Contender, number>,
  contenders: Contenders,
): void {
  print(`${serversTable(results, contenders)}\n`)
  print(`${memoryTable(results, atStart, contenders)}\n`)
}

async function measureVerification(length: { rounds: number; seconds: number }): Promise<void> {
  const cases = await verificationCases()
  const times = await race(
    cases.flatMap(({ floor, ours }) => [floor, ours]),
    length,
  )
  const of = (name: string) => times.get(name) ?? []
  print(
    `${verificationTable(cases.map(({ title, floor, ours }) => ({ title, floor: of(floor.name), ours: of(ours.name) })))}\n`,
  )
}

async function measureVault(length: { rounds: number; seconds: number }): Promise<void> {
  const { seal, open } = await vaultCases()
  const times = await race([seal, open], length)
  print(vaultTable(times.get(seal.name) ?? [], times.get(open.name) ?? []))
}

if (import.meta.main) {
  try {
    const options = readOptions(process.argv.slice(2))
    if (options.help) print(USAGE)
    else await main(options)
  } catch (error) {
    // A wrong option is the caller's to mend; everything else is ours, and its place in the code says more than its name.
    const ours = !(error instanceof RangeError || error instanceof TypeError)
    process.stderr.write(`${error instanceof Error ? (ours ? error.stack : error.message) : error}\n`)
    process.exitCode = 1
  }
}
