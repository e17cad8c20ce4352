import { refusal } from '../checks.ts'
import type { XmlLimits } from '../xml.ts'
import { Attributes } from './attributes.ts'
import * as B from './byte-classes.ts'
import type { ByteSink } from './byte-sink.ts'
import { Names } from './names.ts'
import { type Binding, type C14nMode, NamespaceScopes } from './namespaces.ts'

const latin1 = new TextDecoder('latin1')
const XMLNS_LENGTH = 'xmlns'.length

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
  readonly #names: Names
  readonly #attributes: Attributes

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
    this.#names = new Names(bytes)
    this.#attributes = new Attributes(bytes, out, limits, this.#names)
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
    const attributes = this.#attributes
    attributes.clear()
    this.nameStart = at + 1
    this.nameEnd = this.#names.read(at + 1)
    this.localStart = this.#names.localStart
    const hasPrefix = this.localStart > at + 1
    const tight = this.#readAttributes()
    const end = this.#end
    const sorted = attributes.sort()
    const quiet = !hasPrefix && !attributes.declares && !attributes.prefixed && this.scopes.isSettled(depth)
    const asItStands = tight && sorted && !attributes.rewrites && !this.empty
    if (asItStands && (quiet || (!hasPrefix && this.#isFirstDefault(depth)))) return end
    this.flush(at)
    if (quiet) this.#writePlain()
    else this.#writeNamespaced(depth)
    this.run = end
    return end
  }

  #end = 0
  /** Reads to the end of the tag. @returns whether nothing but single spaces stands between the attributes */
  #readAttributes(): boolean {
    const bytes = this.#bytes
    let tight = true
    let p = this.nameEnd
    for (;;) {
      const gap = p
      while (B.isSpace(bytes[p])) p++
      const byte = bytes[p]
      this.empty = byte === B.SLASH
      if (byte === B.GREATER || byte === B.SLASH) {
        if (this.empty && bytes[p + 1] !== B.GREATER) throw malformed('a slash inside a tag')
        this.#end = p + (this.empty ? 2 : 1)
        return tight && p === gap
      }
      if (p === gap) throw malformed('attributes without a space between them')
      if (p !== gap + 1 || bytes[gap] !== B.SPACE) tight = false
      p = this.#attributes.read(p)
    }
  }

  /** `<Signature xmlns="…">`, where nothing was declared before: what every genuine document has is spared the long way. */
  #isFirstDefault(depth: number): boolean {
    const attributes = this.#attributes
    const alone = attributes.count === 1 && attributes.declares && this.scopes.quiet
    if (!alone || attributes.nameEnd(0) - attributes.nameStart(0) !== XMLNS_LENGTH) return false
    if (attributes.rawValue(0).length === 0) return false
    this.#declare(0, depth)
    this.scopes.render([''], depth)
    return true
  }

  #writePlain(): void {
    const attributes = this.#attributes
    this.#out.byte(B.LESS)
    this.#out.copy(this.#bytes, this.nameStart, this.nameEnd)
    for (let i = 0; i < attributes.count; i++) attributes.write(attributes.order[i] as number)
    this.#writeEnd()
  }

  #writeEnd(): void {
    this.#out.byte(B.GREATER)
    if (!this.empty) return
    this.#out.byte(B.LESS)
    this.#out.byte(B.SLASH)
    this.#out.copy(this.#bytes, this.nameStart, this.nameEnd)
    this.#out.byte(B.GREATER)
  }

  /** Declarations first, then attributes without a namespace, then the others by namespace name and local name. */
  #writeNamespaced(depth: number): void {
    const attributes = this.#attributes
    const all = Array.from({ length: attributes.count }, (_, index) => index)
    for (const index of all) if (attributes.isDeclaration(index)) this.#declare(index, depth)
    const own = this.#prefixAt(this.nameStart, this.nameEnd)
    this.scopes.resolve(own)
    const named = all.filter((index) => !attributes.isDeclaration(index)).map((index) => this.#nameAttribute(index))
    named.sort((a, b) => (a.uri === b.uri ? compare(a.local, b.local) : compare(a.uri, b.uri)))
    if (named.some(({ uri, local }, i) => uri === named[i - 1]?.uri && local === named[i - 1]?.local)) {
      throw malformed('an attribute stands twice')
    }
    this.#out.byte(B.LESS)
    this.#out.copy(this.#bytes, this.nameStart, this.nameEnd)
    const used = [own, ...named.flatMap(({ prefix }) => (prefix === '' ? [] : [prefix]))]
    for (const { prefix, uri } of this.scopes.render(used, depth)) {
      this.#out.ascii(prefix === '' ? ` xmlns="${uri}"` : ` xmlns:${prefix}="${uri}"`)
    }
    for (const { index } of named) attributes.write(index)
    this.#writeEnd()
  }

  #declare(index: number, depth: number): void {
    const attributes = this.#attributes
    const end = attributes.nameEnd(index)
    const start = Math.min(attributes.nameStart(index) + XMLNS_LENGTH + 1, end)
    this.scopes.declare(this.#textAt(start, end), latin1.decode(attributes.rawValue(index)), depth)
    if (this.scopes.count > this.#limits.namespaces) throw refusal('bytes.namespaces')
  }

  #nameAttribute(index: number) {
    const start = this.#attributes.nameStart(index)
    const end = this.#attributes.nameEnd(index)
    const prefix = this.#prefixAt(start, end)
    if (prefix === 'xml') throw refusal('bytes.subset', 'an attribute of the xml namespace')
    const local = this.#textAt(prefix === '' ? start : start + prefix.length + 1, end)
    return { index, prefix, local, uri: prefix === '' ? '' : this.scopes.resolve(prefix) }
  }

  #prefixAt(start: number, end: number): string {
    const colon = this.#bytes.subarray(start, end).indexOf(B.COLON)
    return colon === -1 ? '' : this.#textAt(start, start + colon)
  }

  #textAt(start: number, end: number): string {
    return latin1.decode(this.#bytes.subarray(start, end))
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const malformed = (message: string) => refusal('bytes.well-formed', message)
