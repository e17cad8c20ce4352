import { constants, type KeyObject, verify } from 'node:crypto'
import * as asn1js from 'asn1js'
import { type AlgorithmIdentifier, RSASSAPSSParams } from 'pkijs'
import { type DigestName, PdfFault } from './verdict.ts'

/** How a signature is checked, with its digest: part of the name, so that no two can be mixed. */
export interface SignatureScheme {
  readonly kind: 'rsa-pkcs1' | 'rsa-pss' | 'ecdsa'
  readonly digest: DigestName
  /** bytes; `rsa-pss` only */
  readonly saltLength?: number | undefined
}

const SHA1 = '1.3.14.3.2.26'
const DIGESTS: Readonly<Record<string, DigestName>> = {
  [SHA1]: 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'
/** RFC 8017 §A.2.4 and RFC 5758 §3.2; SHA-1 is known here so that it can be named as the reason. */
const SIGNATURES: Readonly<Record<string, SignatureScheme>> = {
  '1.2.840.113549.1.1.5': { kind: 'rsa-pkcs1', digest: 'sha1' },
  '1.2.840.113549.1.1.11': { kind: 'rsa-pkcs1', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { kind: 'rsa-pkcs1', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { kind: 'rsa-pkcs1', digest: 'sha512' },
  '1.2.840.10045.4.1': { kind: 'ecdsa', digest: 'sha1' },
  '1.2.840.10045.4.3.2': { kind: 'ecdsa', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { kind: 'ecdsa', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { kind: 'ecdsa', digest: 'sha512' },
}
const CURVES = new Set(['prime256v1', 'secp384r1'])

/** @throws PdfFault digest_unsupported */
export function digestOf(oid: string): DigestName {
  const digest = Object.hasOwn(DIGESTS, oid) ? DIGESTS[oid] : undefined
  if (!digest) throw new PdfFault('digest_unsupported')
  return digest
}

/**
 * @param digest of the SignerInfo; a signature algorithm that names another one is refused
 * @throws PdfFault signature_algorithm_unsupported
 * @see RFC 3370 §3.2 (rsaEncryption takes the digest of the SignerInfo); RFC 4056 §3 (PSS)
 */
export function schemeOf(identifier: AlgorithmIdentifier, digest: DigestName): SignatureScheme {
  const { algorithmId } = identifier
  if (algorithmId === RSA_ENCRYPTION) return { kind: 'rsa-pkcs1', digest }
  if (algorithmId === RSASSA_PSS) return pssScheme(identifier, digest)
  const scheme = Object.hasOwn(SIGNATURES, algorithmId) ? SIGNATURES[algorithmId] : undefined
  if (scheme?.digest !== digest) throw new PdfFault('signature_algorithm_unsupported')
  return scheme
}

/** One digest for message and mask; anything else is allowed by the RFC and made by nobody. */
function pssScheme(identifier: AlgorithmIdentifier, digest: DigestName): SignatureScheme {
  if (!(identifier.algorithmParams instanceof asn1js.Sequence)) throw new PdfFault('signature_algorithm_unsupported')
  const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = new RSASSAPSSParams({
    schema: identifier.algorithmParams,
  })
  const mask = maskGenAlgorithm.algorithmParams
  const maskDigest = mask instanceof asn1js.Sequence ? mask.valueBlock.value[0] : undefined
  const isPlain =
    DIGESTS[hashAlgorithm.algorithmId] === digest &&
    maskGenAlgorithm.algorithmId === MGF1 &&
    maskDigest instanceof asn1js.ObjectIdentifier &&
    maskDigest.getValue() === hashAlgorithm.algorithmId &&
    trailerField === 1
  if (!isPlain) throw new PdfFault('signature_algorithm_unsupported')
  return { kind: 'rsa-pss', digest, saltLength }
}

/**
 * Whether `signature` over `data` was made with this key, under exactly this scheme. How long a key must be is for trust.
 * @throws PdfFault signature_algorithm_unsupported (the key is of another kind), signature_invalid
 */
export function checkSignature(scheme: SignatureScheme, key: KeyObject, data: Uint8Array, signature: Uint8Array): void {
  if (!fits(scheme, key)) throw new PdfFault('signature_algorithm_unsupported')
  if (!verify(scheme.digest, data, { key, ...paddingOf(scheme) }, signature)) throw new PdfFault('signature_invalid')
}

function fits({ kind }: SignatureScheme, key: KeyObject): boolean {
  if (kind === 'ecdsa') {
    return key.asymmetricKeyType === 'ec' && CURVES.has(key.asymmetricKeyDetails?.namedCurve ?? '')
  }
  return key.asymmetricKeyType === 'rsa' || (kind === 'rsa-pss' && key.asymmetricKeyType === 'rsa-pss')
}

function paddingOf({ kind, saltLength }: SignatureScheme) {
  if (kind === 'rsa-pkcs1') return { padding: constants.RSA_PKCS1_PADDING }
  if (kind === 'rsa-pss') return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength ?? 0 }
  return { dsaEncoding: 'der' as const }
}
