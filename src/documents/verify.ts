import { createHash, X509Certificate } from 'node:crypto'
import { DocumentError } from '../errors.ts'
import type { DocumentVerification } from './document.ts'
import type { Profile } from './profiles.ts'
import type { SignerPin, TrustStore } from './trust/trust.ts'
import { decodeXml, parseXml, sameContent, type XmlElement } from './xml.ts'
import { verifyXmlSignature } from './xmldsig/engine.ts'
import { readSignature, type SignatureShape } from './xmldsig/shape.ts'

declare const verified: unique symbol
/** A document whose signature held under a trusted signer. `verifyDocument` alone makes it; a look-alike is refused. */
export interface VerifiedDocument {
  readonly [verified]: true
}

interface Evidence {
  readonly content: XmlElement
  readonly verification: DocumentVerification
}

interface TrustedSigner {
  readonly pin: SignerPin
  readonly certificate: X509Certificate
  readonly expired: boolean
}

/** What was proven, kept apart from the token that stands for it: no cast and no spread can forge an entry. */
const evidence = new WeakMap<VerifiedDocument, Evidence>()

const MIN_RSA_BITS = 2048
const MIN_RSA_EXPONENT = 65_537n

/**
 * Proves that bytes are a document of this profile, unchanged since a trusted signer signed it. The order is the
 * defence: nothing lenient sees the bytes before the strict parser, no key is used before shape, algorithms and signer
 * are settled, and nothing is read but the very text whose digest was signed.
 * @param bytes as received; a copy that went through a string or a log does not verify
 * @param at epoch seconds: the time of the fetch, the only time basis there is (the signature carries none)
 * @throws DocumentError DOC_TOO_LARGE, DOC_ENCODING, DOC_DOCTYPE, DOC_MALFORMED, DOC_UNSIGNED, DOC_SIGNATURE_SHAPE,
 *   DOC_ALGORITHM, DOC_SIGNER_UNTRUSTED, DOC_SIGNATURE_INVALID, DOC_DIGEST_MISMATCH
 * @see documents-and-signatures.md §2.4; security.md §5
 */
export function verifyDocument(bytes: Uint8Array, profile: Profile, trust: TrustStore, at: number): VerifiedDocument {
  const text = decodeXml(bytes, profile.limits)
  const root = parseXml(text, profile.limits)
  checkRoot(root, profile)
  const shape = readSignature(root, profile)
  const signer = findSigner(shape, profile, trust, at)
  checkKey(signer)
  const signedText = verifyXmlSignature(text, shape, signer.certificate.publicKey, profile)
  const content = parseXml(signedText, profile.limits)
  checkAgreement(root, content)
  return markVerified({ content, verification: describe(shape, profile, signer, at) })
}

/**
 * How the signature was verified, as plain data without a personal value.
 * @throws DocumentError DOC_SIGNATURE_INVALID when `verifyDocument` did not make the document
 */
export function describeVerification(document: VerifiedDocument): DocumentVerification {
  return evidenceOf(document).verification
}

/**
 * The signed content, for the doctypes of this room.
 * @throws DocumentError DOC_SIGNATURE_INVALID when `verifyDocument` did not make the document
 */
export function contentOf(document: VerifiedDocument): XmlElement {
  return evidenceOf(document).content
}

function evidenceOf(document: VerifiedDocument): Evidence {
  const found = evidence.get(document)
  if (!found) throw new DocumentError('DOC_SIGNATURE_INVALID', 'not a document that verifyDocument made')
  return found
}

function markVerified(proven: Evidence): VerifiedDocument {
  const document = Object.freeze({}) as VerifiedDocument
  evidence.set(document, proven)
  return document
}

function checkRoot(root: XmlElement, profile: Profile): void {
  if (root.uri !== '' || !profile.roots.includes(root.name)) {
    throw new DocumentError('DOC_MALFORMED', 'the document element is not one of this profile')
  }
}

/** The one pinned certificate in KeyInfo, wherever it stands. What else is there is neither parsed nor believed. */
function findSigner(shape: SignatureShape, profile: Profile, trust: TrustStore, at: number): TrustedSigner {
  // The fingerprint covers every byte, so a certificate with something appended is another certificate.
  const found = new Map(shape.certificates.map((der) => [sha256Hex(der), der]))
  const pinned = [...found].flatMap(([fingerprint, der]) => {
    const pin = trust.findSigner(fingerprint, profile.rail, at)
    return pin ? [{ pin, der }] : []
  })
  const [only, ...more] = pinned
  if (!only) throw untrusted('no certificate of a pinned signer that is accepted at this time')
  if (more.length > 0) throw untrusted('more than one pinned signer is named')
  return checkValidity(only.pin, new X509Certificate(only.der), at)
}

/** Before its certificate begins a signer is nobody; after its end only the pin's own grace carries it (§3.6). */
function checkValidity(pin: SignerPin, certificate: X509Certificate, at: number): TrustedSigner {
  if (at < epochSeconds(certificate.validFromDate)) throw untrusted('the signer certificate is not yet valid')
  const expired = at > epochSeconds(certificate.validToDate)
  if (expired && pin.notAcceptedAfter === undefined) throw untrusted('the signer certificate has expired')
  return { pin, certificate, expired }
}

/** XM-8: the pin says who; this says that the key is an RSA key (no other has a modulus), strong, and the one pinned. */
function checkKey({ pin, certificate }: TrustedSigner): void {
  const { publicKey } = certificate
  const { modulusLength = 0, publicExponent = 0n } = publicKey.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_RSA_BITS || publicExponent < MIN_RSA_EXPONENT) throw untrusted('the signer has a weak key')
  const spki = sha256Hex(publicKey.export({ type: 'spki', format: 'der' }))
  if (pin.spki !== undefined && pin.spki !== spki) throw untrusted('the pin names another key')
}

/** Two parsers read the document: ours, and the engine's, which canonicalised. If they differ, neither is believed. */
function checkAgreement(root: XmlElement, content: XmlElement): void {
  if (!sameContent({ ...root, children: root.children.slice(0, -1) }, content)) {
    throw new DocumentError('DOC_MALFORMED', 'the document reads differently once canonicalised')
  }
}

function describe(shape: SignatureShape, profile: Profile, signer: TrustedSigner, at: number): DocumentVerification {
  const weak = profile.weakMethods.includes(shape.signatureMethod)
  return Object.freeze({
    profile: profile.id,
    signerFingerprint: signer.pin.fingerprint,
    signerName: signer.pin.name,
    signatureAlgorithm: shape.signatureMethod,
    digestAlgorithm: shape.digestMethod,
    ...(weak ? { weakAlgorithm: shape.signatureMethod } : {}),
    ...(signer.expired ? { signerExpired: true } : {}),
    timeBasis: 'fetch',
    verifiedAt: at,
  })
}

const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const epochSeconds = (date: Date) => Math.floor(date.getTime() / 1000)
const untrusted = (message: string) => new DocumentError('DOC_SIGNER_UNTRUSTED', message)
