import type { CheckId } from '../checks.ts'
import { EXTENSION, KEY_USAGE, type ParsedCertificate } from './certificate.ts'
import type { AuthorityRecord } from './data.ts'

/** From the signer up to the anchor. */
export type Path = readonly [ParsedCertificate, ...ParsedCertificate[]]

export interface PathContext {
  /** epoch seconds */
  readonly at: number
  /** where paths end, by fingerprint */
  readonly anchors: ReadonlyMap<string, AuthorityRecord>
  /** fingerprints of authorities that no path may touch */
  readonly distrusted: ReadonlySet<string>
}

/** Signer, three authorities, anchor: one more than India PKI has ever used (documents-and-signatures.md §3.2). */
export const MAX_PATH = 5

const MIN_RSA_BITS = 2048
const MIN_RSA_EXPONENT = 65_537n

/** RSA PKCS #1 v1.5 with SHA-256, 384, 512 (RFC 4055 §5): all that India PKI signs with. PSS has parameters to get wrong. */
export const SIGNATURE_HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
}

/** Critical extensions that the rules here act upon. Policy constraints are not among them: see the README. */
const UNDERSTOOD = new Set<string>([
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.nameConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.extendedKeyUsage,
])

/** E-mail protection, Microsoft and Adobe document signing, RFC 9336 document signing, any. */
const SIGNING_PURPOSES = [
  '1.3.6.1.5.5.7.3.4',
  '1.3.6.1.4.1.311.10.3.12',
  '1.2.840.113583.1.1.5',
  '1.3.6.1.5.5.7.3.36',
  '2.5.29.37.0',
]

interface PathRule {
  readonly check: CheckId
  readonly holds: (path: Path, context: PathContext) => boolean
}

/**
 * The rules of RFC 5280 §6.1 for a path whose names and signatures already chain, each under its own check. The order
 * is from who to how: the first that fails is the one to report.
 */
export const PATH_RULES: readonly PathRule[] = [
  { check: 'chain.anchor', holds: endsInAnchor },
  { check: 'chain.signature', holds: (path) => path.slice(0, -1).every(hasStrongSignature) },
  { check: 'chain.time', holds: ([, ...above], { at }) => above.every((certificate) => isWithin(certificate, at)) },
  { check: 'chain.authority', holds: ([, ...above]) => above.every(mayIssueSigners) },
  { check: 'chain.length', holds: (path) => path.length <= MAX_PATH && path.every(keepsPathLength) },
  { check: 'chain.key', holds: ([, ...above]) => above.every(hasStrongKey) },
  { check: 'chain.critical', holds: (path) => path.every(hasOnlyUnderstood) },
  {
    check: 'chain.names',
    holds: (path) => path.every(({ extensions }) => !extensions.includes(EXTENSION.nameConstraints)),
  },
]

/** XM-8: RSA (no other key has a modulus), not small, and no low exponent. */
export function hasStrongKey({ x509 }: ParsedCertificate): boolean {
  const { modulusLength = 0, publicExponent = 0n } = x509.publicKey.asymmetricKeyDetails ?? {}
  return modulusLength >= MIN_RSA_BITS && publicExponent >= MIN_RSA_EXPONENT
}

/** SHA-1 and MD5 collide: two certificates could share one signature. */
export const hasStrongSignature = ({ signatureAlgorithm }: ParsedCertificate): boolean =>
  Object.hasOwn(SIGNATURE_HASHES, signatureAlgorithm)

export const hasOnlyUnderstood = ({ criticalExtensions }: ParsedCertificate): boolean =>
  criticalExtensions.every((id) => UNDERSTOOD.has(id))

/** No purposes named is every purpose (RFC 5280 §4.2.1.12). */
export const mayServeDocuments = ({ extendedKeyUsages }: ParsedCertificate): boolean =>
  extendedKeyUsages === undefined || extendedKeyUsages.some((purpose) => SIGNING_PURPOSES.includes(purpose))

export const hasUsage = ({ keyUsage = 0 }: ParsedCertificate, bits: number): boolean => (keyUsage & bits) !== 0

export const isWithin = ({ notBefore, notAfter }: ParsedCertificate, at: number): boolean =>
  notBefore <= at && at <= notAfter

/** An authority named `never` breaks the path wherever it stands; an anchor counts up to the end that trust records. */
function endsInAnchor(path: Path, { at, anchors, distrusted }: PathContext): boolean {
  if (path.some(({ fingerprint }) => distrusted.has(fingerprint))) return false
  const anchor = path.at(-1)
  const record = anchor && anchors.get(anchor.fingerprint)
  if (!record) return false
  const end = record.use === 'historic' ? anchor.notAfter : Number.POSITIVE_INFINITY
  return at <= Math.min(end, record.notAfter ?? end)
}

function mayIssueSigners(certificate: ParsedCertificate): boolean {
  const { isAuthority } = certificate
  return isAuthority && hasUsage(certificate, KEY_USAGE.certificateSign) && mayServeDocuments(certificate)
}

/** The signer itself does not count (RFC 5280 §4.2.1.9). Self-issued authorities count here: nobody honest needs them. */
function keepsPathLength({ pathLength }: ParsedCertificate, index: number): boolean {
  return pathLength === undefined || index - 1 <= pathLength
}
