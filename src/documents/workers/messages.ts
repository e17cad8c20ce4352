import type { ErrorCode } from '../../errors.ts'
import type { DocumentFields, DocumentVerification } from '../document.ts'
import type { PdfFinding } from '../pdf/finding.ts'
import type { ProfileName } from '../profiles.ts'
import type { TrustSnapshot } from '../trust/trust.ts'

/** What the pool asks of a thread. Everything is plain data. */
export interface Job {
  readonly bytes: Uint8Array
  readonly profile: ProfileName
  /** epoch seconds: the time of the fetch */
  readonly at: number
  readonly crossCheck: boolean
  /** refuse a document of another type; any type where absent */
  readonly doctype?: string | undefined
}

/** A PDF, of which a thread hands back what its signature is worth and nothing else. */
export interface PdfJob {
  readonly pdf: Uint8Array
  readonly profile: ProfileName
  /** epoch seconds: the time of the fetch */
  readonly at: number
}

export type ToThread = { readonly job: Job | PdfJob } | { readonly trust: TrustSnapshot }

/** Fields and how they were verified: all that ever leaves the thread. */
export interface VerifiedFields {
  readonly fields: DocumentFields
  readonly verification: DocumentVerification
}

export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
  readonly check?: string | undefined
}

export type FromThread =
  | { readonly ready: true }
  | { readonly answer: VerifiedFields | PdfFinding }
  | { readonly refused: Refusal }
