import type { LogoutDeliveries } from '../provider/back-channel-logout.ts'
import type { Job } from './clockwork.ts'

/** each is a call to a relying app */
const BATCH = 8

/** Tells relying apps of sign-outs. Soon, because a person who signed out expects it to have happened. */
export function deliverLogouts({ deliverDue }: LogoutDeliveries): Job {
  return {
    name: 'deliver-logouts',
    everySeconds: 2,
    run: async () => {
      while ((await deliverDue(BATCH)) >= BATCH);
    },
  }
}
