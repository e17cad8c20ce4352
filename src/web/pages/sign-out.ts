import type { PageFrame } from './frame.ts'

/**
 * Asks before signing out (OpenID Connect RP-Initiated Logout 1.0 §2). The form posts what the engine's confirmation
 * takes: `xsrf`, and `logout=yes` only from the button that signs out.
 */
export interface SignOutPage extends PageFrame {
  readonly action: string
  readonly xsrf: string
  /** the app that asked; by staying, only its own session here ends */
  readonly clientName?: string | undefined
}

/** Reads the two values out of the form that the engine hands to `logoutSource`; undefined if it changed shape. */
export function readLogoutForm(form: string): { action: string; xsrf: string } | undefined {
  const action = /\baction="([^"]*)"/.exec(form)?.[1]
  const xsrf = /\bname="xsrf" value="([^"]*)"/.exec(form)?.[1]
  return action !== undefined && xsrf !== undefined ? { action, xsrf } : undefined
}
