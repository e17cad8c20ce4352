import { DocumentError, type ErrorCode } from '../errors.ts'
import { CHECKS, type CheckId } from './checks.ts'
import type { DocumentFields, DocumentVerification } from './document.ts'
import { extract } from './extract.ts'
import type { PdfVerdict } from './pdf/verdict.ts'
import { verifyPdf } from './pdf/verify-pdf.ts'
import { PROFILES, type ProfileName } from './profiles.ts'
import { describeVerification, type Trust, verifyDocument } from './verify.ts'

/** `unneeded`: another check stands for it here, such as a pin for a path. */
export type CheckResult = 'held' | 'failed' | 'not reached' | 'unneeded'

export interface CheckRow {
  readonly check: CheckId
  readonly result: CheckResult
  /** completes "a document is refused unless …" */
  readonly unless: string
}

/** Everything that can be said of a document that somebody holds in a file. */
export type Inspection =
  | {
      readonly kind: 'xml'
      readonly profile: string
      readonly verdict: 'verified' | 'refused'
      readonly checks: readonly CheckRow[]
      readonly verification?: DocumentVerification
      readonly fields?: DocumentFields
      readonly refusal?: { readonly code: ErrorCode; readonly check?: string | undefined; readonly message: string }
    }
  | { readonly kind: 'pdf'; readonly verdict: PdfVerdict['verdict']; readonly pdf: PdfVerdict }

export interface InspectOptions {
  readonly trust: Trust
  /** epoch seconds */
  readonly at: number
  /** found by the root element where absent */
  readonly profile?: ProfileName | undefined
}

const PDF = Buffer.from('%PDF-')
const OFFLINE_ROOT = /<OfflinePaperlessKyc[\s>]/

/**
 * Verifies a document by itself and tells each check. Nothing is stored, sent or fetched.
 * @throws DocumentError only for a PDF that is too large
 */
export async function inspect(bytes: Uint8Array, options: InspectOptions): Promise<Inspection> {
  const { trust, at, profile = guessProfile(bytes) } = options
  if (PDF.equals(bytes.subarray(0, PDF.length))) {
    const pdf = await verifyPdf(bytes, { rail: PROFILES[profile].rail, trust, at })
    return { kind: 'pdf', verdict: pdf.verdict, pdf }
  }
  const { id } = PROFILES[profile]
  try {
    const document = await verifyDocument(bytes, { profile: PROFILES[profile], trust, at })
    const verification = describeVerification(document)
    const checks = rowsFor((check) => (isNeeded(check, verification) ? 'held' : 'unneeded'))
    return { kind: 'xml', profile: id, verdict: 'verified', checks, verification, fields: extract(document) }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    const { code, check, message } = error
    return { kind: 'xml', profile: id, verdict: 'refused', checks: rowsUpTo(check), refusal: { code, check, message } }
  }
}

/** By the root element, wherever it stands; a wrong guess is refused by `shape.root` and can be overruled. */
function guessProfile(bytes: Uint8Array): ProfileName {
  const head = Buffer.from(bytes.subarray(0, 4096)).toString('latin1')
  return OFFLINE_ROOT.test(head) ? 'uidaiOffline' : 'digilocker'
}

const IDS = Object.keys(CHECKS) as CheckId[]

function rowsFor(resultOf: (check: CheckId) => CheckResult): CheckRow[] {
  return IDS.map((check) => ({ check, result: resultOf(check), unless: CHECKS[check].unless }))
}

/** Checks run in the order of the table, so all before the one that refused have held. */
function rowsUpTo(refusedBy: string | undefined): CheckRow[] {
  const failed = (IDS as string[]).indexOf(refusedBy ?? '')
  // A refusal without a check came after all of them: the fields contradict themselves.
  if (failed === -1) return rowsFor(() => 'held')
  return IDS.map((check, i) => {
    const result = i < failed ? 'held' : i === failed ? 'failed' : 'not reached'
    return { check, result, unless: CHECKS[check].unless }
  })
}

/** A pin stands for the path, and what was not looked at is not called held. */
function isNeeded(check: CheckId, { signerBasis, chain, revocation, timeBasis, crossChecked }: DocumentVerification) {
  if (check.startsWith('chain.') && check !== 'chain.crl') return chain.length > 1
  if (check === 'signer.subject' || check === 'signer.policy') return signerBasis === 'path'
  if (check === 'signer.revoked' || check === 'chain.crl') return revocation === 'good'
  if (check === 'signature.time') return timeBasis === 'signed'
  if (check.startsWith('agreement.')) return crossChecked
  return !check.startsWith('limit.')
}
