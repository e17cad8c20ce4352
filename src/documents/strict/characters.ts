import { refusal } from '../checks.ts'
import * as B from './byte-classes.ts'
import type { ByteSink } from './byte-sink.ts'

const latin1 = new TextDecoder('latin1')
const NAMED: Readonly<Record<string, number>> = {
  amp: B.AMP,
  lt: B.LESS,
  gt: B.GREATER,
  quot: B.QUOTE,
  apos: B.APOSTROPHE,
}
/** The longest reference there is: `&#1114111;`, with room for leading zeros. */
const LONGEST_REFERENCE = 16

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
  const semicolon = bytes.indexOf(B.SEMICOLON, at)
  if (semicolon === -1 || semicolon - at > LONGEST_REFERENCE) throw refusal('bytes.well-formed', 'a bare ampersand')
  const name = latin1.decode(bytes.subarray(at + 1, semicolon))
  const code = name.startsWith('#') ? numbered(name) : Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
  if (code === undefined) throw refusal('bytes.well-formed', 'a reference to an entity that XML does not define')
  return { code, end: semicolon + 1 }
}

function numbered(name: string): number {
  const [, hex, decimal] = /^#(?:x([0-9A-Fa-f]+)|([0-9]+))$/.exec(name) ?? []
  const code = hex === undefined ? Number.parseInt(decimal ?? '', 10) : Number.parseInt(hex, 16)
  if (Number.isNaN(code)) throw refusal('bytes.well-formed', 'a reference that is no number')
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
