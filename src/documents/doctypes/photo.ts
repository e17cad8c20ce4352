import type { XmlElement } from '../xml.ts'
import { findKyc, isOfflineKyc } from './adhar.ts'
import { childOf, invalid } from './values.ts'

export interface Photo {
  readonly bytes: Uint8Array
  /** by the first bytes; what the document calls the format is not believed */
  readonly mediaType: 'image/jpeg' | 'image/jp2' | 'image/j2c' | 'image/png'
}

/** First bytes in hex: ISO 10918-1, ISO 15444-1 annex I (box) and annex A (bare codestream), PNG §5.2. */
const MAGIC = [
  ['ffd8ff', 'image/jpeg'],
  ['0000000c6a5020200d0a870a', 'image/jp2'],
  ['ff4fff51', 'image/j2c'],
  ['89504e470d0a1a0a', 'image/png'],
] as const

/**
 * Reads the photograph of the holder.
 * @returns undefined when the document has none, or an empty one
 * @throws DocumentError DOC_FIELDS_INVALID when it is not base64, or not an image of a known kind
 */
export function readPhoto(root: XmlElement): Photo | undefined {
  const kyc = isOfflineKyc(root) ? root : findKyc(root)
  const element = kyc ? childOf(kyc, 'UidData', 'Pht') : childOf(root, 'IssuedTo', 'Person', 'Photo')
  const base64 = element?.text.replace(/\s/g, '') ?? ''
  if (base64 === '') return undefined
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalid('the photograph is not base64')
  const bytes = Buffer.from(base64, 'base64')
  const start = bytes.subarray(0, 12).toString('hex')
  const [, mediaType] = MAGIC.find(([magic]) => start.startsWith(magic)) ?? []
  if (mediaType === undefined) throw invalid('the photograph is not an image of a known kind')
  return { bytes: new Uint8Array(bytes), mediaType }
}
