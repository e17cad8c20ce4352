import type { Clock } from '../clock.ts'
import { DocumentError, type ErrorCode } from '../errors.ts'
import type { PdfFinding } from './pdf/finding.ts'
import type { ProfileName } from './profiles.ts'
import type { TrustStore } from './trust/trust.ts'
import type { VerifiedFields } from './workers/messages.ts'
import { createVerifierPool, type PoolState } from './workers/pool.ts'

/** What became of one document, for metrics and alarms: no content, no personal value. */
export interface Verdict {
  readonly profile: ProfileName | 'pdf'
  readonly outcome: 'verified' | 'refused' | PdfFinding['verdict']
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
  /**
   * What the signature of a PDF is worth. Of its content nothing comes out: it has no field for a claim.
   * @throws DocumentError as `verifyPdf`, `toFinding` and the pool
   */
  verifyPdf(bytes: Uint8Array, profile: ProfileName): Promise<PdfFinding>
  useTrust(trust: TrustStore): void
  state(): PoolState
  close(): Promise<void>
}

export function createVerifier(options: VerifierOptions): Verifier {
  const { clock, now, random, crossCheckShare, onVerdict } = options
  const pool = createVerifierPool(options)

  /** Tells of each verdict, whichever it is. */
  async function told<T>(
    profile: Verdict['profile'],
    work: () => Promise<T>,
    toldOf: (answer: T) => Pick<Verdict, 'outcome' | 'check'>,
  ): Promise<T> {
    const began = now()
    const tell = (verdict: Pick<Verdict, 'outcome' | 'code' | 'check'>) =>
      onVerdict({ profile, ...verdict, seconds: (now() - began) / 1000 })
    try {
      const answer = await work()
      tell(toldOf(answer))
      return answer
    } catch (error) {
      if (error instanceof DocumentError) tell({ outcome: 'refused', code: error.code, check: error.check })
      throw error
    }
  }

  return {
    verify: (bytes, profile, doctype) => {
      // Never sampled away by a value of 1: random() stays below it.
      const crossCheck = random() < crossCheckShare
      const work = () => pool.verify({ bytes, profile, at: clock(), crossCheck, doctype })
      return told(profile, work, () => ({ outcome: 'verified' }))
    },
    verifyPdf: (pdf, profile) =>
      told(
        'pdf',
        () => pool.verifyPdf({ pdf, profile, at: clock() }),
        (finding) => ({ outcome: finding.verdict, ...(finding.verdict === 'not-trusted' && { check: finding.check }) }),
      ),
    useTrust: pool.useTrust.bind(pool),
    state: pool.state.bind(pool),
    close: pool.close.bind(pool),
  }
}
