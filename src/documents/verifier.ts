import type { Clock } from '../clock.ts'
import { DocumentError, type ErrorCode } from '../errors.ts'
import type { ProfileName } from './profiles.ts'
import type { TrustStore } from './trust/trust.ts'
import type { VerifiedFields } from './workers/messages.ts'
import { createVerifierPool, type PoolState } from './workers/pool.ts'

/** What became of one document, for metrics and alarms: no content, no personal value. */
export interface Verdict {
  readonly profile: ProfileName
  readonly outcome: 'verified' | 'refused'
  readonly code?: ErrorCode | undefined
  readonly check?: string | undefined
  readonly seconds: number
}

export interface VerifierOptions {
  readonly trust: TrustStore
  readonly threads: number
  /** share of the documents that a second verifier must confirm, 0 to 1; 1 is the default of the product */
  readonly crossCheckShare: number
  readonly clock: Clock
  /** from 0 up to, not including, 1 */
  readonly random: () => number
  /** milliseconds of a clock that never goes back */
  readonly now: () => number
  readonly onVerdict: (verdict: Verdict) => void
}

/** Documents as the rest of the product sees them: bytes in, fields and a record out, off the event loop. */
export interface Verifier {
  /**
   * @param doctype refuse a document of another type
   * @throws DocumentError as `verifyDocument`, `extract` and the pool
   */
  verify(bytes: Uint8Array, profile: ProfileName, doctype?: string): Promise<VerifiedFields>
  useTrust(trust: TrustStore): void
  state(): PoolState
  close(): Promise<void>
}

export function createVerifier(options: VerifierOptions): Verifier {
  const { clock, now, random, crossCheckShare, onVerdict } = options
  const pool = createVerifierPool(options)
  return {
    verify: async (bytes, profile, doctype) => {
      const began = now()
      const tell = (verdict: Pick<Verdict, 'outcome' | 'code' | 'check'>) =>
        onVerdict({ profile, ...verdict, seconds: (now() - began) / 1000 })
      // Never sampled away by a value of 1: random() stays below it.
      const crossCheck = random() < crossCheckShare
      try {
        const verified = await pool.verify({ bytes, profile, at: clock(), crossCheck, doctype })
        tell({ outcome: 'verified' })
        return verified
      } catch (error) {
        if (error instanceof DocumentError) tell({ outcome: 'refused', code: error.code, check: error.check })
        throw error
      }
    },
    useTrust: pool.useTrust.bind(pool),
    state: pool.state.bind(pool),
    close: pool.close.bind(pool),
  }
}
