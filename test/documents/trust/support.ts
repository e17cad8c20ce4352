import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import { expect } from 'vitest'
import { CHECKS, type CheckId } from '../../../src/documents/checks.ts'
import { readCrl } from '../../../src/documents/trust/crl.ts'
import type { TrustFolder } from '../../../src/documents/trust/folder.ts'
import type { SignerQuestion } from '../../../src/documents/trust/signer.ts'
import { parseTrust, TrustStore } from '../../../src/documents/trust/trust.ts'
import {
  basicConstraints,
  certificatePolicies,
  extendedKeyUsage,
  KEY_USAGE,
  keyUsage,
  POLICY,
} from '../../../src/simulator/certificate.ts'
import { secondsOf } from '../fixtures.ts'

/** A refusal by exactly this check, under the code that the check has. */
export const refusedBy = (check: CheckId): unknown =>
  expect.objectContaining({ name: 'DocumentError', check, code: CHECKS[check].code })

export const NOW = secondsOf('2026-11-23T00:00:00Z')
export const RAIL = 'digilocker'
export const ORGANIZATION = 'SAMPLE CORPORATION'
export const COMMON_NAME = 'DS SAMPLE CORPORATION 1'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** Keys are slow to make and the rules do not mind sharing them: one pair for each label and size. */
const keyPairs = new Map<string, KeyPair>()
export function keysFor(label: string, modulusLength = 2048, publicExponent = 65_537): KeyPair {
  const name = `${label} ${modulusLength} ${publicExponent}`
  const known = keyPairs.get(name) ?? generateKeyPairSync('rsa', { modulusLength, publicExponent })
  keyPairs.set(name, known)
  return known
}

type NamePart = readonly [type: 'C' | 'O' | 'CN', value: string, kind?: 'teletex']
const TYPES = { C: '2.5.4.6', O: '2.5.4.10', CN: '2.5.4.3' } as const

export interface Made {
  readonly der: Uint8Array
  readonly fingerprint: string
  readonly spki: string
  readonly pem: string
  readonly serial: number
  readonly name: readonly NamePart[]
  readonly keys: KeyPair
}

export interface CertificateOptions {
  readonly name?: readonly NamePart[]
  readonly keys?: KeyPair
  /** who signs; itself if not said */
  readonly issuer?: Made | undefined
  /** what it says its issuer is called, where that differs */
  readonly issuerName?: readonly NamePart[]
  readonly notBefore?: string
  readonly notAfter?: string
  readonly serial?: number
  readonly hash?: 'SHA-1' | 'SHA-256' | 'SHA-384'
  /** DER of whole extensions, instead of the usual ones */
  readonly extensions?: readonly Buffer[]
  /** DER of whole extensions, after the usual ones */
  readonly more?: readonly Buffer[]
  readonly keyIdentifiers?: boolean
  /** whose key it says signed it, where that differs */
  readonly authorityKeys?: KeyPair
}

let lastSerial = 1000

/** Makes a certificate, however wrong. */
export async function makeCertificate(options: CertificateOptions): Promise<Made> {
  const { name = [], keys = keysFor('leaf'), issuer, hash = 'SHA-256', keyIdentifiers = true } = options
  lastSerial += 1
  const serial = options.serial ?? lastSerial
  const certificate = new pkijs.Certificate()
  certificate.version = 2
  certificate.serialNumber = new asn1js.Integer({ value: serial })
  certificate.subject = toName(name)
  certificate.issuer = toName(options.issuerName ?? issuer?.name ?? name)
  certificate.notBefore.value = new Date(options.notBefore ?? '2024-01-01T00:00:00Z')
  certificate.notAfter.value = new Date(options.notAfter ?? '2030-01-01T00:00:00Z')
  certificate.subjectPublicKeyInfo = pkijs.PublicKeyInfo.fromBER(spkiOf(keys.publicKey))
  const usual = [...(options.extensions ?? []), ...(options.more ?? [])].map((der) =>
    pkijs.Extension.fromBER(Uint8Array.from(der)),
  )
  const identifiers = keyIdentifiers ? identifiersOf(keys, options.authorityKeys ?? issuer?.keys) : []
  certificate.extensions = [...identifiers, ...usual]
  await certificate.sign(await toCryptoKey((issuer?.keys ?? keys).privateKey, hash), hash)
  return toMade(new Uint8Array(certificate.toSchema(true).toBER()), name, keys, serial)
}

