import { execFileSync } from 'node:child_process'
import { constants, createHash, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'

export interface CmsSigner {
  readonly certificateDer: Buffer
  readonly privateKey: KeyObject
}

export const OID = {
  data: '1.2.840.113549.1.7.1',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  md5: '1.2.840.113549.2.5',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  pss: '1.2.840.113549.1.1.10',
  mgf1: '1.2.840.113549.1.1.8',
  ecdsaSha256: '1.2.840.10045.4.3.2',
  ecdsaSha384: '1.2.840.10045.4.3.3',
} as const

export type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'md5'
export interface CmsOptions {
  readonly digest?: Digest
  /** what the CMS says about the signature */
  readonly signatureAlgorithm?: pkijs.AlgorithmIdentifier
  /** how it is really made */
  readonly padding?: { readonly padding?: number; readonly saltLength?: number }
  /** the bag, DER; default the signer alone */
  readonly certificates?: readonly Uint8Array[]
  /** the certificate that the SignerInfo names; default the signer's */
  readonly names?: Uint8Array
  readonly byKeyId?: boolean
  /** changes the signed attributes; without any, none are put in */
  readonly attributes?: (usual: pkijs.Attribute[]) => pkijs.Attribute[]
  readonly contentType?: string
  readonly content?: Buffer
  readonly signers?: number
}

export const hashOf = (digest: string, data: Uint8Array) => createHash(digest).update(data).digest()
export const octets = (bytes: Uint8Array) => new asn1js.OctetString({ valueHex: Uint8Array.from(bytes) })
export const attribute = (type: string, ...values: asn1js.BaseBlock[]) => new pkijs.Attribute({ type, values })
export const algorithm = (algorithmId: string, algorithmParams?: asn1js.BaseBlock) =>
  new pkijs.AlgorithmIdentifier(algorithmParams ? { algorithmId, algorithmParams } : { algorithmId })

/** RFC 5035 §3: the hash of the signer's certificate, with an algorithm only where it is not SHA-256. */
export function signingCertificateV2(certificate: Uint8Array, digest: 'sha256' | 'sha512' = 'sha256'): pkijs.Attribute {
  const hash = octets(hashOf(digest, certificate))
  const named = digest === 'sha256' ? [hash] : [algorithm(OID[digest]).toSchema(), hash]
  return attribute(OID.signingCertificateV2, nested(named))
}
/** With something else where the algorithm of the hash should stand. */
export const signingCertificateV2By = (algorithmName: asn1js.BaseBlock) =>
  attribute(
    OID.signingCertificateV2,
    nested([new asn1js.Sequence({ value: [algorithmName] }), octets(Buffer.alloc(32))]),
  )
export const signingCertificateV1 = (certificate: Uint8Array) =>
  attribute(OID.signingCertificate, nested([octets(hashOf('sha1', certificate))]))

/** SigningCertificate ⊃ certs ⊃ ESSCertID */
function nested(identifier: asn1js.BaseBlock[]): asn1js.Sequence {
  const sequence = (value: asn1js.BaseBlock[]) => new asn1js.Sequence({ value })
  return sequence([sequence([sequence(identifier)])])
}

export function pssAlgorithm(digest: 'sha256' | 'sha384', saltLength: number, mask: Digest = digest) {
  const params = new asn1js.Sequence({
    value: [
      tagged(0, algorithm(OID[digest]).toSchema()),
      tagged(1, algorithm(OID.mgf1, algorithm(OID[mask]).toSchema()).toSchema()),
      tagged(2, new asn1js.Integer({ value: saltLength })),
    ],
  })
  return algorithm(OID.pss, params)
}
const tagged = (tagNumber: number, value: asn1js.BaseBlock) =>
  new asn1js.Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [value] })

