import { DocumentError } from '../errors.ts'
import { agreedContent } from './agreement.ts'
import { refusal } from './checks.ts'
import type { DocumentVerification } from './document.ts'
import type { Profile } from './profiles.ts'
import { secondOpinion } from './second-opinion.ts'
import { signingTimeOf } from './signing-time.ts'
import { readCanonical } from './strict/canonical-reader.ts'
import { checkStrictly, readStrictly, type StrictReading } from './strict/verify.ts'
import type { AcceptedSigner, SignerQuestion } from './trust/signer.ts'
import type { XmlElement } from './xml.ts'

declare const verified: unique symbol
/** A document whose signature held under a trusted signer. `verifyDocument` alone makes it; a look-alike is refused. */
export interface VerifiedDocument {
  readonly [verified]: true
}

/** Whom to believe; `TrustStore` is the one there is. */
export interface Trust {
  acceptSigner(question: SignerQuestion): Promise<AcceptedSigner>
}

export interface VerifyOptions {
  readonly profile: Profile
  readonly trust: Trust
  /** epoch seconds: the time of the fetch */
  readonly at: number
  /** whether `xml-crypto` must agree; true unless said otherwise */
  readonly crossCheck?: boolean
}

interface Evidence {
  /** the bytes that were digested: nothing else of the document is kept, and fields are read from nothing else */
  readonly canonical: Uint8Array
  readonly verification: () => DocumentVerification
  content: XmlElement | undefined
}

/** What was proven, where no cast and no spread can put it: in a private field of a class that nobody else can reach. */
class Proven {
  readonly #evidence: Evidence
  constructor(proven: Evidence) {
    this.#evidence = proven
  }

  static {
    // Else a document would lead to its maker.
    Reflect.deleteProperty(Proven.prototype, 'constructor')
  }

  static evidenceOf(document: object): Evidence {
    if (#evidence in document) return document.#evidence
    throw new DocumentError('DOC_SIGNATURE_INVALID', 'not a document that verifyDocument made')
  }
}

/**
 * Proves that bytes are a document of this profile, unchanged since a trusted signer signed it. The order is the
 * defence: one strict pass over the bytes before anything lenient, no key before shape, algorithms and signer are
 * settled, and nothing is read but the very bytes whose digest was signed. Then a second, independent verifier must
 * come to the same verdict, the same canonical bytes and the same content.
 * @param bytes as received; a copy that went through a string or a log does not verify
 * @throws DocumentError whose `check` names the check of `checks.ts` that refused; anything unexpected is
 *   DOC_VERIFIER_FAILED, a refusal like any other
 * @see documents-and-signatures.md §2.4; security.md §5
 */
export async function verifyDocument(bytes: Uint8Array, options: VerifyOptions): Promise<VerifiedDocument> {
  try {
    return await prove(bytes, options)
  } catch (error) {
    if (error instanceof DocumentError) throw error
    throw new DocumentError('DOC_VERIFIER_FAILED', 'the verifier itself failed', { cause: error })
  }
}

async function prove(bytes: Uint8Array, options: VerifyOptions): Promise<VerifiedDocument> {
  const { profile, trust, at, crossCheck = true } = options
  const reading = readStrictly(bytes, profile)
  const signer = await trust.acceptSigner({
    certificates: reading.shape.certificates,
    rail: profile.rail,
    timePolicy: profile.timePolicy,
    fetchedAt: at,
    signedAt: signingTimeOf(reading.content, profile),
  })
  const content = crossCheck ? agree(bytes, reading, signer, profile) : undefined
  if (!crossCheck) checkStrictly(reading, signer.key)
  const verification = () => describe(reading, profile, signer, at, crossCheck)
  return new Proven({ canonical: reading.content, verification, content }) as unknown as VerifiedDocument
}

/**
 * How the signature was verified, as plain data without a personal value.
 * @throws DocumentError DOC_SIGNATURE_INVALID when `verifyDocument` did not make the document
 */
export function describeVerification(document: VerifiedDocument): DocumentVerification {
  return Proven.evidenceOf(document).verification()
}

/**
 * The signed content, for the doctypes of this room.
 * @throws DocumentError DOC_SIGNATURE_INVALID when `verifyDocument` did not make the document
 */
export function contentOf(document: VerifiedDocument): XmlElement {
  const proven = Proven.evidenceOf(document)
  proven.content ??= readCanonical(proven.canonical)
  return proven.content
}

/**
 * Both verifiers, and what each saw, must be the same; otherwise neither is believed.
 * @throws DocumentError signature.* when both refuse; agreement.* when they differ
 */
function agree(bytes: Uint8Array, reading: StrictReading, { key }: AcceptedSigner, profile: Profile): XmlElement {
  const refused = refusalOf(() => checkStrictly(reading, key))
  // Refused is refused; a second look could only tell a fault of ours, and is not worth what a hostile document can cost.
  if (refused && !isOrdinary(reading)) throw refused
  const second = attempt(() => secondOpinion(bytes, key, profile))
  if (refused && second instanceof DocumentError) throw refused
  if (refused || second instanceof DocumentError) throw refusal('agreement.verdict')
  return agreedContent(reading.content, second)
}

/** As big as genuine documents are, photograph included; the engine's XPath is quadratic in the elements. */
function isOrdinary({ content, elements }: StrictReading): boolean {
  return content.length <= 512 * 1024 && elements <= 300
}

function refusalOf(check: () => void): DocumentError | undefined {
  const result = attempt(check)
  return result instanceof DocumentError ? result : undefined
}

function attempt<T>(work: () => T): T | DocumentError {
  try {
    return work()
  } catch (error) {
    if (error instanceof DocumentError) return error
    throw error
  }
}

function describe(
  { shape }: StrictReading,
  profile: Profile,
  signer: AcceptedSigner,
  at: number,
  crossChecked: boolean,
): DocumentVerification {
  const weak = profile.weakMethods.includes(shape.signatureMethod)
  return Object.freeze({
    profile: profile.id,
    signerFingerprint: signer.fingerprint,
    signerName: signer.name,
    signerBasis: signer.basis,
    chain: signer.chain,
    revocation: signer.revocation,
    signatureAlgorithm: shape.signatureMethod,
    digestAlgorithm: shape.digestMethod,
    canonicalization: shape.canonicalization,
    ...(weak ? { weakAlgorithm: shape.signatureMethod } : {}),
    ...(signer.expired ? { signerExpired: true } : {}),
    timeBasis: signer.timeBasis,
    judgedAt: signer.judgedAt,
    crossChecked,
    reasons: reasonsOf(weak, signer, crossChecked),
    verifiedAt: at,
  })
}

/** What a reviewer should know about a check that held, as stable codes. */
function reasonsOf(weak: boolean, signer: AcceptedSigner, crossChecked: boolean): readonly string[] {
  return Object.freeze([
    signer.basis === 'pin' ? 'signer-pinned' : 'signer-named-and-path-valid',
    ...(signer.chain.length > 1 ? [] : ['path-not-built']),
    ...(signer.expired ? ['signer-ended-tolerated'] : []),
    ...(signer.revocation === 'good' ? [] : ['revocation-unchecked']),
    ...(weak ? ['weak-signature-method'] : []),
    ...(crossChecked ? [] : ['not-cross-checked']),
  ])
}