export interface CrlOptions {
  readonly issuer: Made
  readonly signedBy?: KeyPair
  readonly thisUpdate?: string
  readonly nextUpdate?: string | undefined
  readonly revoked?: readonly Made[]
  readonly revokedAt?: string
  readonly hash?: 'SHA-1' | 'SHA-256'
  readonly extensions?: readonly pkijs.Extension[]
  readonly entryExtensions?: readonly pkijs.Extension[]
}

/** DER of a revocation list. */
export async function makeCrl(options: CrlOptions): Promise<Uint8Array> {
  const { issuer, signedBy = issuer.keys, revoked = [], hash = 'SHA-256', extensions = [] } = options
  const list = new pkijs.CertificateRevocationList()
  list.version = 1
  list.issuer = toName(issuer.name)
  list.thisUpdate.value = new Date(options.thisUpdate ?? '2026-11-20T00:00:00Z')
  const nextUpdate = 'nextUpdate' in options ? options.nextUpdate : '2026-11-27T00:00:00Z'
  if (nextUpdate !== undefined) list.nextUpdate = new pkijs.Time({ value: new Date(nextUpdate) })
  if (revoked.length > 0) {
    list.revokedCertificates = revoked.map(
      ({ serial }) =>
        new pkijs.RevokedCertificate({
          userCertificate: new asn1js.Integer({ value: serial }),
          revocationDate: new pkijs.Time({ value: new Date(options.revokedAt ?? '2026-11-01T00:00:00Z') }),
          ...(options.entryExtensions
            ? { crlEntryExtensions: new pkijs.Extensions({ extensions: [...options.entryExtensions] }) }
            : {}),
        }),
    )
  }
  if (extensions.length > 0) list.crlExtensions = new pkijs.Extensions({ extensions: [...extensions] })
  await list.sign(await toCryptoKey(signedBy.privateKey, hash), hash)
  return new Uint8Array(list.toSchema(true).toBER())
}

const AUTHORITY_USAGE = keyUsage(KEY_USAGE.certificateSign | KEY_USAGE.crlSign)
export const SIGNER_USAGE = keyUsage(KEY_USAGE.signature | KEY_USAGE.nonRepudiation)
const DOCUMENT_PURPOSES = extendedKeyUsage(['1.3.6.1.5.5.7.3.4', '1.3.6.1.4.1.311.10.3.12', '1.2.840.113583.1.1.5'])

export const authorityExtensions = (pathLength?: number) => [basicConstraints(true, pathLength), AUTHORITY_USAGE]
export const signerExtensions = (policies: readonly string[] = [POLICY.class2, POLICY.documentSigner]) => [
  certificatePolicies(policies),
  basicConstraints(false),
  DOCUMENT_PURPOSES,
  SIGNER_USAGE,
]
export const named = (commonName: string, organization = 'Sample PKI'): readonly NamePart[] => [
  ['C', 'IN'],
  ['O', organization],
  ['CN', commonName],
]

/** A path as India PKI has it: root → CA (pathlen 1) → sub-CA (pathlen 0) → document signer. */
export interface Chain {
  readonly root: Made
  readonly ca: Made
  readonly subCa: Made
  readonly leaf: Made
}

/** The usual path, but for what is said otherwise. */
export async function makeChain(but: { [K in keyof Chain]?: CertificateOptions } = {}): Promise<Chain> {
  const authority = (label: string, pathLength?: number) => ({
    name: named(`Sample ${label}`),
    keys: keysFor(label),
    extensions: authorityExtensions(pathLength),
    notAfter: '2032-01-01T00:00:00Z',
  })
  const root = await makeCertificate({ ...authority('root'), ...but.root })
  const ca = await makeCertificate({ ...authority('CA', 1), issuer: root, ...but.ca })
  const subCa = await makeCertificate({ ...authority('sub-CA', 0), issuer: ca, ...but.subCa })
  return { root, ca, subCa, leaf: await makeLeaf({ issuer: subCa, ...but.leaf }) }
}

