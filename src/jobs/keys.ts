import type { KeyKeeper } from '../provider/keys/keeper.ts'
import type { KeySchedule } from '../provider/keys/schedule.ts'
import type { Job } from './clockwork.ts'

/** What signs outside a request must not do it with a key that another instance has taken away. */
export const withNewestKeys = (refresh: () => Promise<void>, job: Job): Job => ({
  ...job,
  run: async () => {
    await refresh()
    await job.run()
  },
})

/** Looks whether a signing key is to be made, to sign, or to go. Of many instances one does it. */
export function keyJobs(keeper: Pick<KeyKeeper, 'turn'>, { leadSeconds }: KeySchedule): Job[] {
  const everySeconds = Math.min(30, Math.max(1, Math.floor(leadSeconds / 4)))
  return [{ name: 'signing-keys', everySeconds, run: () => keeper.turn() }]
}
