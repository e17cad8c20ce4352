/** What a server has used since it started, as it tells itself. */
export interface Usage {
  /** user and system time of all its threads */
  readonly cpuMs: number
  readonly rssBytes: number
  /** statements sent to the database, BEGIN and COMMIT among them; absent without a database */
  readonly statements?: number | undefined
  /** of the database server's processes; absent where they cannot be seen */
  readonly databaseCpuMs?: number | undefined
}

/** One round of one operation against one server. Times and counts are per operation. */
export interface Round {
  readonly operations: number
  readonly perSecond: number
  readonly cpuMs: number
  readonly p50Ms: number
  readonly databaseCpuMs?: number | undefined
  readonly roundTrips?: number | undefined
  readonly rssBytes: number
}

/** Does one operation and says how it went: false when there is nothing left to do it with. */
export type Act = (seat: number) => Promise<boolean>

/**
 * Runs an operation on all seats at once, each one after the other, for so long. What was begun is finished and counted;
 * the rate is over the time it really took.
 */
export async function runRound(
  act: Act,
  usage: () => Promise<Usage>,
  { seats, seconds }: { readonly seats: number; readonly seconds: number },
): Promise<Round> {
  const before = await usage()
  const startedAt = performance.now()
  const deadline = startedAt + seconds * 1000
  const latencies: number[] = []
  await Promise.all(
    Array.from({ length: seats }, async (_, seat) => {
      while (performance.now() < deadline) {
        const sentAt = performance.now()
        if (!(await act(seat))) return
        latencies.push(performance.now() - sentAt)
      }
    }),
  )
  const elapsedMs = performance.now() - startedAt
  return toRound(latencies, elapsedMs, before, await usage())
}

export function toRound(latencies: readonly number[], elapsedMs: number, before: Usage, after: Usage): Round {
  const operations = latencies.length
  const each = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : (to - from) / operations
  return {
    operations,
    perSecond: (operations * 1000) / elapsedMs,
    cpuMs: (after.cpuMs - before.cpuMs) / operations,
    p50Ms: median(latencies),
    databaseCpuMs: each(before.databaseCpuMs, after.databaseCpuMs),
    roundTrips: each(before.statements, after.statements),
    rssBytes: after.rssBytes,
  }
}

/** Several rounds as one: the median of each figure by itself, the highest memory. */
export function summarize(rounds: readonly Round[]): Round {
  const of = (read: (round: Round) => number) => median(rounds.map(read))
  const known = (read: (round: Round) => number | undefined) => {
    const values = rounds.map(read).filter((value) => value !== undefined)
    return values.length === 0 ? undefined : median(values)
  }
  return {
    operations: rounds.reduce((sum, { operations }) => sum + operations, 0),
    perSecond: of(({ perSecond }) => perSecond),
    cpuMs: of(({ cpuMs }) => cpuMs),
    p50Ms: of(({ p50Ms }) => p50Ms),
    databaseCpuMs: known(({ databaseCpuMs }) => databaseCpuMs),
    roundTrips: known(({ roundTrips }) => roundTrips),
    rssBytes: Math.max(...rounds.map(({ rssBytes }) => rssBytes)),
  }
}

/** @returns NaN for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * How many times the baseline, as the median over rounds that ran side by side: what a neighbour on the machine takes,
 * it takes from both.
 */
export function ratio(values: readonly number[], baseline: readonly number[]): number {
  return median(values.slice(0, baseline.length).map((value, round) => value / (baseline[round] ?? Number.NaN)))
}

/** How steeply the line runs that fits points best (least squares). @returns NaN for fewer than two places */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const both = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return both / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}

/** A function that runs in this very process, timed. */
export interface Candidate {
  readonly name: string
  run(): unknown
}

/** Until code is compiled for good: a function of some 60 microseconds takes several ten thousand runs. */
const WARM_SECONDS = 2

/**
 * Runs candidates in turn, round by round, each for so long.
 * @returns CPU microseconds per run, for each candidate one figure per round
 */
export async function race(
  candidates: readonly Candidate[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Map<string, number[]>> {
  const times = new Map(candidates.map(({ name }) => [name, [] as number[]]))
  for (const candidate of candidates) await spin(candidate, Math.max(seconds, WARM_SECONDS))
  for (let round = 0; round < rounds; round += 1) {
    for (const candidate of candidates) times.get(candidate.name)?.push(await spin(candidate, seconds))
  }
  return times
}

async function spin({ run }: Candidate, seconds: number): Promise<number> {
  const before = process.cpuUsage()
  const deadline = performance.now() + seconds * 1000
  let runs = 0
  do {
    await run()
    runs += 1
  } while (performance.now() < deadline)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / runs
}
