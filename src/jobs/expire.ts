import type { Clock } from '../clock.ts'
import type { ConsentStore } from '../privacy/consent.ts'
import type { Upstream } from '../provider/upstream.ts'
import type { Job } from './clockwork.ts'

const BATCH = 500
/** each is a call to the upstream */
const GIVE_BACK_BATCH = 8

/** Gives back and deletes what has ended, a batch at a time, so that no statement holds many rows for long. */
export function expireJobs(parts: {
  clock: Clock
  consents: ConsentStore
  upstream: Pick<Upstream, 'giveBackEnded'>
  sweep: (now: number, batch: number) => Promise<void>
  sweepRepeats: (now: number, batch: number) => Promise<void>
}): Job[] {
  const expireValues = async () => {
    while ((await parts.consents.deleteExpiredValues(parts.clock(), BATCH)) >= BATCH);
  }
  const giveBack = async () => {
    while ((await parts.upstream.giveBackEnded(GIVE_BACK_BATCH)) >= GIVE_BACK_BATCH);
  }
  return [
    { name: 'give-back', everySeconds: 15, run: giveBack },
    { name: 'expire-repeats', everySeconds: 10, run: () => parts.sweepRepeats(parts.clock(), BATCH) },
    { name: 'expire-models', everySeconds: 60, run: () => parts.sweep(parts.clock(), BATCH) },
    { name: 'expire-values', everySeconds: 60, run: expireValues },
  ]
}
