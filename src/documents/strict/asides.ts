import { refusal } from '../checks.ts'
import type { XmlLimits } from '../xml.ts'
import * as B from './byte-classes.ts'
import type { ByteSink } from './byte-sink.ts'
import { checkCharacter, writeCharacter } from './characters.ts'

const { TEXT } = B
const COMMENT = Buffer.from('<!--')
const CDATA = Buffer.from('<![CDATA[')
const DOCTYPE = Buffer.from('<!DOCTYPE')

/**
 * Refuses a DOCTYPE that begins at `at`, so that entities, default attributes and DTD ids cannot exist at all; and, as
 * the other verifier does, the word inside a comment or CDATA section.
 */
export function checkNoDoctype(bytes: Uint8Array, at: number, end = at + DOCTYPE.length): void {
  for (let p = at; p <= end - DOCTYPE.length; p++) if (startsWith(bytes, DOCTYPE, p)) throw refusal('bytes.doctype')
}

export const beginsCdata = (bytes: Uint8Array, at: number): boolean => startsWith(bytes, CDATA, at)

/** @returns behind the comment that begins at `at` (XML 1.0 §2.5: no `--` inside) */
export function skipComment(bytes: Uint8Array, at: number, documentEnd: number, limits: XmlLimits): number {
  if (!startsWith(bytes, COMMENT, at)) throw malformed('neither comment nor CDATA')
  // It is digested by nobody, so nothing else bounds it.
  const last = at + COMMENT.length + limits.attributeLength
  const end = Math.min(documentEnd, last + COMMENT.length)
  let p = at + COMMENT.length
  while (p < end && !(bytes[p] === B.DASH && bytes[p + 1] === B.DASH)) checkCharacter(bytes, p++)
  if (p > last) throw refusal('bytes.text-length', 'a comment that is too long')
  if (bytes[p + 2] !== B.GREATER) throw malformed('a comment that does not end')
  return p + 3
}

/**
 * Writes a CDATA section as the text that it stands for (Canonical XML 1.0 §1.1).
 * @returns behind it
 */
export function writeCdata(bytes: Uint8Array, at: number, end: number, out: ByteSink): number {
  let run = at + CDATA.length
  for (let p = run; p + 2 < end; p++) {
    const byte = bytes[p] as number
    if (TEXT[byte] === 0) continue
    if (byte === B.BRACKET && bytes[p + 1] === B.BRACKET && bytes[p + 2] === B.GREATER) {
      out.copy(bytes, run, p)
      return p + 3
    }
    checkCharacter(bytes, p)
    if (byte === B.BRACKET || byte === B.LEAD_EF) continue
    out.rewrite()
    out.copy(bytes, run, p)
    run = p + 1
    if (byte !== B.CR) writeCharacter(out, byte, 'text')
    else if (bytes[run] !== B.LF) out.byte(B.LF)
  }
  throw malformed('a CDATA section that does not end')
}

export function startsWith(bytes: Uint8Array, what: Uint8Array, at: number): boolean {
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false
  return true
}

const malformed = (message: string) => refusal('bytes.well-formed', message)
