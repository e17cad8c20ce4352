import type { Clock } from '../clock.ts'

/** Calls to one app at once, from one process. */
export const PER_APP = 4
const FIRST_PAUSE = 5
const LONGEST_REST = 60

/** Seconds: doubles up to the longest; spread, so that what failed together is not tried together. */
export const pauseAfter = (failures: number, longest: number, random: () => number): number =>
  Math.ceil(Math.min(FIRST_PAUSE * 2 ** failures, longest) * (0.5 + random() / 2))

/** Which apps of this process have room for another call: an app that could not be reached gets one now and then. */
export function createAppRests(clock: Clock, random: () => number) {
  const calls = new Map<string, number>()
  const rests = new Map<string, { failures: number; until: number }>()

  const taken = (app: string): number => {
    const rest = rests.get(app)
    if (!rest) return calls.get(app) ?? 0
    return rest.until > clock() ? PER_APP : PER_APP - 1 + (calls.get(app) ?? 0)
  }

  return {
    began: (app: string) => void calls.set(app, (calls.get(app) ?? 0) + 1),
    ended(app: string) {
      const left = (calls.get(app) ?? 1) - 1
      if (left > 0) calls.set(app, left)
      else calls.delete(app)
    },
    /** It answered: all its room is its own again. */
    reached: (app: string) => void rests.delete(app),
    missed(app: string) {
      const rest = rests.get(app)
      // Calls that began together are one failure.
      if (rest && rest.until > clock()) return
      const failures = (rest?.failures ?? 0) + 1
      rests.set(app, { failures, until: clock() + pauseAfter(failures, LONGEST_REST, random) })
    },
    /** How much of its room each has taken, where it is not free. */
    busy: (): Record<string, number> =>
      Object.fromEntries([...new Set([...calls.keys(), ...rests.keys()])].map((app) => [app, taken(app)])),
  }
}
