import { availableParallelism, cpus } from 'node:os'
import { type Contender, type Contenders, startContenders } from './contenders.ts'
import type { Operation } from './driver.ts'
import { type Candidate, race } from './measure.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { type Results, raceServers, shareTime } from './race.ts'
import { hostileTable, memoryTable, serversTable, vaultTable, verificationTable } from './report.ts'
import { vaultCases } from './vault.ts'
import { measureHostile, verificationCases } from './verification.ts'

const print = (text: string) => process.stdout.write(`${text}\n`)

/** Measures everything and prints it. Nothing here passes or fails: the figures are for people to read. */
async function main(options: Options): Promise<void> {
  print(`Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`)
  if (options.operations.length > 0) await measureServers(options)
  const inProcess = { rounds: options.rounds, seconds: options.seconds / 200 }
  await measureVerification(inProcess)
  await measureVault(inProcess)
}

async function measureServers(options: Options): Promise<void> {
  const { operations, rounds, seats, profileFolder } = options
  await using contenders = await startContenders({ seats, profileFolder, databaseUrl: process.env.BENCH_DATABASE_URL })
  const all = [contenders.bare, contenders.plain, contenders.postgres, contenders.pglite]
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
  // The strict path first and by itself: beside the others it would mostly be measured collecting their garbage.
  const alone = cases.flatMap(({ floor, strict }) => [floor, strict])
  const others = cases.flatMap(({ both, engine }) => [both, engine])
  const times = new Map([...(await race(alone, length)), ...(await race(others, length))])
  const of = ({ name }: Candidate) => times.get(name) ?? []
  const results = cases.map(({ title, floor, strict, both, engine, xmlsec1 }) => ({
    title,
    floor: of(floor),
    strict: of(strict),
    both: of(both),
    engine: of(engine),
    xmlsec1: xmlsec1(length.seconds),
  }))
  print(`${verificationTable(results)}\n`)
  print(`${hostileTable(await measureHostile())}\n`)
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
