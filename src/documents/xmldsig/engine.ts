import type { KeyObject } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { DocumentError } from '../../errors.ts'
import { ENVELOPED, type Profile } from '../profiles.ts'
import type { SignatureShape } from './shape.ts'

/**
 * Verifies SignedInfo and its one Reference under a key that the caller already trusts.
 * @param text the whole document, well-formed by the strict parser
 * @returns the canonical text that was digested: the only text from which anything may be read
 * @throws DocumentError DOC_DIGEST_MISMATCH, DOC_SIGNATURE_INVALID
 * @see XMLDSig 1.1 §3.2; performance.md §1 (why never the original DOM)
 */
export function verifyXmlSignature(text: string, shape: SignatureShape, key: KeyObject, profile: Profile): string {
  const signed = new SignedXml({ publicCert: key, getCertFromKeyInfo: () => null })
  allowOnly(signed, profile)
  if (!holds(signed, text, shape)) throw new DocumentError('DOC_DIGEST_MISMATCH', 'the content was changed')
  const [content, ...more] = signed.getSignedReferences()
  if (content === undefined || more.length > 0) {
    throw new DocumentError('DOC_SIGNATURE_SHAPE', 'not exactly one signed reference')
  }
  return content
}

/** References are digested first: false is a digest that differs, a throw is a signature that does not hold. */
function holds(signed: SignedXml, text: string, { element }: SignatureShape): boolean {
  try {
    signed.loadSignature(text.slice(element.start, element.end))
    return signed.checkSignature(text)
  } catch {
    // The library's message quotes the document, so it does not become our cause.
    throw new DocumentError('DOC_SIGNATURE_INVALID', 'the signature does not hold under the pinned key')
  }
}

/** The engine knows more algorithms than the profile allows; take them away, so that no parser quirk can reach them. */
function allowOnly(signed: SignedXml, profile: Profile): void {
  const transforms = [ENVELOPED, ...profile.canonicalizations, ...profile.contentTransforms]
  signed.SignatureAlgorithms = pick(signed.SignatureAlgorithms, Object.keys(profile.signatureMethods))
  signed.HashAlgorithms = pick(signed.HashAlgorithms, Object.keys(profile.digestMethods))
  signed.CanonicalizationAlgorithms = pick(signed.CanonicalizationAlgorithms, transforms)
}

function pick<T>(table: Record<string, T>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(table).filter(([name]) => names.includes(name)))
}