export const makeLeaf = (options: CertificateOptions) =>
  makeCertificate({ name: named(COMMON_NAME, ORGANIZATION), extensions: signerExtensions(), ...options })

export const certificatesOf = ({ leaf, subCa, ca, root }: Chain) => [leaf, root, ca, subCa].map(({ der }) => der)

export const SUBJECT_RULE = {
  id: 'sample',
  organization: ORGANIZATION,
  commonNames: [COMMON_NAME],
  reason: 'test',
}

/** As a file would have it, checked as a file is. */
export function trustIn(data: object, folder: { [K in keyof TrustFolder]?: readonly Uint8Array[] } = {}): TrustStore {
  const { certificates = [], lists = [] } = folder
  const parsed = lists.flatMap((der) => readCrl(der) ?? [])
  expect(parsed.length).toBe(lists.length)
  return new TrustStore([parseTrust({ signers: [], ...data }, 'test')], { certificates, lists: parsed })
}

export const anchorOf = ({ fingerprint }: Made, more: object = {}) => ({ fingerprint, name: 'Sample root', ...more })

export const pinOf = ({ fingerprint, spki }: Made, more: object = {}) => ({
  fingerprint,
  spki,
  name: 'Pinned signer',
  notAfter: '2030-01-01T00:00:00Z',
  reason: 'test',
  ...more,
})

export const ask = (certificates: readonly Uint8Array[], more: Partial<SignerQuestion> = {}): SignerQuestion => ({
  certificates,
  rail: RAIL,
  timePolicy: 'fetch',
  fetchedAt: NOW,
  ...more,
})

/** An extension that this product has never heard of. */
export function rawExtension(id: string, value: Uint8Array, critical: boolean): pkijs.Extension {
  return new pkijs.Extension({ extnID: id, critical, extnValue: Uint8Array.from(value).buffer })
}

export const derOf = (extension: pkijs.Extension) => Buffer.from(extension.toSchema().toBER())

function toMade(der: Uint8Array, name: readonly NamePart[], keys: KeyPair, serial: number): Made {
  const body = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')
  const pem = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
  return { der, fingerprint: sha256(der), spki: sha256(spkiOf(keys.publicKey)), pem, serial, name, keys }
}

function toName(parts: readonly NamePart[]): pkijs.RelativeDistinguishedNames {
  const typesAndValues = parts.map(
    ([type, value, kind]) => new pkijs.AttributeTypeAndValue({ type: TYPES[type], value: toText(value, kind) }),
  )
  const sets = typesAndValues.map((part) => new asn1js.Set({ value: [part.toSchema()] }))
  return pkijs.RelativeDistinguishedNames.fromBER(new asn1js.Sequence({ value: sets }).toBER())
}

function toText(value: string, kind?: 'teletex'): asn1js.Utf8String | asn1js.TeletexString {
  return kind === 'teletex' ? new asn1js.TeletexString({ value }) : new asn1js.Utf8String({ value })
}

function identifiersOf(keys: KeyPair, issuer: KeyPair | undefined): pkijs.Extension[] {
  const own = new asn1js.OctetString({ valueHex: keyId(keys) })
  const authority =
    issuer && new pkijs.AuthorityKeyIdentifier({ keyIdentifier: new asn1js.OctetString({ valueHex: keyId(issuer) }) })
  return [
    new pkijs.Extension({ extnID: '2.5.29.14', extnValue: own.toBER() }),
    ...(authority ? [new pkijs.Extension({ extnID: '2.5.29.35', extnValue: authority.toSchema().toBER() })] : []),
  ]
}

const keyId = ({ publicKey }: KeyPair) =>
  Uint8Array.from(Buffer.from(sha256(spkiOf(publicKey)), 'hex').subarray(0, 8)).buffer
const spkiOf = (publicKey: KeyObject) => Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function toCryptoKey(privateKey: KeyObject, hash: string): Promise<CryptoKey> {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  return crypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), { name: 'RSASSA-PKCS1-v1_5', hash }, false, ['sign'])
}
