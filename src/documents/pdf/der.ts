import { PdfFault } from './verdict.ts'

const MAX_DEPTH = 32
const CONSTRUCTED = 0x20
const SEQUENCE = 0x30
const SET = 0x31

interface Header {
  readonly tag: number
  readonly contentStart: number
  readonly end: number
}

/**
 * The one DER value at the start of Contents, with only zero padding after it. The parser that follows takes BER, so
 * every length and nesting is checked here first: what has two encodings has two readings.
 * @throws PdfFault cms_malformed, cms_not_der, cms_trailing_bytes
 * @see X.690 §10.1, §10.2; ISO 32000-1 §12.8.3.3.1 (DER); ETSI EN 319 142-1 §5.3
 */
export function derWithoutPadding(contents: Uint8Array): Uint8Array {
  const { tag, end } = readHeader(contents, 0, contents.length)
  if (tag !== SEQUENCE) throw new PdfFault('cms_malformed')
  checkDer(contents, 0, end, 0)
  if (contents.subarray(end).some((byte) => byte !== 0)) throw new PdfFault('cms_trailing_bytes')
  return contents.subarray(0, end)
}

function checkDer(bytes: Uint8Array, start: number, end: number, depth: number): void {
  if (depth > MAX_DEPTH) throw new PdfFault('cms_malformed')
  for (let at = start; at < end; ) {
    const header = readHeader(bytes, at, end)
    if (header.tag & CONSTRUCTED) checkDer(bytes, header.contentStart, header.end, depth + 1)
    at = header.end
  }
}

function readHeader(bytes: Uint8Array, at: number, limit: number): Header {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined || at + 2 > limit) throw new PdfFault('cms_malformed')
  checkTag(tag)
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  const contentStart = at + 2 + lengthBytes
  const end = contentStart + (first < 0x80 ? first : longLength(bytes, at + 2, lengthBytes))
  if (end > limit) throw new PdfFault('cms_malformed')
  return { tag, contentStart, end }
}

/** One byte of tag; of the universal ones, only SEQUENCE and SET are made of parts (strings in parts are BER). */
function checkTag(tag: number): void {
  if ((tag & 0x1f) === 0x1f || tag === 0) throw new PdfFault('cms_malformed')
  const isUniversal = tag < 0x40
  if (isUniversal && tag & CONSTRUCTED && tag !== SEQUENCE && tag !== SET) throw new PdfFault('cms_not_der')
}

/** One to four bytes, none of them wasted; `80`, the open end of BER, has none. */
function longLength(bytes: Uint8Array, at: number, count: number): number {
  if (count > 4) throw new PdfFault('cms_malformed')
  let length = 0
  for (const byte of bytes.subarray(at, at + count)) length = length * 256 + byte
  const isShortest = length >= 0x80 && bytes[at] !== 0
  if (!isShortest) throw new PdfFault('cms_not_der')
  return length
}
