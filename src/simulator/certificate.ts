import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import * as der from './der.ts'

/** India PKI policy identifiers (documents-and-signatures.md §3.3). */
export const POLICY = {
  indiaPki: '2.16.356.100.2',
  class2: '2.16.356.100.2.2',
  class3: '2.16.356.100.2.3',
  documentSigner: '2.16.356.100.10.1',
} as const

/** Bits of the KeyUsage string, first octet (RFC 5280 §4.2.1.3). */
export const KEY_USAGE = { signature: 0x80, nonRepudiation: 0x40, certificateSign: 0x04, crlSign: 0x02 } as const

const ATTRIBUTE = {
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  postalCode: '2.5.4.17',
  ST: '2.5.4.8',
  street: '2.5.4.9',
  houseIdentifier: '2.5.4.51',
  CN: '2.5.4.3',
} as const
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11'

/** A distinguished name, most general part first, as it stands in the certificate. */
export type DistinguishedName = readonly (readonly [keyof typeof ATTRIBUTE, string])[]

export interface Certificate {
  readonly der: Buffer
  readonly pem: string
  /** DER: how a signature names it (RFC 5652 §10.2.4) */
  readonly issuerAndSerialNumber: Buffer
}

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** What a certificate says besides who issued it. */
export interface CertificateBody {
  readonly subject: DistinguishedName
  readonly publicKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: readonly Buffer[]
}

/**
 * Signs an X.509 v3 certificate with sha256WithRSAEncryption. Key identifiers are added here.
 * @param issuer its name and keys; a root passes its own, and then no authority key identifier is written
 * @see RFC 5280 §4.1
 */
export function issueCertificate(
  body: CertificateBody,
  issuer: { name: DistinguishedName; keys: KeyPair },
): Certificate {
  const selfIssued = issuer.keys.publicKey.equals(body.publicKey)
  const identifiers = [
    ...(selfIssued ? [] : [authorityKeyIdentifier(issuer.keys.publicKey)]),
    extension('2.5.29.14', der.octetString(keyIdentifier(body.publicKey))),
  ]
  const algorithm = der.sequence(der.oid(SHA256_WITH_RSA), der.nothing())
  const serial = der.integer(serialNumber())
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(2)),
    serial,
    algorithm,
    encodeName(issuer.name),
    der.sequence(der.time(body.notBefore), der.time(body.notAfter)),
    encodeName(body.subject),
    body.publicKey.export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(...identifiers, ...body.extensions)),
  )
  const signature = sign('sha256', toBeSigned, issuer.keys.privateKey)
  const bytes = der.sequence(toBeSigned, algorithm, der.bitString(signature))
  return { der: bytes, pem: toPem(bytes), issuerAndSerialNumber: der.sequence(encodeName(issuer.name), serial) }
}

export function basicConstraints(authority: boolean, pathLength?: number): Buffer {
  const parts = [
    ...(authority ? [der.boolean(true)] : []),
    ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
  ]
  return extension('2.5.29.19', der.sequence(...parts), { critical: true })
}

export function keyUsage(bits: number): Buffer {
  const unused = 31 - Math.clz32(bits & -bits) // DER drops trailing zero bits of a named bit list
  return extension('2.5.29.15', der.bitString(Buffer.from([bits]), unused), { critical: true })
}

export function certificatePolicies(policies: readonly string[]): Buffer {
  return extension('2.5.29.32', der.sequence(...policies.map((policy) => der.sequence(der.oid(policy)))))
}

export function extendedKeyUsage(usages: readonly string[]): Buffer {
  return extension('2.5.29.37', der.sequence(...usages.map(der.oid)))
}

export function emailAlternativeName(email: string): Buffer {
  return extension('2.5.29.17', der.sequence(der.implicit(1, Buffer.from(email, 'ascii'))))
}

function authorityKeyIdentifier(publicKey: KeyObject): Buffer {
  return extension('2.5.29.35', der.sequence(der.implicit(0, keyIdentifier(publicKey))))
}

function extension(id: string, value: Buffer, { critical = false } = {}): Buffer {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value))
}

/** RFC 5280 §4.2.1.2 method 2: 0100 and the last 60 bits of SHA-1 of the key, the 8 bytes that Indian CAs use. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const digest = createHash('sha1')
    .update(publicKey.export({ type: 'pkcs1', format: 'der' }))
    .digest()
  const last = digest.subarray(12)
  last[0] = 0x40 | ((last[0] ?? 0) & 0x0f)
  return last
}

/** Positive (RFC 5280 §4.1.2.2) and without a leading zero octet, which DER would not allow. */
function serialNumber(): Buffer {
  const bytes = randomBytes(8)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes
}

function encodeName(name: DistinguishedName): Buffer {
  return der.sequence(...name.map(([key, value]) => der.set(der.sequence(der.oid(ATTRIBUTE[key]), der.text(value)))))
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
