import * as asn1js from 'asn1js'
import { type Attribute, ContentInfo, SignedData, type SignerInfo } from 'pkijs'
import { digestOf, type SignatureScheme, schemeOf } from './algorithms.ts'
import { derWithoutPadding } from './der.ts'
import { type DigestName, PdfFault, type PdfLimits } from './verdict.ts'

/** What a CMS says, checked for shape. Nothing in it is proven yet. */
export interface CmsSignature {
  /** DER, in the order of the bag, which means nothing */
  readonly certificates: readonly Uint8Array<ArrayBuffer>[]
  /** which of them signed, by the word of the CMS */
  readonly signerId: SignerInfo['sid']
  readonly digest: DigestName
  readonly scheme: SignatureScheme
  /** DER of the SET, the bytes that the signature signs (RFC 5652 §5.4) */
  readonly signedAttributes: Uint8Array
  readonly messageDigest: Uint8Array
  readonly signature: Uint8Array
  /** epoch seconds, by the signer's clock */
  readonly signingTime?: number | undefined
  readonly signingCertificates: readonly CertificateHash[]
}

/** A signed hash of the signer's certificate: against exchanging it for another one with the same key. */
export interface CertificateHash {
  readonly version: 1 | 2
  readonly digest: DigestName
  readonly hash: Uint8Array
}

const DATA = '1.2.840.113549.1.7.1'
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNING_TIME = '1.2.840.113549.1.9.5'
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
/** Room for a revocation list among the signed attributes, as Adobe puts it there. */
const PARSER_LIMITS = { maxNodes: 50_000, maxDepth: 40, parseEmbedded: false }

/**
 * Reads a detached CMS SignedData with one signer.
 * @param contents binary value of Contents, zero padding included
 * @throws PdfFault cms_*, signed_attributes_*, content_type_wrong, digest_unsupported, signature_algorithm_unsupported,
 *   too_many_certificates
 * @see RFC 5652 §5, §11; ISO 32000-1 §12.8.3.3
 */
export function readCms(contents: Uint8Array, limits: PdfLimits): CmsSignature {
  const der = derWithoutPadding(contents)
  try {
    return readSignedData(der, limits)
  } catch (cause) {
    if (cause instanceof PdfFault) throw cause
    throw new PdfFault('cms_malformed', { cause })
  }
}

function readSignedData(der: Uint8Array, limits: PdfLimits): CmsSignature {
  const { result } = asn1js.fromBER(Uint8Array.from(der), PARSER_LIMITS)
  const { contentType, content } = new ContentInfo({ schema: result })
  if (contentType !== SIGNED_DATA || !(content instanceof asn1js.Sequence)) throw new PdfFault('cms_malformed')
  // Taken as they stand before pkijs reads them: a certificate written anew might have another fingerprint.
  const certificates = rawCertificates(content)
  if (certificates.length > limits.maxCertificates) throw new PdfFault('too_many_certificates')
  const { encapContentInfo, signerInfos } = new SignedData({ schema: content })
  if (encapContentInfo.eContent) throw new PdfFault('cms_not_detached')
  if (encapContentInfo.eContentType !== DATA) throw new PdfFault('content_type_wrong')
  const [signer, another] = signerInfos
  if (!signer || another) throw new PdfFault('cms_signer_count')
  return { certificates, ...readSigner(signer) }
}

/** The `[0]` of SignedData; other kinds of certificate than X.509 in it are no candidates. */
function rawCertificates(signedData: asn1js.Sequence): readonly Uint8Array<ArrayBuffer>[] {
  const bag = signedData.valueBlock.value.find(({ idBlock }) => idBlock.tagClass === 3 && idBlock.tagNumber === 0)
  if (!(bag instanceof asn1js.Constructed)) return []
  return bag.valueBlock.value
    .filter((item) => item instanceof asn1js.Sequence)
    .map(({ valueBeforeDecodeView }) => Uint8Array.from(valueBeforeDecodeView))
}

function readSigner(signer: SignerInfo): Omit<CmsSignature, 'certificates'> {
  if (!signer.signedAttrs) throw new PdfFault('signed_attributes_missing')
  const attributes = attributesByType(signer.signedAttrs.attributes)
  const contentType = attributes.get(CONTENT_TYPE)
  if (!(contentType instanceof asn1js.ObjectIdentifier)) throw new PdfFault('signed_attributes_malformed')
  if (contentType.getValue() !== DATA) throw new PdfFault('content_type_wrong')
  const digest = digestOf(signer.digestAlgorithm.algorithmId)
  return {
    signerId: signer.sid,
    digest,
    scheme: schemeOf(signer.signatureAlgorithm, digest),
    signedAttributes: new Uint8Array(signer.signedAttrs.encodedValue),
    messageDigest: octets(attributes.get(MESSAGE_DIGEST)),
    signature: octets(signer.signature),
    signingTime: timeOf(attributes.get(SIGNING_TIME)),
    signingCertificates: [
      ...certificateHash(1, attributes.get(SIGNING_CERTIFICATE)),
      ...certificateHash(2, attributes.get(SIGNING_CERTIFICATE_V2)),
    ],
  }
}

/** Two of one type, or two values in one, are a choice left to the reader, so they are refused (RFC 5652 §11). */
function attributesByType(attributes: readonly Attribute[]): ReadonlyMap<string, unknown> {
  const byType = new Map<string, unknown>()
  for (const { type, values } of attributes) {
    const [value] = values
    const mayRepeat = !SINGLE.has(type)
    if (!mayRepeat && (byType.has(type) || values.length !== 1)) throw new PdfFault('signed_attributes_malformed')
    byType.set(type, value)
  }
  return byType
}
const SINGLE = new Set([CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2])

function octets(value: unknown): Uint8Array {
  if (!(value instanceof asn1js.OctetString)) throw new PdfFault('signed_attributes_malformed')
  return Uint8Array.from(value.valueBlock.valueHexView)
}

/** A claim only, so a time that cannot be read is no time, and no reason against the signature. */
function timeOf(value: unknown): number | undefined {
  if (!(value instanceof asn1js.UTCTime) && !(value instanceof asn1js.GeneralizedTime)) return undefined
  const seconds = Math.floor(value.toDate().getTime() / 1000)
  return Number.isFinite(seconds) ? seconds : undefined
}

/** The first ESSCertID(v2), which is the signer's; those after it limit the path and are not used (RFC 5035 §3, §4). */
function certificateHash(version: 1 | 2, attribute: unknown): readonly CertificateHash[] {
  if (attribute === undefined) return []
  const identifiers = childrenOf(attribute)[0]
  const [first, second] = childrenOf(childrenOf(identifiers)[0])
  if (version === 2 && first instanceof asn1js.Sequence) {
    const [algorithm] = childrenOf(first)
    return [{ version, digest: digestNamed(algorithm), hash: octets(second) }]
  }
  return [{ version, digest: version === 1 ? 'sha1' : 'sha256', hash: octets(first) }]
}

function childrenOf(value: unknown): readonly unknown[] {
  if (!(value instanceof asn1js.Sequence)) throw new PdfFault('signed_attributes_malformed')
  return value.valueBlock.value
}

function digestNamed(value: unknown): DigestName {
  if (!(value instanceof asn1js.ObjectIdentifier)) throw new PdfFault('signed_attributes_malformed')
  return digestOf(value.getValue())
}
