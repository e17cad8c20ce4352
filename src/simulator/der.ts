/** A DER writer, just wide enough for certificates and signatures (X.690 §8 and §10). It writes only; nothing here parses. */

const TAG = { integer: 2, bitString: 3, octetString: 4, null: 5, oid: 6, utf8: 12, printable: 19 } as const
const UTC_TIME = 23
const GENERALIZED_TIME = 24

export const sequence = (...items: Buffer[]): Buffer => tlv(0x30, Buffer.concat(items))
export const set = (...items: Buffer[]): Buffer => tlv(0x31, Buffer.concat(items))
/** A SET OF, whose members DER puts in the order of their bytes (X.690 §11.6). */
export const setOf = (items: readonly Buffer[]): Buffer => tlv(0x31, ordered(items))
/** `[number]` in place of the tag of a SET OF */
export const implicitSetOf = (number: number, items: readonly Buffer[]): Buffer => tlv(0xa0 | number, ordered(items))
/** `[number]` around whole values */
export const explicit = (number: number, item: Buffer): Buffer => tlv(0xa0 | number, item)
/** `[number]` in place of a primitive value's own tag */
export const implicit = (number: number, content: Buffer): Buffer => tlv(0x80 | number, content)
export const octetString = (content: Buffer): Buffer => tlv(TAG.octetString, content)
export const nothing = (): Buffer => tlv(TAG.null, Buffer.alloc(0))
export const boolean = (value: boolean): Buffer => tlv(1, Buffer.from([value ? 0xff : 0]))

/** A whole number ≥ 0, given as a number or as big-endian bytes. */
export function integer(value: number | Buffer): Buffer {
  const bytes = typeof value === 'number' ? Buffer.from([value]) : value
  return tlv(TAG.integer, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
}

export function bitString(content: Buffer, unusedBits = 0): Buffer {
  return tlv(TAG.bitString, Buffer.concat([Buffer.from([unusedBits]), content]))
}

/** PrintableString where the characters allow it, else UTF8String (RFC 5280 §4.1.2.4). */
export function text(value: string): Buffer {
  return tlv(/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value) ? TAG.printable : TAG.utf8, Buffer.from(value, 'utf8'))
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** UTCTime until 2049, GeneralizedTime from 2050, whole seconds (RFC 5280 §4.1.2.5). */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]|\.\d+/g, '')
  return at.getUTCFullYear() < 2050
    ? tlv(UTC_TIME, Buffer.from(digits.slice(2)))
    : tlv(GENERALIZED_TIME, Buffer.from(digits))
}

const ordered = (items: readonly Buffer[]): Buffer => Buffer.concat(items.toSorted(Buffer.compare))

function tlv(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...length(content.length)]), content])
}

function length(count: number): number[] {
  if (count < 0x80) return [count]
  const bytes = []
  for (let rest = count; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff)
  return [0x80 | bytes.length, ...bytes]
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest & 0x7f))
  return bytes
}
