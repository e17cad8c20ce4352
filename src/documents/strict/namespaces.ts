import { refusal } from '../checks.ts'

/** Which declarations a canonical form writes: all that change something, or those that names in use need. */
export type C14nMode = 'inclusive' | 'exclusive'

/** A prefix bound to a namespace name; the empty prefix is the default namespace, the empty name undeclares it. */
export interface Binding {
  readonly prefix: string
  readonly uri: string
}

interface Placed extends Binding {
  readonly depth: number
}

/**
 * The namespaces in scope while elements open and close, and which of them the canonical form has written already.
 * @see Namespaces in XML 1.0 §3, §5; Canonical XML 1.0 §2.3; Exclusive C14N 1.0 §3
 */
export class NamespaceScopes {
  readonly #mode: C14nMode
  readonly #declared: Placed[]
  readonly #rendered: Placed[] = []
  readonly #inherited: boolean
  #count = 0

  /** @param inherited bindings in scope above the first element, as for a subset of a document */
  constructor(mode: C14nMode, inherited: readonly Binding[] = []) {
    this.#mode = mode
    this.#declared = inherited.map((binding) => ({ ...binding, depth: 0 }))
    this.#inherited = inherited.length > 0
  }

  /** True while nothing is in scope. */
  get quiet(): boolean {
    return this.#declared.length === 0
  }

  /** True where an element that declares nothing and uses no prefix adds nothing to the canonical form. */
  isSettled(depth: number): boolean {
    if (this.#declared.length === 0) return true
    if (this.#mode === 'inclusive') return depth > 1 || !this.#inherited
    return (find(this.#declared, '') ?? '') === (find(this.#rendered, '') ?? '')
  }

  /** How many declarations were seen. */
  get count(): number {
    return this.#count
  }

  declare(prefix: string, uri: string, depth: number): void {
    checkBinding(prefix, uri)
    this.#count++
    this.#declared.push({ prefix, uri, depth })
  }

  /** @throws DocumentError bytes.well-formed for a prefix that nothing declares */
  resolve(prefix: string): string {
    const uri = find(this.#declared, prefix)
    if (uri === undefined && prefix !== '') throw refusal('bytes.well-formed', 'a prefix that is not declared')
    return uri ?? ''
  }

  /** The bindings in force, without what was undeclared. */
  inScope(): Binding[] {
    if (this.#declared.length < 2) return this.#declared.filter(({ uri }) => uri !== '')
    const byPrefix = new Map(this.#declared.map(({ prefix, uri }) => [prefix, uri]))
    return [...byPrefix].flatMap(([prefix, uri]) => (uri === '' ? [] : [{ prefix, uri }]))
  }

  /**
   * The declarations that the canonical start tag carries, in canonical order.
   * @param used prefixes of the element's own name (empty for none) and of its attributes
   * @param depth of the element, the first one being 1
   */
  render(used: readonly string[], depth: number): Binding[] {
    const changes = this.#candidates(used, depth)
      .map((prefix) => ({ prefix, uri: find(this.#declared, prefix) ?? '' }))
      .filter(({ prefix, uri }) => uri !== (find(this.#rendered, prefix) ?? ''))
      .sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
    this.#rendered.push(...changes.map((binding) => ({ ...binding, depth })))
    return changes
  }

  /** Forgets what the element of this depth declared. */
  leave(depth: number): void {
    dropFrom(this.#declared, depth)
    dropFrom(this.#rendered, depth)
  }

  #candidates(used: readonly string[], depth: number): string[] {
    if (this.#mode === 'exclusive') return [...new Set(used)]
    const here = depth === 1 && this.#inherited ? this.#declared : this.#declared.filter((one) => one.depth === depth)
    return [...new Set(here.map(({ prefix }) => prefix))]
  }
}

function find(bindings: readonly Placed[], prefix: string): string | undefined {
  for (let i = bindings.length - 1; i >= 0; i--) if (bindings[i]?.prefix === prefix) return bindings[i]?.uri
  return undefined
}

function dropFrom(bindings: Placed[], depth: number): void {
  while ((bindings.at(-1)?.depth ?? 0) >= depth) bindings.pop()
}

/** Namespaces 1.0 §3 and §5; `xml` is left out of the subset, since C14N hands its attributes down in its own way. */
function checkBinding(prefix: string, uri: string): void {
  if (prefix === 'xml' || prefix === 'xmlns') throw refusal('bytes.well-formed', 'a reserved prefix is declared')
  if (/^http:\/\/www\.w3\.org\/(?:XML\/1998\/namespace|2000\/xmlns\/)$/.test(uri)) {
    throw refusal('bytes.well-formed', 'a reserved namespace is declared')
  }
  if (prefix !== '' && uri === '') throw refusal('bytes.well-formed', 'a prefix is undeclared')
  // Kept to characters that every canonical form writes as they are.
  if (!/^[!#-%'-;=?-~]*$/.test(uri)) throw refusal('bytes.subset', 'a namespace name of unusual characters')
}
