import { refusal } from '../checks.ts'
import * as B from './byte-classes.ts'
import type { ByteSink } from './byte-sink.ts'

/** The five entities of XML, their names as numbers: one byte after the other, eight bits each. */
const NAMED: ReadonlyMap<number, number> = new Map([
  [asNumber('amp'), B.AMP],
  [asNumber('lt'), B.LESS],
  [asNumber('gt'), B.GREATER],
  [asNumber('quot'), B.QUOTE],
  [asNumber('apos'), B.APOSTROPHE],
])
const LOWER_X = 0x78
const TOO_LARGE = 0x110000
/** What a byte is worth as a digit; 16 for no digit. */
const DIGIT = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(value) ? 16 : value
})
/** The longest reference there is: `&#1114111;`, with room for leading zeros. */
const LONGEST_REFERENCE = 16
const LONGEST_NAME = 4

/** How C14N writes a character that came from a reference or stands in the text (Canonical XML 1.0 §2.3). */
export type Place = 'text' | 'value'

/**
 * Writes one character in canonical form.
 * @param code a code point that XML 1.0 allows
 */
export function writeCharacter(out: ByteSink, code: number, place: Place): void {
  const escaped = escapeOf(code, place)
  if (escaped !== undefined) out.ascii(escaped)
  else if (code < 0x80) out.byte(code)
  else {
    const bytes = Buffer.from(String.fromCodePoint(code), 'utf8')
    out.copy(bytes, 0, bytes.length)
  }
}

function escapeOf(code: number, place: Place): string | undefined {
  switch (code) {
    case B.AMP:
      return '&amp;'
    case B.LESS:
      return '&lt;'
    case B.CR:
      return '&#xD;'
    case B.GREATER:
      return place === 'text' ? '&gt;' : undefined
    case B.QUOTE:
      return place === 'value' ? '&quot;' : undefined
    case B.TAB:
      return place === 'value' ? '&#x9;' : undefined
    case B.LF:
      return place === 'value' ? '&#xA;' : undefined
    default:
      return undefined
  }
}

/** A reference that stands at `at` (its `&`): the character it means, and where it ends. */
export function readReference(bytes: Uint8Array, at: number): { code: number; end: number } {
  const end = endOfReference(bytes, at)
  const code = bytes[at + 1] === B.HASH ? readNumber(bytes, at + 2, end) : readName(bytes, at + 1, end)
  if (code === undefined) throw refusal('bytes.well-formed', 'a reference to an entity that XML does not define')
  return { code, end: end + 1 }
}

function endOfReference(bytes: Uint8Array, at: number): number {
  for (let p = at + 1; p < at + LONGEST_REFERENCE; p++) if (bytes[p] === B.SEMICOLON) return p
  throw refusal('bytes.well-formed', 'a bare ampersand')
}

function readName(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (end - at > LONGEST_NAME) return undefined
  let name = 0
  for (let p = at; p < end; p++) name = name * 256 + (bytes[p] as number)
  return NAMED.get(name)
}

function asNumber(name: string): number {
  return Buffer.from(name).reduce((number, byte) => number * 256 + byte, 0)
}

function readNumber(bytes: Uint8Array, at: number, end: number): number {
  const isHex = bytes[at] === LOWER_X
  const start = isHex ? at + 1 : at
  const base = isHex ? 16 : 10
  let code = 0
  for (let p = start; p < end; p++) {
    const digit = DIGIT[bytes[p] as number] as number
    if (digit >= base) throw refusal('bytes.well-formed', 'a reference that is no number')
    code = Math.min(code * base + digit, TOO_LARGE)
  }
  if (start === end) throw refusal('bytes.well-formed', 'a reference that is no number')
  if (!isXmlCharacter(code)) throw refusal('bytes.characters', 'a reference to a character that XML forbids')
  return code
}

/** XML 1.0 §2.2 production 2. */
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === B.TAB || code === B.LF || code === B.CR
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

/** Refuses a control character, or U+FFFE and U+FFFF; any other byte passes (the text is known to be UTF-8). */
export function checkCharacter(bytes: Uint8Array, at: number): void {
  const byte = bytes[at] ?? 0
  const noncharacter = byte === B.LEAD_EF && bytes[at + 1] === 0xbf && (bytes[at + 2] ?? 0) >= 0xbe
  const control = byte < B.SPACE && !B.isSpace(byte)
  if (noncharacter || control) throw refusal('bytes.characters')
}
