import { refusal } from './checks.ts'
import type { SecondOpinion } from './second-opinion.ts'
import { readCanonical } from './strict/canonical-reader.ts'
import { sameContent, type XmlElement } from './xml.ts'

/**
 * What two verifiers that both accepted must have seen: the same canonical bytes, and the same content in them.
 * @param canonical bytes that the strict verifier digested
 * @returns the content, without the signature
 * @throws DocumentError agreement.canonical, agreement.values
 */
export function agreedContent(canonical: Uint8Array, second: SecondOpinion): XmlElement {
  if (!Buffer.from(second.canonical).equals(canonical)) throw refusal('agreement.canonical')
  const content = readCanonical(canonical)
  if (!sameContent(content, second.content)) throw refusal('agreement.values')
  return content
}
