import { refusal } from '../checks.ts'
import type { XmlLimits } from '../xml.ts'
import * as B from './byte-classes.ts'
import type { ByteSink } from './byte-sink.ts'
import { checkCharacter, readReference, writeCharacter } from './characters.ts'
import type { Names } from './names.ts'

const { VALUE } = B
const XMLNS = Buffer.from('xmlns')

/**
 * The attributes of one start tag, as offsets into the input: nothing is cut out unless it must be written anew. Made
 * once and used for tag after tag.
 */
export class Attributes {
  count = 0
  /** at least one is written otherwise than it stands */
  rewrites = false
  /** at least one declares a namespace */
  declares = false
  /** at least one has a prefix */
  prefixed = false
  /** indexes in canonical order, once `sort` has run */
  readonly order: number[] = []
  readonly #bytes: Uint8Array
  readonly #out: ByteSink
  readonly #limits: XmlLimits
  readonly #names: Names
  readonly #start: number[] = []
  readonly #nameEnd: number[] = []
  readonly #value: number[] = []
  readonly #valueEnd: number[] = []
  readonly #rewritten: boolean[] = []

  constructor(bytes: Uint8Array, out: ByteSink, limits: XmlLimits, names: Names) {
    this.#bytes = bytes
    this.#out = out
    this.#limits = limits
    this.#names = names
  }

  clear(): void {
    this.count = 0
    this.rewrites = false
    this.declares = false
    this.prefixed = false
  }

  nameStart = (index: number): number => this.#start[index] as number
  nameEnd = (index: number): number => this.#nameEnd[index] as number

  /** The value as it stands between its quotes. */
  rawValue(index: number): Uint8Array {
    return this.#bytes.subarray(this.#value[index], this.#valueEnd[index])
  }

  /** Reads the attribute at `at`. @returns where it ends */
  read(at: number): number {
    if (this.count === this.#limits.attributes) throw refusal('bytes.attributes')
    const bytes = this.#bytes
    const index = this.count++
    const nameEnd = this.#names.read(at)
    if (this.#names.localStart !== at) this.prefixed = true
    if (isDeclaration(bytes, at, nameEnd)) this.declares = true
    const equals = skipSpace(bytes, nameEnd)
    if (bytes[equals] !== B.EQUALS) throw malformed('an attribute without a value')
    const open = skipSpace(bytes, equals + 1)
    const quote = bytes[open]
    if (quote !== B.QUOTE && quote !== B.APOSTROPHE) throw malformed('an attribute value without quotes')
    this.#start[index] = at
    this.#nameEnd[index] = nameEnd
    this.#value[index] = open + 1
    this.#rewritten[index] = open !== nameEnd + 1 || quote === B.APOSTROPHE
    const end = this.#scanValue(index, open + 1, quote)
    this.#valueEnd[index] = end
    if (this.#rewritten[index]) this.rewrites = true
    return end + 1
  }

  /** To the closing quote; notes whether the value must be rewritten. */
  #scanValue(index: number, at: number, quote: number): number {
    const bytes = this.#bytes
    const last = Math.min(bytes.length, at + this.#limits.attributeLength + 1)
    for (let p = at; p < last; p++) {
      const byte = bytes[p] as number
      if (VALUE[byte] === 0) continue
      if (byte === quote) return p
      if (byte === B.LESS) throw malformed('a < inside an attribute value')
      if (byte === B.AMP || byte === B.QUOTE || B.isSpace(byte)) this.#rewritten[index] = true
      else checkCharacter(bytes, p)
    }
    const ends = last < bytes.length
    throw ends ? refusal('bytes.attribute-length') : malformed('an attribute value that does not end')
  }

  /**
   * Puts the attributes in order of their names as written.
   * @returns true where they stood so already
   * @throws DocumentError bytes.well-formed for a name that stands twice
   */
  sort(): boolean {
    const { order } = this
    let sorted = true
    for (let i = 0; i < this.count; i++) {
      const place = this.#placeOf(i)
      if (place < i) sorted = false
      for (let p = i; p > place; p--) order[p] = order[p - 1] as number
      order[place] = i
    }
    return sorted
  }

  /** Where among those before it, which are in order, an attribute belongs. */
  #placeOf(index: number): number {
    let low = 0
    let high = index
    // Most stand in order already, or nearly.
    let probe = index - 1
    while (low < high) {
      const difference = this.#compare(this.order[probe] as number, index)
      if (difference === 0) throw malformed('an attribute stands twice')
      if (difference < 0) low = probe + 1
      else high = probe
      probe = (low + high) >> 1
    }
    return low
  }

  /** By bytes, which for UTF-8 is the order of code points that C14N asks for. */
  #compare(a: number, b: number): number {
    const bytes = this.#bytes
    let p = this.#start[a] as number
    let q = this.#start[b] as number
    const endA = this.#nameEnd[a] as number
    const endB = this.#nameEnd[b] as number
    while (p < endA && q < endB && bytes[p] === bytes[q]) {
      p++
      q++
    }
    if (p === endA || q === endB) return endA - p - (endB - q)
    return (bytes[p] as number) - (bytes[q] as number)
  }

  isDeclaration(index: number): boolean {
    return isDeclaration(this.#bytes, this.#start[index] as number, this.#nameEnd[index] as number)
  }

  /** Writes one attribute in canonical form, with the space before it. */
  write(index: number): void {
    const out = this.#out
    const start = this.#start[index] as number
    const valueEnd = this.#valueEnd[index] as number
    out.byte(B.SPACE)
    if (!this.#rewritten[index]) {
      out.copy(this.#bytes, start, valueEnd + 1)
      return
    }
    out.copy(this.#bytes, start, this.#nameEnd[index] as number)
    out.byte(B.EQUALS)
    out.byte(B.QUOTE)
    this.#writeValue(this.#value[index] as number, valueEnd)
    out.byte(B.QUOTE)
  }

  /** Normalised as XML 1.0 §3.3.3 says for CDATA, then escaped as C14N writes values. */
  #writeValue(start: number, end: number): void {
    const bytes = this.#bytes
    const out = this.#out
    let run = start
    for (let p = start; p < end; ) {
      const byte = bytes[p] as number
      if (VALUE[byte] === 0 || !(byte === B.AMP || byte === B.QUOTE || B.isSpace(byte))) {
        p++
        continue
      }
      out.rewrite()
      out.copy(bytes, run, p)
      if (byte === B.AMP) {
        const { code, end: after } = readReference(bytes, p)
        writeCharacter(out, code, 'value')
        p = after
      } else if (byte === B.QUOTE) {
        writeCharacter(out, B.QUOTE, 'value')
        p++
      } else {
        out.byte(B.SPACE)
        p += byte === B.CR && bytes[p + 1] === B.LF ? 2 : 1
      }
      run = p
    }
    out.copy(bytes, run, end)
  }
}

/** `xmlns`, or `xmlns:` and a prefix. */
function isDeclaration(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (length < XMLNS.length || bytes[start] !== XMLNS[0]) return false
  if (length > XMLNS.length && bytes[start + XMLNS.length] !== B.COLON) return false
  return XMLNS.every((byte, i) => bytes[start + i] === byte)
}

function skipSpace(bytes: Uint8Array, at: number): number {
  let p = at
  while (B.isSpace(bytes[p])) p++
  return p
}

const malformed = (message: string) => refusal('bytes.well-formed', message)
