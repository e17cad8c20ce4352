import type { LogoutDeliveries } from '../provider/back-channel-logout.ts'
import type { Job } from './clockwork.ts'
import { withNewestKeys } from './keys.ts'

/**
 * Tells relying apps of sign-outs, soon, because a person who signed out expects it to have happened; and gives up those
 * that could not be told for a day.
 */
export const logoutJobs = (
  { deliverDue, giveUpEnded }: Pick<LogoutDeliveries, 'deliverDue' | 'giveUpEnded'>,
  refreshKeys: () => Promise<void>,
): Job[] => [
  withNewestKeys(refreshKeys, { name: 'deliver-logouts', everySeconds: 2, run: deliverDue }),
  { name: 'end-logouts', everySeconds: 10, run: giveUpEnded },
]
