import { refusal } from '../checks.ts'
import type { XmlLimits } from '../xml.ts'
import * as B from './byte-classes.ts'
import type { ByteSink } from './byte-sink.ts'
import { checkCharacter, readReference, writeCharacter } from './characters.ts'
import { type Binding, type C14nMode, NamespaceScopes } from './namespaces.ts'

const latin1 = new TextDecoder('latin1')
const { NAME, VALUE } = B
const XMLNS = Buffer.from('xmlns')

/**
 * Reads start tags and writes their canonical form. Where a tag is canonical as it stands nothing is written: `run`
 * says from where on the input may later be copied as it is.
 * @see Canonical XML 1.0 §2.3
 */
export class TagReader {
  readonly scopes: NamespaceScopes
  /** where the input begins that is canonical as it stands and not yet written */
  run: number
  /** of the tag read last */
  nameStart = 0
  nameEnd = 0
  localStart = 0
  empty = false

  readonly #bytes: Uint8Array
  readonly #out: ByteSink
  readonly #limits: XmlLimits
  #count = 0
  readonly #names: number[] = []
  readonly #nameEnds: number[] = []
  readonly #values: number[] = []
  readonly #valueEnds: number[] = []
  /** attributes that canonical form writes otherwise than they stand */
  readonly #rewritten: boolean[] = []
  /** attributes in canonical order */
  readonly #order: number[] = []
  #special = false
  #declares = false
  #prefixed = false

  constructor(
    bytes: Uint8Array,
    out: ByteSink,
    start: number,
    limits: XmlLimits,
    mode: C14nMode,
    inherited: readonly Binding[],
  ) {
    this.#bytes = bytes
    this.#out = out
    this.run = start
    this.#limits = limits
    this.scopes = new NamespaceScopes(mode, inherited)
  }

  /** Writes the input that was canonical as it stands, up to here. */
  flush(upTo: number): void {
    if (upTo > this.run) this.#out.copy(this.#bytes, this.run, upTo)
    this.run = upTo
  }