/** A CMS by pkijs, of any shape: also of those that no honest signer makes, with a signature that holds. */
export function makeCms(signer: CmsSigner, covered: Uint8Array, options: CmsOptions = {}): Buffer {
  const digest = options.digest ?? 'sha256'
  const usual = [
    attribute(OID.contentType, new asn1js.ObjectIdentifier({ value: OID.data })),
    attribute(OID.signingTime, new asn1js.UTCTime({ valueDate: new Date('2026-11-20T10:00:00Z') })),
    attribute(OID.messageDigest, octets(hashOf(digest, covered))),
  ]
  const attributes = (options.attributes ?? ((all) => all))(usual)
  const signerInfo = new pkijs.SignerInfo({
    version: 1,
    sid: signerId(options.names ?? signer.certificateDer, options.byKeyId ?? false),
    digestAlgorithm: algorithm(OID[digest], new asn1js.Null()),
    signatureAlgorithm: options.signatureAlgorithm ?? algorithm(OID.rsaEncryption, new asn1js.Null()),
    ...(attributes.length > 0 ? { signedAttrs: new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes }) } : {}),
  })
  const toSign = signerInfo.signedAttrs ? setOf(signerInfo.signedAttrs) : covered
  signerInfo.signature = octets(sign(digest, toSign, { key: signer.privateKey, ...options.padding }))
  return wrap(
    signer,
    Array.from({ length: options.signers ?? 1 }, () => signerInfo),
    options,
  )
}

function wrap(signer: CmsSigner, signerInfos: pkijs.SignerInfo[], options: CmsOptions): Buffer {
  const encapContentInfo = new pkijs.EncapsulatedContentInfo({ eContentType: options.contentType ?? OID.data })
  // Set late: the constructor would cut it into parts, which is BER.
  if (options.content) encapContentInfo.eContent = octets(options.content)
  const signedData = new pkijs.SignedData({
    version: 1,
    digestAlgorithms: [algorithm(OID[options.digest ?? 'sha256'], new asn1js.Null())],
    encapContentInfo,
    certificates: (options.certificates ?? [signer.certificateDer]).map((der) =>
      pkijs.Certificate.fromBER(Uint8Array.from(der)),
    ),
    signerInfos,
  })
  const content = new pkijs.ContentInfo({
    contentType: pkijs.ContentInfo.SIGNED_DATA,
    content: signedData.toSchema(true),
  })
  return Buffer.from(content.toSchema().toBER())
}

function signerId(der: Uint8Array, byKeyId: boolean) {
  const certificate = pkijs.Certificate.fromBER(Uint8Array.from(der))
  if (!byKeyId) {
    return new pkijs.IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber })
  }
  const extension = certificate.extensions?.find(({ extnID }) => extnID === '2.5.29.14')?.parsedValue
  return new asn1js.Primitive({
    idBlock: { tagClass: 3, tagNumber: 0 },
    valueHex: Uint8Array.from(extension.valueBlock.valueHexView),
  })
}

/** RFC 5652 §5.4: what is signed is the SET, whatever tag stands in the message. */
function setOf(attributes: pkijs.SignedAndUnsignedAttributes): Buffer {
  const der = Buffer.from(attributes.toSchema().toBER())
  der[0] = 0x31
  return der
}

export const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING }

/** Whether a program is on the PATH: an independent maker or judge is used where there is one. */
export function hasProgram(name: string, argument: string): boolean {
  try {
    execFileSync(name, [argument], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A CMS by openssl, which shares no code with us or with pkijs. */
export function opensslCms(signer: CmsSigner, covered: Uint8Array, ...extra: string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'dwar-pdf-'))
  const file = (name: string) => join(folder, name)
  const pem = `-----BEGIN CERTIFICATE-----\n${signer.certificateDer.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  try {
    writeFileSync(file('data'), covered)
    writeFileSync(file('signer.pem'), pem)
    writeFileSync(file('key.pem'), signer.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const inputs = ['-in', file('data'), '-signer', file('signer.pem'), '-inkey', file('key.pem')]
    execFileSync('openssl', ['cms', '-sign', '-binary', ...inputs, '-outform', 'DER', '-out', file('cms'), ...extra])
    return readFileSync(file('cms'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
