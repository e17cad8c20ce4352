import type { Clock } from '../clock.ts'
import type { ConsentStore } from '../privacy/consent.ts'
import type { Job } from './clockwork.ts'

const BATCH = 500

/** Deletes what has expired, a batch at a time, so that no statement holds many rows for long. */
export function expireJobs(parts: {
  clock: Clock
  consents: ConsentStore
  sweep: (now: number, batch: number) => Promise<void>
}): Job[] {
  const expireValues = async () => {
    while ((await parts.consents.deleteExpiredValues(parts.clock(), BATCH)) >= BATCH);
  }
  return [
    { name: 'expire-models', everySeconds: 60, run: () => parts.sweep(parts.clock(), BATCH) },
    { name: 'expire-values', everySeconds: 60, run: expireValues },
  ]
}
