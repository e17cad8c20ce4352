import { refusal } from '../checks.ts'
import { KEY_USAGE } from './certificate.ts'
import { hasStrongKey, hasUsage, mayServeDocuments } from './path-rules.ts'
import type { SignerQuestion } from './signer.ts'
import type { NamedSigner, SignerLine } from './signer-lines.ts'

/** Organisational document signer (documents-and-signatures.md §3.3). */
const DOCUMENT_SIGNER = '2.16.356.100.10.1'
/** clocks of honest machines differ by less */
const FUTURE_TOLERANCE_SECONDS = 300

/**
 * The moment at which validity is judged.
 * @returns epoch seconds
 * @throws DocumentError by `signature.time`
 * @see documents-and-signatures.md §3.6, §5.5
 */
export function toJudgedAt({ timePolicy, fetchedAt, signedAt }: SignerQuestion): number {
  if (timePolicy === 'fetch') return fetchedAt
  if (signedAt === undefined) throw refusal('signature.time', 'the content states no time of signing')
  if (signedAt > fetchedAt + FUTURE_TOLERANCE_SECONDS) throw refusal('signature.time', 'the time of signing is to come')
  return signedAt
}

/**
 * What is asked of every signer, path or not, and of those whom only a path makes known.
 * @throws DocumentError by `signer.key`, `signer.usage`, `signer.policy`
 * @see security.md XM-8, XM-11; documents-and-signatures.md §3.5
 */
export function checkSigner({ line, certificate }: NamedSigner): void {
  const isPinnedKey = line.by !== 'certificate' || line.spki === undefined || line.spki === certificate.spki
  if (!hasStrongKey(certificate) || !isPinnedKey) throw refusal('signer.key')
  const maySign = hasUsage(certificate, KEY_USAGE.signature | KEY_USAGE.nonRepudiation)
  if (!maySign || certificate.isAuthority || !mayServeDocuments(certificate)) throw refusal('signer.usage')
  if (needsPath(line) && !certificate.policies.includes(DOCUMENT_SIGNER)) throw refusal('signer.policy')
}

/** Only the very certificate may stand alone: the operator has compared its fingerprint. */
export const needsPath = (line: SignerLine): boolean => line.by !== 'certificate' || line.path === 'required'

/**
 * Judges the signer's own validity. Before its certificate begins a signer is nobody. After its end only a pin of this
 * very certificate carries it on, up to `notAcceptedAfter`, and that bound is compared with the time of asking as well:
 * a stated time of signing proves nothing once the key may have leaked.
 * @returns true when the certificate had ended by the judged time and its pin tolerates that
 * @throws DocumentError by `signer.begun`, `signer.ended`
 * @see documents-and-signatures.md §3.6
 */
export function checkValidity({ line, certificate }: NamedSigner, judgedAt: number, askedAt: number): boolean {
  if (judgedAt < certificate.notBefore) throw refusal('signer.begun')
  const last = lastMomentOf({ line, certificate })
  if (judgedAt > last || askedAt > last) throw refusal('signer.ended')
  return judgedAt > certificate.notAfter
}

/** The last epoch second at which documents of this signer are accepted. */
export function lastMomentOf({ line, certificate }: NamedSigner): number {
  if (line.by !== 'certificate') return Math.min(certificate.notAfter, line.notAcceptedAfter ?? certificate.notAfter)
  return line.notAcceptedAfter ?? Math.min(line.notAfter, certificate.notAfter)
}
