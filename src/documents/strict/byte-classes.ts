/** Classes of bytes of UTF-8 text, as tables: one look-up a byte is what the strict scanner can afford. */

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const BANG = 0x21
export const QUOTE = 0x22
export const HASH = 0x23
export const AMP = 0x26
export const APOSTROPHE = 0x27
export const DASH = 0x2d
export const SLASH = 0x2f
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const LESS = 0x3c
export const EQUALS = 0x3d
export const GREATER = 0x3e
export const QUESTION = 0x3f
export const BRACKET = 0x5d
/** Lead byte under which UTF-8 writes U+FFFE and U+FFFF, the two that XML leaves out. */
export const LEAD_EF = 0xef

/** What a byte is in a name: 0 nothing, 1 may begin one, 2 may only go on. ASCII: no such document uses more. */
export const NAME = table((byte) => {
  if (/[A-Za-z_]/.test(byte)) return 1
  return /[0-9.-]/.test(byte) ? 2 : 0
})

/** Not 0 where a byte of text cannot simply be copied to the canonical form. */
export const TEXT = table((byte, code) => (/[<&>\r\]]/.test(byte) || isSuspect(code) ? 1 : 0))

/** {@link TEXT} for two bytes at once: base64 of a photograph is read twice as fast so. */
const TEXT_PAIR = Uint8Array.from({ length: 65_536 }, (_, pair) => (TEXT[pair & 0xff] ?? 0) | (TEXT[pair >> 8] ?? 0))
/** A run shorter than this is not worth a view of its own. */
const SHORT = 32

/** Where ordinary text ends that begins at `from`: at the first byte whose class in {@link TEXT} is not 0, or at the end. */
export function endOfText(bytes: Uint8Array, from: number): number {
  const short = Math.min(from + SHORT, bytes.length)
  let p = from
  while (p < short && TEXT[bytes[p] as number] === 0) p++
  if (p === short) p = skipPairs(bytes, p)
  while (TEXT[bytes[p] as number] === 0) p++
  return p
}

/** Skips ordinary bytes two at a time while that is easy; it may stop a little before the first that is not ordinary. */
function skipPairs(bytes: Uint8Array, from: number): number {
  const odd = (bytes.byteOffset + from) & 1
  if (odd === 1 && TEXT[bytes[from] as number] !== 0) return from
  const start = from + odd
  const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + start, Math.max(bytes.length - start, 0) >> 1)
  const last = pairs.length - 4
  let i = 0
  while (
    i < last &&
    ((TEXT_PAIR[pairs[i] as number] as number) |
      (TEXT_PAIR[pairs[i + 1] as number] as number) |
      (TEXT_PAIR[pairs[i + 2] as number] as number) |
      (TEXT_PAIR[pairs[i + 3] as number] as number)) ===
      0
  ) {
    i += 4
  }
  return start + 2 * i
}

/** Not 0 where a byte of an attribute value cannot simply be copied, whichever quote is around it. */
export const VALUE = table((byte, code) => (/["'<&\t\n\r]/.test(byte) || isSuspect(code) ? 1 : 0))

export const isSpace = (byte: number | undefined): boolean =>
  byte === SPACE || byte === LF || byte === TAB || byte === CR

/** A control character, or the lead byte of a character that must be looked at (XML 1.0 §2.2). */
function isSuspect(code: number): boolean {
  return (code < SPACE && code !== TAB && code !== LF && code !== CR) || code === LEAD_EF
}

function table(classOf: (character: string, code: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => classOf(code < 0x80 ? String.fromCharCode(code) : '', code))
}
