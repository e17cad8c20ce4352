import type { Contender } from './contenders.ts'
import type { Operation } from './driver.ts'
import { type Round, runRound } from './measure.ts'

export interface RaceOptions {
  readonly seats: number
  readonly rounds: number
  /** of one round */
  readonly seconds: number
}

/** For each contender that can do the operation, its rounds in the order they were run. */
export type Results = ReadonlyMap<Contender, readonly Round[]>

/** More codes than any server here exchanges in a second; a round ends when they are used up. */
const CODES_PER_SECOND = 600
/** Unmeasured, so that compiled code, open connections and prepared statements are there when it counts. */
const WARM_UP_SHARE = 0.4

/** Runs one operation on all contenders in turn, round by round, so that what disturbs the machine disturbs them alike. */
export async function raceServers(
  operation: Operation,
  contenders: readonly Contender[],
  { seats, rounds, seconds }: RaceOptions,
): Promise<Results> {
  const racing = contenders.filter(({ driver }) => driver.can(operation))
  const results = new Map(racing.map((contender) => [contender, [] as Round[]]))
  const run = async ({ driver, usage }: Contender, length: number) => {
    await driver.prepare(operation, Math.ceil(length * CODES_PER_SECOND))
    return runRound(driver.act(operation), usage, { seats, seconds: length })
  }
  for (const contender of racing) await run(contender, seconds * WARM_UP_SHARE)
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of racing) results.get(contender)?.push(await run(contender, seconds))
  }
  return results
}