  /**
   * Reads the start tag at `at` (its `<`).
   * @param depth of the element, the first one being 1
   * @returns where the tag ends
   */
  read(at: number, depth: number): number {
    this.#reset()
    let p = this.#readName(at + 1)
    this.nameStart = at + 1
    this.nameEnd = p
    this.localStart = this.#local
    const ownPrefix = this.#local > at + 1
    let canonical = true
    const bytes = this.#bytes
    for (;;) {
      const gap = p
      while (B.isSpace(bytes[p])) p++
      const byte = bytes[p]
      if (byte === B.GREATER) {
        if (p !== gap) canonical = false
        break
      }
      if (byte === B.SLASH) {
        if (bytes[p + 1] !== B.GREATER) throw malformed('a slash inside a tag')
        this.empty = true
        p++
        break
      }
      if (p === gap) throw malformed('attributes without a space between them')
      if (p !== gap + 1 || bytes[gap] !== B.SPACE) canonical = false
      p = this.#readAttribute(p)
    }
    const end = p + 1
    const sorted = this.#sort()
    const quiet = !this.#declares && !this.#prefixed && !ownPrefix && this.scopes.isSettled(depth)
    const asItStands = canonical && sorted && !this.#special && !this.empty
    if (asItStands && (quiet || (!ownPrefix && this.#isFirstDefault(depth)))) return end
    this.flush(at)
    if (quiet) this.#writePlain()
    else this.#writeNamespaced(depth)
    this.run = end
    return end
  }

  /** `<Signature xmlns="…">`, where nothing was declared before: what every genuine document has is spared the long way. */
  #isFirstDefault(depth: number): boolean {
    const alone = this.#count === 1 && this.#declares && this.scopes.quiet
    const named = (this.#nameEnds[0] as number) - (this.#names[0] as number) > XMLNS.length
    if (!alone || named || this.#values[0] === this.#valueEnds[0]) return false
    this.#declare(0, depth)
    this.scopes.render([''], depth)
    return true
  }

  #reset(): void {
    this.#count = 0
    this.empty = false
    this.#special = false
    this.#declares = false
    this.#prefixed = false
  }

  #local = 0
  /** Reads a qualified name; `#local` is where its local part begins (Namespaces in XML 1.0 §4). */
  #readName(at: number): number {
    const bytes = this.#bytes
    let p = this.#readPart(at)
    this.#local = at
    if (bytes[p] === B.COLON) {
      this.#local = p + 1
      p = this.#readPart(p + 1)
    }
    if (bytes[p] === B.COLON) throw malformed('a name with two colons')
    return p
  }

  #readPart(at: number): number {
    const bytes = this.#bytes
    const first = bytes[at] ?? 0
    if (first >= 0x80) throw refusal('bytes.subset', 'a name outside ASCII')
    if (NAME[first] !== 1) throw malformed('no name where one must stand')
    let p = at + 1
    while (NAME[bytes[p] ?? 0] !== 0) p++
    if ((bytes[p] ?? 0) >= 0x80) throw refusal('bytes.subset', 'a name outside ASCII')
    return p
  }

  #readAttribute(at: number): number {
    const bytes = this.#bytes
    const index = this.#count++
    if (this.#count > this.#limits.attributes) throw refusal('bytes.attributes')
    let p = this.#readName(at)
    this.#names[index] = at
    this.#nameEnds[index] = p
    if (this.#local !== at) this.#prefixed = true
    if (bytes[at] === 0x78 && this.#isDeclaration(at, p)) this.#declares = true
    const tight = bytes[p] === B.EQUALS
    p = this.#skipSpace(p)
    if (bytes[p] !== B.EQUALS) throw malformed('an attribute without a value')
    const open = this.#skipSpace(p + 1)
    const quote = bytes[open]
    if (quote !== B.QUOTE && quote !== B.APOSTROPHE) throw malformed('an attribute value without quotes')
    this.#rewrites = !tight || open !== p + 1 || quote === B.APOSTROPHE
    const end = this.#scanValue(open + 1, quote)
    if (end - open - 1 > this.#limits.attributeLength) throw refusal('bytes.attribute-length')
    this.#values[index] = open + 1
    this.#valueEnds[index] = end
    this.#rewritten[index] = this.#rewrites
    if (this.#rewrites) this.#special = true
    return end + 1
  }

  #skipSpace(at: number): number {
    let p = at
    while (B.isSpace(this.#bytes[p])) p++
    return p
  }

  #rewrites = false
  /** To the closing quote; notes whether the value must be rewritten. */
  #scanValue(at: number, quote: number): number {
    const bytes = this.#bytes
    const { length } = bytes
    for (let p = at; p < length; p++) {
      const byte = bytes[p] as number
      if (VALUE[byte] === 0) continue
      if (byte === quote) return p
      if (byte === B.LESS) throw malformed('a < inside an attribute value')
      if (byte === B.AMP || byte === B.QUOTE || B.isSpace(byte)) this.#rewrites = true
      else checkCharacter(bytes, p)
    }
    throw malformed('an attribute value that does not end')
  }

  #isDeclaration(start: number, end: number): boolean {
    const colon = end - start > XMLNS.length
    if (colon && this.#bytes[start + XMLNS.length] !== B.COLON) return false
    if (end - start < XMLNS.length) return false
    return XMLNS.every((byte, i) => this.#bytes[start + i] === byte)
  }

  /** Puts the attributes in order of their names as written. @returns true where they stood so already */
  #sort(): boolean {
    const order = this.#order
    let sorted = true
    for (let i = 0; i < this.#count; i++) {
      let place = i
      while (place > 0) {
        const difference = this.#compare(order[place - 1] as number, i)
        if (difference === 0) throw malformed('an attribute stands twice')
        if (difference < 0) break
        order[place] = order[place - 1] as number
        place--
        sorted = false
      }
      order[place] = i
    }
    return sorted
  }

  /** By bytes, which for UTF-8 is the order of code points that C14N asks for. */
  #compare(a: number, b: number): number {
    const bytes = this.#bytes
    let p = this.#names[a] as number
    let q = this.#names[b] as number
    const endA = this.#nameEnds[a] as number
    const endB = this.#nameEnds[b] as number
    while (p < endA && q < endB && bytes[p] === bytes[q]) {
      p++
      q++
    }
    if (p === endA || q === endB) return endA - p - (endB - q)
    return (bytes[p] as number) - (bytes[q] as number)
  }

  #writePlain(): void {
    this.#out.byte(B.LESS)
    this.#out.copy(this.#bytes, this.nameStart, this.nameEnd)
    for (let i = 0; i < this.#count; i++) this.#writeAttribute(this.#order[i] as number)
    this.#writeEnd()
  }

  #writeEnd(): void {
    this.#out.byte(B.GREATER)
    if (!this.empty) return
    this.writeEndTag(this.nameStart, this.nameEnd)
  }

  writeEndTag(nameStart: number, nameEnd: number): void {
    this.#out.byte(B.LESS)
    this.#out.byte(B.SLASH)
    this.#out.copy(this.#bytes, nameStart, nameEnd)
    this.#out.byte(B.GREATER)
  }

  #writeAttribute(index: number): void {
    const out = this.#out
    const start = this.#names[index] as number
    const valueEnd = this.#valueEnds[index] as number
    out.byte(B.SPACE)
    if (!this.#rewritten[index]) {
      out.copy(this.#bytes, start, valueEnd + 1)
      return
    }
    out.copy(this.#bytes, start, this.#nameEnds[index] as number)
    out.byte(B.EQUALS)
    out.byte(B.QUOTE)
    this.#writeValue(this.#values[index] as number, valueEnd)
    out.byte(B.QUOTE)
  }

  /** Normalised as XML 1.0 §3.3.3 says for CDATA, then escaped as C14N writes values. */
  #writeValue(start: number, end: number): void {
    const bytes = this.#bytes
    let run = start
    for (let p = start; p < end; ) {
      const byte = bytes[p] as number
      if (VALUE[byte] === 0 || !(byte === B.AMP || byte === B.QUOTE || B.isSpace(byte))) {
        p++
        continue
      }
      this.#out.copy(bytes, run, p)
      if (byte === B.AMP) {
        const { code, end: after } = readReference(bytes, p)
        writeCharacter(this.#out, code, 'value')
        p = after
      } else if (byte === B.QUOTE) {
        writeCharacter(this.#out, B.QUOTE, 'value')
        p++
      } else {
        this.#out.byte(B.SPACE)
        p += byte === B.CR && bytes[p + 1] === B.LF ? 2 : 1
      }
      run = p
    }
    this.#out.copy(bytes, run, end)
  }

  /** Declarations first, then attributes without a namespace, then the others by namespace name and local name. */
  #writeNamespaced(depth: number): void {
    const all = Array.from({ length: this.#count }, (_, index) => index)
    const declarations = all.filter((i) => this.#isDeclaration(this.#names[i] ?? 0, this.#nameEnds[i] ?? 0))
    for (const index of declarations) this.#declare(index, depth)
    const own = this.#prefixAt(this.nameStart, this.nameEnd)
    this.scopes.resolve(own)
    const attributes = all
      .filter((index) => !declarations.includes(index))
      .map((index) => this.#nameAttribute(index))
      .sort((a, b) => (a.uri === b.uri ? this.#compareLocal(a.local, b.local) : a.uri < b.uri ? -1 : 1))
    attributes.forEach((attribute, i) => {
      const before = attributes[i - 1]
      if (before && before.uri === attribute.uri && before.local === attribute.local) {
        throw malformed('an attribute stands twice')
      }
    })
    const used = [own, ...attributes.flatMap(({ prefix }) => (prefix === '' ? [] : [prefix]))]
    this.#out.byte(B.LESS)
    this.#out.copy(this.#bytes, this.nameStart, this.nameEnd)
    for (const { prefix, uri } of this.scopes.render(used, depth)) {
      this.#out.ascii(prefix === '' ? ` xmlns="${uri}"` : ` xmlns:${prefix}="${uri}"`)
    }
    for (const { index } of attributes) this.#writeAttribute(index)
    this.#writeEnd()
  }

  #declare(index: number, depth: number): void {
    const start = this.#names[index] as number
    const end = this.#nameEnds[index] as number
    const prefix = latin1.decode(this.#bytes.subarray(Math.min(start + XMLNS.length + 1, end), end))
    const uri = Buffer.from(this.#bytes.subarray(this.#values[index], this.#valueEnds[index])).toString('utf8')
    this.scopes.declare(prefix, uri, depth)
    if (this.scopes.count > this.#limits.namespaces) throw refusal('bytes.namespaces')
  }

  #nameAttribute(index: number) {
    const start = this.#names[index] as number
    const end = this.#nameEnds[index] as number
    const prefix = this.#prefixAt(start, end)
    if (prefix === 'xml') throw refusal('bytes.subset', 'an attribute of the xml namespace')
    const local = latin1.decode(this.#bytes.subarray(prefix === '' ? start : start + prefix.length + 1, end))
    return { index, prefix, local, uri: prefix === '' ? '' : this.scopes.resolve(prefix) }
  }

  #prefixAt(start: number, end: number): string {
    const colon = this.#bytes.subarray(start, end).indexOf(B.COLON)
    return colon === -1 ? '' : latin1.decode(this.#bytes.subarray(start, start + colon))
  }

  #compareLocal(a: string, b: string): number {
    return a < b ? -1 : a > b ? 1 : 0
  }
}

const malformed = (message: string) => refusal('bytes.well-formed', message)
