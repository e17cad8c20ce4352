import type { XmlLimits } from '../xml.ts'
import type { C14nMode } from './namespaces.ts'
import { canonicalElement, type Place, type Scan } from './scanner.ts'

const OPEN = Buffer.from('<SignedInfo>')
const CLOSE = Buffer.from('</SignedInfo>')
const DECLARATION = Buffer.from(' xmlns')

/**
 * The canonical form of SignedInfo as a subset of the document. Genuine ones declare nothing and stand under one default
 * namespace: then both kinds of C14N add just that declaration to the form that the scan wrote already. All others are
 * read again.
 * @param mode as SignedInfo itself names it
 * @see Canonical XML 1.0 §2.4; Exclusive C14N 1.0 §3
 */
export function canonicalSignedInfo(
  bytes: Uint8Array,
  { signature }: Scan,
  signedInfo: Place,
  limits: XmlLimits,
  mode: C14nMode,
): Uint8Array {
  const [binding, ...more] = signedInfo.scope
  // In canonical form `<` stands nowhere but in a tag, so what is found is the element, of which there is one.
  const start = signature?.indexOf(OPEN) ?? -1
  const plain = signature?.subarray(start, signature.indexOf(CLOSE, start) + CLOSE.length)
  const isSimple = start !== -1 && binding?.prefix === '' && more.length === 0 && !plain?.includes(DECLARATION)
  if (!isSimple || !plain) return canonicalElement(bytes, signedInfo, limits, mode)
  return Buffer.concat([Buffer.from(`<SignedInfo xmlns="${binding.uri}"`), plain.subarray(OPEN.length - 1)])
}
