import type { Contender } from './contenders.ts'
import type { Operation } from './driver.ts'
import { type Round, runRound } from './measure.ts'

export interface RaceOptions {
  readonly seats: number
  readonly rounds: number
  /** of one round; twice that for a login */
  readonly seconds: number
}

/** For each contender that can do the operation, its rounds in the order they were run. */
export type Results = ReadonlyMap<Contender, readonly Round[]>

/** To be ready for in the first round, per second; afterwards somewhat more than the round before used up. */
const FIRST_RATE = 200
const HEADROOM = 1.3
/** Unmeasured, so that compiled code, open connections and prepared statements are there when it counts. */
const WARM_UP_ROUNDS = 0.5
/** A login is a dozen requests, and its code takes hundreds of runs to be compiled: it gets longer rounds. */
const weightOf = (operation: Operation): number => (operation.startsWith('login') ? 2 : 1)

/** How long one round of weight 1 may take, for all of them together to take `total` seconds. */
export function shareTime(
  total: number,
  { operations, contenders, rounds }: { operations: readonly Operation[]; contenders: number; rounds: number },
): number {
  const weights = operations.reduce((sum, operation) => sum + weightOf(operation), 0)
  return total / (weights * contenders * (rounds + WARM_UP_ROUNDS))
}

/** Runs one operation on all contenders in turn, round by round, so that what disturbs the machine disturbs them alike. */
export async function raceServers(
  operation: Operation,
  contenders: readonly Contender[],
  { seats, rounds, seconds }: RaceOptions,
): Promise<Results> {
  const racing = contenders.filter(({ driver }) => driver.can(operation))
  const results = new Map(racing.map((contender) => [contender, [] as Round[]]))
  const rates = new Map<Contender, number>()
  const run = async (contender: Contender, share: number) => {
    const { driver, usage } = contender
    const length = seconds * weightOf(operation) * share
    await driver.prepare(operation, Math.ceil(length * (rates.get(contender) ?? FIRST_RATE) * HEADROOM))
    const round = await runRound(driver.act(operation), usage, { seats: contender.seats ?? seats, seconds: length })
    rates.set(contender, round.perSecond)
    return round
  }
  for (const contender of racing) await run(contender, WARM_UP_ROUNDS)
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of racing) results.get(contender)?.push(await run(contender, 1))
  }
  return results
}
