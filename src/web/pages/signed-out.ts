import type { PageFrame } from './frame.ts'

/** Shown after signing out when the app named no page to return to. */
export interface SignedOutPage extends PageFrame {
  readonly clientName?: string | undefined
}
