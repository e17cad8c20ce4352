import { hash, type KeyObject, verify } from 'node:crypto'
import { fromBER } from 'asn1js'
import { CertificateRevocationList, type Extension, type RevokedCertificate } from 'pkijs'
import { epochSeconds, serialOf } from './certificate.ts'
import { type Name, readName } from './name.ts'
import { SIGNATURE_HASHES } from './path-rules.ts'

/** The parser's own limit is 10,000 nodes; lists of big authorities have that many entries. An operator chose the file. */
const LIMITS = { maxNodes: 2_000_000, maxContentLength: 32 * 1024 * 1024 }

/** A certificate revocation list as an operator put it there. Not believed before its issuer's key says so. Plain data. */
export interface ParsedCrl {
  /** SHA-256 of the DER, lower-case hex */
  readonly fingerprint: string
  readonly issuer: Name
  /** epoch seconds */
  readonly thisUpdate: number
  /** epoch seconds; a list without it is never fresh */
  readonly nextUpdate: number | undefined
  /** serial numbers, lower-case hex without leading zeros; on hold is revoked while it lasts, whatever the date */
  readonly revoked: ReadonlySet<string>
  /** it speaks of all certificates of its issuer: no delta, no part, nothing critical that we do not know */
  readonly isWhole: boolean
  readonly signatureAlgorithm: string
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Reads one list; undefined if it is none.
 * @see RFC 5280 §5
 */
export function readCrl(der: Uint8Array): ParsedCrl | undefined {
  try {
    const { offset, result } = fromBER(Uint8Array.from(der), LIMITS)
    return offset === der.length ? describe(der, new CertificateRevocationList({ schema: result })) : undefined
  } catch {
    // As with certificates: whatever does not parse is no list, and the caller names the file.
    return undefined
  }
}

/** True when the key signed the list, with a hash that is still good. */
export function isSignedWith(list: ParsedCrl, key: KeyObject): boolean {
  const hashName = SIGNATURE_HASHES[list.signatureAlgorithm]
  return hashName !== undefined && verify(hashName, list.signed, key, list.signature)
}

function describe(der: Uint8Array, list: CertificateRevocationList): ParsedCrl {
  const { thisUpdate, nextUpdate, revokedCertificates = [], crlExtensions, signatureAlgorithm, signatureValue } = list
  const own = revokedCertificates.filter((entry) => !hasCritical(extensionsOf(entry)))
  return Object.freeze({
    fingerprint: hash('sha256', der, 'hex'),
    issuer: readName(list.issuer),
    thisUpdate: epochSeconds(thisUpdate.value),
    nextUpdate: nextUpdate && epochSeconds(nextUpdate.value),
    revoked: new Set(own.map(({ userCertificate }) => serialOf(userCertificate.valueBlock.valueHexView))),
    isWhole: own.length === revokedCertificates.length && !hasCritical(crlExtensions?.extensions ?? []),
    signatureAlgorithm: signatureAlgorithm.algorithmId,
    signed: list.tbsView.slice(),
    signature: Uint8Array.from(signatureValue.valueBlock.valueHexView),
  })
}

const extensionsOf = ({ crlEntryExtensions }: RevokedCertificate): readonly Extension[] =>
  crlEntryExtensions?.extensions ?? []

/** We understand no critical extension of lists: deltas, parts and indirect lists all announce themselves by one. */
const hasCritical = (extensions: readonly Extension[]) => extensions.some(({ critical }) => critical)
