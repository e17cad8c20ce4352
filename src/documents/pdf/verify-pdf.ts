import { DocumentError } from '../../errors.ts'
import { type Judging, judgeSignature } from './judge-signature.ts'
import { type PdfStructure, scanPdf } from './scan.ts'
import {
  bestVerdictWith,
  PDF_LIMITS,
  type PdfLimits,
  type PdfReason,
  type PdfSignature,
  type PdfVerdict,
  type PdfVerdictName,
  type SignerTrust,
} from './verdict.ts'

export interface PdfVerification {
  readonly rail: string
  readonly trust: SignerTrust
  /** epoch seconds: when the file was fetched, which is also when signers are judged */
  readonly at: number
  readonly limits?: Partial<PdfLimits> | undefined
}

const HEADER = Buffer.from('%PDF-')

/**
 * Says whether a PDF is, to its last byte, what signers whom we believe have signed. Nothing of its content is read or
 * handed on. Where there are several signatures, each must hold and be believed, each must cover all that the one before
 * it covers, and the last must cover the whole file: an update after signing is refused, never judged.
 * @returns a verdict for every PDF, however broken
 * @throws DocumentError DOC_TOO_LARGE, DOC_MALFORMED (not a PDF)
 * @see documents-and-signatures.md §4; security.md PD-1, PD-2; ISO 32000-1 §12.8
 */
export async function verifyPdf(bytes: Uint8Array, verification: PdfVerification): Promise<PdfVerdict> {
  const limits = { ...PDF_LIMITS, ...verification.limits }
  if (bytes.length > limits.maxBytes) throw new DocumentError('DOC_TOO_LARGE', 'the PDF is bigger than we read')
  if (!HEADER.equals(bytes.subarray(0, HEADER.length))) throw new DocumentError('DOC_MALFORMED', 'not a PDF')
  const structure = scanPdf(bytes, limits)
  const signatures = await judgeAll(bytes, structure, { ...verification, limits })
  const reasons = [...new Set([...fileReasons(structure, signatures), ...signatures.flatMap(({ reasons }) => reasons)])]
  return Object.freeze({
    verdict: worstVerdict(reasons, structure),
    reasons,
    signatures,
    signatureCount: structure.signatures.length,
    documentTimestamps: structure.documentTimestamps,
    encrypted: structure.encrypted,
    timeBasis: 'fetch',
    judgedAt: verification.at,
  })
}

/** In the order of coverage; those without a readable one come first, since the last place decides. */
async function judgeAll(
  bytes: Uint8Array,
  { signatures }: PdfStructure,
  judging: Judging,
): Promise<readonly PdfSignature[]> {
  if (signatures.length > judging.limits.maxSignatures) return []
  const judged = []
  for (const dictionary of signatures) judged.push(await judgeSignature(bytes, dictionary, judging))
  return judged.sort((one, other) => endOf(one) - endOf(other))
}

function fileReasons({ signatures, fault }: PdfStructure, judged: readonly PdfSignature[]): readonly PdfReason[] {
  const reasons: PdfReason[] = fault ? [fault] : []
  if (signatures.length === 0) reasons.push('no_signature')
  // Where not even the last one has a readable coverage, each has a reason of its own already.
  if (judged.at(-1)?.coverage?.wholeFile === false) reasons.push('update_after_signing')
  if (!isNested(judged)) reasons.push('byte_range_overlap')
  return reasons
}

/** The Contents of a later signature stand after the end of the earlier one, as a genuine update puts them. */
function isNested(signatures: readonly PdfSignature[]): boolean {
  return signatures.every(({ coverage }, index) => {
    const before = signatures[index - 1]
    return !coverage || !before || coverage.byteRange[1] >= endOf(before)
  })
}

const endOf = ({ coverage }: PdfSignature) => (coverage ? coverage.byteRange[2] + coverage.byteRange[3] : 0)

/** The best verdict that all reasons still allow. */
function worstVerdict(reasons: readonly PdfReason[], { signatures }: PdfStructure): PdfVerdictName {
  if (signatures.length === 0) return 'pdf_unsigned'
  const allowed = new Set(reasons.map(bestVerdictWith))
  if (allowed.has('pdf_altered_after_signing')) return 'pdf_altered_after_signing'
  return allowed.size > 0 ? 'pdf_signed_untrusted_signer' : 'pdf_signed_trusted'
}
