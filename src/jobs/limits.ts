import type { Limiter } from '../limits/limiter.ts'
import type { Job } from './clockwork.ts'

/** Exchanges counts with the other instances, and forgets minutes that are over. */
export function limitJobs(limiter: Limiter): Job[] {
  return [
    { name: 'rate-counts', everySeconds: 1, run: () => limiter.flush() },
    { name: 'expire-rate-counts', everySeconds: 60, run: () => limiter.removeEnded() },
  ]
}
