import { isWhole, type PdfDictionary, type PdfValue } from './lexer.ts'
import { PdfFault, type PdfLimits } from './verdict.ts'

/** What one signature covers, and the bytes that claim to sign it. Nothing in it is proven yet. */
export interface Coverage {
  readonly byteRange: readonly [0, number, number, number]
  /** first byte that is not covered any more */
  readonly end: number
  /** the two covered parts, in order */
  readonly parts: readonly [Uint8Array, Uint8Array]
  /** the binary value of Contents, padding included */
  readonly contents: Uint8Array
}

const HEX_ONLY = /^(?:[0-9A-Fa-f]{2})+$/

/**
 * The range rules, which are the heart of it: everything from the first byte on but the one hex string that holds the
 * signature. Each published forgery of PDF signatures breaks one of them.
 * @throws PdfFault contents_*, byte_range_*, duplicate_key
 * @see ISO 32000-1 §12.8.1; security.md PD-1
 */
export function readCoverage(bytes: Uint8Array, dictionary: PdfDictionary, limits: PdfLimits): Coverage {
  if (dictionary.repeated) throw new PdfFault('duplicate_key')
  const contents = contentsOf(dictionary.entries.get('Contents'))
  const [start, a, b, c] = fourNumbers(dictionary.entries.get('ByteRange'))
  const end = b + c
  if (start !== 0) throw new PdfFault('byte_range_start')
  if (a === 0 || b <= a || c === 0) throw new PdfFault('byte_range_order')
  if (end > bytes.length || end < dictionary.end) throw new PdfFault('byte_range_bounds')
  if (a !== contents.start || b !== contents.end) throw new PdfFault('byte_range_gap')
  return {
    byteRange: [0, a, b, c],
    end,
    parts: [bytes.subarray(0, a), bytes.subarray(b, end)],
    contents: decode(bytes.subarray(a + 1, b - 1), limits),
  }
}

function contentsOf(value: PdfValue | undefined): { readonly start: number; readonly end: number } {
  if (value === undefined || isNull(value)) throw new PdfFault('contents_missing')
  if (value.kind === 'reference') throw new PdfFault('contents_indirect')
  if (value.kind !== 'hex') throw new PdfFault('contents_malformed')
  return value
}

function fourNumbers(value: PdfValue | undefined): readonly [number, number, number, number] {
  if (value === undefined || isNull(value)) throw new PdfFault('byte_range_missing')
  if (value.kind === 'reference') throw new PdfFault('byte_range_indirect')
  if (value.kind !== 'array' || value.length !== 4) throw new PdfFault('byte_range_malformed')
  const [start, a, b, c] = value.items.map(wholeNumber)
  if (start === undefined || a === undefined || b === undefined || c === undefined) {
    throw new PdfFault('byte_range_malformed')
  }
  return [start, a, b, c]
}

/** `-1`, `+5`, `4.0` and `7 0 R` are no offsets: readers differ on what they mean. */
const wholeNumber = (item: PdfValue) => (item.kind === 'number' && isWhole(item.text) ? Number(item.text) : undefined)

const isNull = (value: PdfValue) => value.kind === 'keyword' && value.text === 'null'

/** PDF lets white space stand in a hex string; here it would be room for bytes that nobody signed. */
function decode(digits: Uint8Array, limits: PdfLimits): Uint8Array {
  if (digits.length > limits.maxContentsBytes * 2) throw new PdfFault('contents_too_large')
  const text = Buffer.from(digits.buffer, digits.byteOffset, digits.byteLength).toString('latin1')
  if (!HEX_ONLY.test(text)) throw new PdfFault('contents_malformed')
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
