import type { KeyObject } from 'node:crypto'
import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import { refusal } from '../checks.ts'
import { ENVELOPED, type Profile, XMLDSIG } from '../profiles.ts'
import type { SignatureShape } from './shape.ts'

type SignaturePlace = Pick<SignatureShape, 'element'>

/**
 * Verifies SignedInfo and its one Reference under a key that the caller already trusts.
 * @param text the whole document, well-formed by the strict parser
 * @returns the canonical text that was digested: the only text from which anything may be read
 * @throws DocumentError DOC_DIGEST_MISMATCH, DOC_SIGNATURE_INVALID
 * @see XMLDSig 1.1 §3.2; performance.md §1 (why never the original DOM)
 */
export function verifyXmlSignature(text: string, shape: SignaturePlace, key: KeyObject, profile: Profile): string {
  const signed = new SignedXml({ publicCert: key, getCertFromKeyInfo: () => null })
  allowOnly(signed, profile)
  if (!holds(signed, text, shape)) throw refusal('signature.digest')
  // Without any it is empty, and agrees with nothing.
  const [content = '', ...more] = signed.getSignedReferences()
  if (more.length > 0) throw refusal('shape.reference')
  return content
}

/** References are digested first: false is a digest that differs, a throw is a signature that does not hold. */
function holds(signed: SignedXml, text: string, { element }: SignaturePlace): boolean {
  try {
    signed.loadSignature(signatureNode(text, element))
    return signed.checkSignature(text)
  } catch {
    // The library's message quotes the document, so it does not become our cause.
    throw refusal('signature.value')
  }
}

/**
 * The signature as the engine takes it. As text it costs one parse less; but where namespaces are declared above it, its
 * prefixes may be theirs, and only the whole document knows them.
 */
function signatureNode(text: string, { start, end }: SignaturePlace['element']): string | Node {
  if (!/\sxmlns[:=]/.test(text.slice(0, start))) return text.slice(start, end)
  const document = new DOMParser().parseFromString(text, 'text/xml')
  // `soleSignature` saw to it that there is one, and where.
  return document.getElementsByTagNameNS(XMLDSIG, 'Signature').item(0) as unknown as Node
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
