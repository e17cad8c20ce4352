import type { ErrorCode } from '../../errors.ts'
import type { PageFrame } from './frame.ts'

/** Any problem: what happened, what to do next, and what to quote when asking for help. */
export interface RefusalPage extends PageFrame {
  readonly title: string
  readonly happened: string
  readonly next: string
  readonly code: ErrorCode
  readonly incidentId: string
  readonly clientName?: string | undefined
  /** where "Try again" posts `csrf` to */
  readonly retryAction?: string | undefined
  /** tell her to go back to the app: no button of ours leads there */
  readonly goBack: boolean
  /** where "Return to the app" posts `csrf` to */
  readonly returnAction?: string | undefined
  readonly csrf?: string | undefined
}
