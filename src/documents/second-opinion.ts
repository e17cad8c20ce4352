import type { KeyObject } from 'node:crypto'
import { refusal } from './checks.ts'
import type { Profile } from './profiles.ts'
import { decodeXml, parseXml, type XmlElement } from './xml.ts'
import { verifyXmlSignature } from './xmldsig/engine.ts'
import { readSignature, soleSignature } from './xmldsig/shape.ts'

/** What the second verifier saw. It shares the policy of the first, and neither a parser nor a canonicaliser with it. */
export interface SecondOpinion {
  /** the canonical text that `xml-crypto` digested */
  readonly canonical: string
  /** the content as `saxes` reads it in the received bytes, without the signature */
  readonly content: XmlElement
}

/**
 * Verifies a document a second time with other people's code: `saxes` reads, `xml-crypto` over `@xmldom/xmldom`
 * canonicalises and checks. Parser differentials are how XML signatures are broken; two that must agree leave none.
 * @throws DocumentError bytes.*, shape.*, algorithm.*, signature.*
 * @see performance.md §1 (security posture of the libraries)
 */
export function secondOpinion(bytes: Uint8Array, key: KeyObject, profile: Profile): SecondOpinion {
  const text = decodeXml(bytes, profile.limits)
  const root = parseXml(text, profile.limits)
  if (root.uri !== '' || !profile.roots.includes(root.name)) throw refusal('shape.root')
  const signature = soleSignature(root)
  const shape = readSignature(signature, profile)
  const canonical = verifyXmlSignature(text, shape, key, profile)
  return { canonical, content: { ...root, children: root.children.slice(0, -1) } }
}
