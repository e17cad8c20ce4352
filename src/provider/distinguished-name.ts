import { levelled } from '../documents/trust/name.ts'

/** Attribute types by the names that people write (RFC 4514 §3, RFC 4519, RFC 2985). */
const TYPES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
}

/**
 * Reads a distinguished name as it is written in registrations: `CN=shop.example,O=Shop,C=IN`.
 * @returns the form of `Name.comparable`; undefined when it is no such name, holds a multi-valued part or hex-encoded value
 * @see RFC 4514 §3
 */
export function parseDistinguishedName(text: string): string | undefined {
  const parts = text.match(/(?:\\.|[^,\\])+/gs)
  if (!parts || parts.join(',') !== text) return undefined
  const read = parts.map(readPart)
  if (read.some((part) => part === undefined)) return undefined
  // Written from the person up, encoded from the country down.
  return JSON.stringify(read.toReversed())
}

function readPart(part: string): [string, string] | undefined {
  const [, type = '', raw = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*(.*)$/s.exec(part) ?? []
  const oid = TYPES[type.toUpperCase()] ?? (/^\d/.test(type) ? type : undefined)
  if (oid === undefined || /^#|(?<!\\)[+";<>]/.test(raw)) return undefined
  const value = unescaped(raw)
  return value === undefined ? undefined : [oid, levelled(value)]
}

/** Pairs of hex digits are octets of UTF-8; any other escaped character stands for itself. */
function unescaped(raw: string): string | undefined {
  const bytes: Buffer[] = []
  for (const [piece, hex, escaped] of raw.matchAll(/\\([0-9A-Fa-f]{2})|\\(.)|[^\\]+/gs)) {
    if (hex !== undefined) bytes.push(Buffer.from(hex, 'hex'))
    else bytes.push(Buffer.from(escaped ?? piece, 'utf8'))
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(bytes))
  } catch {
    return undefined
  }
}
