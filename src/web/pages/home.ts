import type { PageFrame } from './frame.ts'

/** What stands at the issuer's root: what this is, and where its metadata lies. */
export interface HomePage extends PageFrame {
  readonly issuer: string
  /** the OpenID Connect discovery document */
  readonly discoveryHref: string
}
