import { hash, X509Certificate } from 'node:crypto'
import { BitString, OctetString } from 'asn1js'
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificatePolicies,
  type Extension,
  ExtKeyUsage,
} from 'pkijs'
import { type Name, readName } from './name.ts'

/** Object identifiers of the extensions whose meaning we know (RFC 5280 §4.2.1). */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

/** Bits of KeyUsage, first octet (RFC 5280 §4.2.1.3). */
export const KEY_USAGE = { signature: 0x80, nonRepudiation: 0x40, certificateSign: 0x04, crlSign: 0x02 } as const

/** One X.509 certificate as the rules need it. Parsed is not believed. Times are epoch seconds, bounds inclusive. */
export interface ParsedCertificate {
  readonly der: Uint8Array
  /** SHA-256 of the DER, lower-case hex */
  readonly fingerprint: string
  /** SHA-256 of the SubjectPublicKeyInfo (DER), lower-case hex */
  readonly spki: string
  /** OpenSSL's reading: the key and the signature come from here */
  readonly x509: X509Certificate
  readonly subject: Name
  readonly issuer: Name
  /** lower-case hex without leading zeros */
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
  readonly isAuthority: boolean
  /** authorities that may follow below; undefined is any number */
  readonly pathLength: number | undefined
  readonly keyUsage: number | undefined
  readonly extendedKeyUsages: readonly string[] | undefined
  readonly policies: readonly string[]
  readonly subjectKeyId: string | undefined
  readonly authorityKeyId: string | undefined
  readonly extensions: readonly string[]
  readonly criticalExtensions: readonly string[]
  /** object identifier of the algorithm under which it was signed */
  readonly signatureAlgorithm: string
}

/**
 * Reads one certificate. What cannot be read, has anything after its DER, says an extension twice or one that does not
 * parse is nobody's certificate: undefined, so that junk beside a genuine signer stays junk.
 * @see RFC 5280 §4.1, §4.2
 */
export function readCertificate(der: Uint8Array): ParsedCertificate | undefined {
  try {
    const x509 = new X509Certificate(der)
    // OpenSSL reads PEM too, and past the end: its own DER must be every byte that we were given.
    if (!x509.raw.equals(der)) return undefined
    return describe(x509, Certificate.fromBER(x509.raw))
  } catch {
    // The parsers' messages say nothing that the caller could act on; unreadable is one case.
    return undefined
  }
}

function describe(x509: X509Certificate, parsed: Certificate): ParsedCertificate {
  const extensions = parsed.extensions ?? []
  const byId = new Map(extensions.map((extension) => [extension.extnID, extension]))
  if (byId.size < extensions.length) throw new Error('an extension stands twice')
  const constraints = extensionValue(byId, EXTENSION.basicConstraints, BasicConstraints)
  return Object.freeze({
    der: Uint8Array.from(x509.raw),
    fingerprint: hash('sha256', x509.raw, 'hex'),
    spki: hash('sha256', x509.publicKey.export({ type: 'spki', format: 'der' }), 'hex'),
    x509,
    subject: readName(parsed.subject),
    issuer: readName(parsed.issuer),
    serial: serialOf(parsed.serialNumber.valueBlock.valueHexView),
    // As texts: of a date that is none, Node's Date may be any (OpenSSL's text says so).
    notBefore: epochSeconds(new Date(x509.validFrom)),
    notAfter: epochSeconds(new Date(x509.validTo)),
    isAuthority: constraints?.cA ?? false,
    pathLength: pathLengthOf(constraints),
    keyUsage: extensionValue(byId, EXTENSION.keyUsage, BitString)?.valueBlock.valueHexView[0],
    extendedKeyUsages: extensionValue(byId, EXTENSION.extendedKeyUsage, ExtKeyUsage)?.keyPurposes,
    policies:
      extensionValue(byId, EXTENSION.certificatePolicies, CertificatePolicies)?.certificatePolicies.map(
        ({ policyIdentifier }) => policyIdentifier,
      ) ?? [],
    subjectKeyId: keyIdOf(extensionValue(byId, EXTENSION.subjectKeyIdentifier, OctetString)),
    authorityKeyId: keyIdOf(
      extensionValue(byId, EXTENSION.authorityKeyIdentifier, AuthorityKeyIdentifier)?.keyIdentifier ?? undefined,
    ),
    extensions: [...byId.keys()],
    criticalExtensions: extensions.filter(({ critical }) => critical).map(({ extnID }) => extnID),
    signatureAlgorithm: parsed.signatureAlgorithm.algorithmId,
  })
}

/** The value of an extension, of exactly the type that its identifier promises; absent is undefined. */
function extensionValue<T extends object>(
  extensions: ReadonlyMap<string, Extension>,
  id: string,
  type: abstract new (...parameters: never[]) => T,
): T | undefined {
  const extension = extensions.get(id)
  if (!extension) return undefined
  const value: unknown = extension.parsedValue
  if (value instanceof type && !('parsingError' in value)) return value
  throw new Error('an extension does not parse')
}

/** A length too big for a number is no real one, and no licence for an endless path. */
function pathLengthOf(constraints: BasicConstraints | undefined): number | undefined {
  const length = constraints?.pathLenConstraint
  if (length !== undefined && typeof length !== 'number') throw new Error('a path length beyond all measure')
  return length
}

const keyIdOf = (value: OctetString | undefined) => value && Buffer.from(value.valueBlock.valueHexView).toString('hex')

export const serialOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').replace(/^0+/, '') || '0'

/** @throws Error for a date that is none: compared with it, everything would hold */
export function epochSeconds(date: Date): number {
  const seconds = Math.floor(date.getTime() / 1000)
  if (Number.isNaN(seconds)) throw new Error('a date that is none')
  return seconds
}
