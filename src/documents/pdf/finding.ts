import { DocumentError, type ErrorCode } from '../../errors.ts'
import { CHECKS, type CheckId } from '../checks.ts'
import { isOwnReason, PDF_REASONS, type PdfReason, type PdfReasonId, type PdfVerdict } from './verdict.ts'

/**
 * What a login may know of a document that is PDF only: what its signature is worth. It has no field and no place for
 * one, so it is never taken for a verified document.
 */
export type PdfFinding =
  /** signed to its last byte by signers whom we believe */
  | {
      readonly verdict: 'trusted'
      /** SHA-256 of the certificate (DER) of the last signer, lower-case hex */
      readonly signer: string
    }
  /** it says nothing of itself that could be checked */
  | { readonly verdict: 'unsigned' }
  /** signed, and nothing contradicts it, by a signer whom we do not know or in a way that we do not judge: SHA-1, BER */
  | { readonly verdict: 'not-trusted'; readonly check: PdfReason }

/**
 * Turns a verdict into what a login goes on with. A signature that does not hold, or is by a signer whom trust knows and
 * refuses, is refused as that of an XML document is. A signer of whom trust has never heard refuses nothing: offices have
 * seals of their own (documents-and-signatures.md §4), and nothing is read from the document in any case.
 * @throws DocumentError with the code of the first reason that refuses, and that reason as its check
 * @see documents-and-signatures.md §4; README.md, "What a login makes of it"
 */
export function toFinding({ verdict, reasons, signatures }: PdfVerdict): PdfFinding {
  const signer = signatures.at(-1)?.signer?.fingerprint
  if (verdict === 'pdf_signed_trusted' && signer) return { verdict: 'trusted', signer }
  const against = reasons.filter((reason) => reason !== 'no_signature')
  const [check] = against
  if (check === undefined) return { verdict: 'unsigned' }
  // Nothing says that it is signed, so nothing is belied: a file that we cannot read to its end is only odd.
  const refusing = verdict === 'pdf_unsigned' ? undefined : against.find(codeOf)
  const code = refusing && codeOf(refusing)
  if (code) throw new DocumentError(code, `a PDF is refused: ${refusing}`, { check: refusing })
  return { verdict: 'not-trusted', check }
}

/** Reasons that refuse under another code than the shape of the signature. */
const CODES: Readonly<Partial<Record<PdfReasonId, ErrorCode>>> = {
  unreadable: 'DOC_MALFORMED',
  too_many_objects: 'DOC_TOO_LARGE',
  digest_mismatch: 'DOC_DIGEST_MISMATCH',
  update_after_signing: 'DOC_DIGEST_MISMATCH',
  signature_invalid: 'DOC_SIGNATURE_INVALID',
  signer_certificate_missing: 'DOC_SIGNER_UNTRUSTED',
  signer_certificate_ambiguous: 'DOC_SIGNER_UNTRUSTED',
  signer_certificate_malformed: 'DOC_SIGNER_UNTRUSTED',
  signing_certificate_mismatch: 'DOC_SIGNER_UNTRUSTED',
  signer_mismatch: 'DOC_SIGNER_UNTRUSTED',
  signer_untrusted: 'DOC_SIGNER_UNTRUSTED',
  signer_undecided: 'DOC_VERIFIER_FAILED',
}

/** Trust names its checks itself; what it refuses, it refuses for a PDF too. @returns undefined where nothing is refused */
function codeOf(reason: PdfReason): ErrorCode | undefined {
  if (reason === UNKNOWN_SIGNER) return undefined
  if (!isOwnReason(reason)) return isCheckId(reason) ? CHECKS[reason].code : 'DOC_SIGNER_UNTRUSTED'
  const { verdict } = PDF_REASONS[reason]
  return CODES[reason] ?? (verdict === 'pdf_altered_after_signing' ? 'DOC_SIGNATURE_SHAPE' : undefined)
}

const UNKNOWN_SIGNER = 'signer.known' satisfies CheckId

const isCheckId = (reason: string): reason is CheckId => Object.hasOwn(CHECKS, reason)
