import { refusal } from '../checks.ts'
import type { XmlElement } from '../xml.ts'
import type { Binding } from './namespaces.ts'

type Growing = { -readonly [K in keyof XmlElement]: XmlElement[K] } & {
  attributes: Map<string, string>
  children: XmlElement[]
}

const SPACE = 0x20
const GREATER = 0x3e
const REFERENCE = /&(?:amp|lt|gt|quot|#x9|#xA|#xD);/g
const CHARACTERS: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x9;': '\t',
  '&#xA;': '\n',
  '&#xD;': '\r',
}

/**
 * Reads canonical XML that {@link scanDocument} wrote: start tags with double quotes, end tags, text, six references and
 * nothing else. It reads the bytes that were digested, so that nothing can be read that was not signed.
 * @param inherited namespaces in scope above the element
 * @see Canonical XML 1.0 §1.1
 */
export function readCanonical(canonical: Uint8Array, inherited: readonly Binding[] = []): XmlElement {
  const text = Buffer.from(canonical.buffer, canonical.byteOffset, canonical.byteLength).toString('utf8')
  return new CanonicalReader(text, new Map(inherited.map(({ prefix, uri }) => [prefix, uri]))).read()
}

class CanonicalReader {
  readonly #text: string
  readonly #inherited: ReadonlyMap<string, string>
  #at = 0

  constructor(text: string, inherited: ReadonlyMap<string, string>) {
    this.#text = text
    this.#inherited = inherited
  }

  read(): XmlElement {
    const root = this.#startTag(this.#inherited)
    const open = [root]
    for (let element = open.at(-1); element !== undefined; element = open.at(-1)) {
      const less = this.#next('<', this.#at)
      if (less > this.#at) element.element.text += decode(this.#text.slice(this.#at, less))
      this.#at = less
      if (this.#text[less + 1] === '/') {
        this.#at = this.#next('>', less) + 1
        open.pop()
      } else {
        const child = this.#startTag(element.scope)
        element.element.children.push(child.element)
        open.push(child)
      }
    }
    return root.element
  }

  #startTag(outer: ReadonlyMap<string, string>): { element: Growing; scope: ReadonlyMap<string, string> } {
    const start = this.#at
    let p = start + 1
    for (let code = this.#text.charCodeAt(p); code > SPACE && code !== GREATER; ) code = this.#text.charCodeAt(++p)
    const name = this.#text.slice(start + 1, p)
    const attributes = new Map<string, string>()
    let scope = outer
    while (this.#text[p] === ' ') {
      const equals = this.#next('=', p)
      const end = this.#next('"', equals + 2)
      const attribute = this.#text.slice(p + 1, equals)
      const value = decode(this.#text.slice(equals + 2, end))
      if (attribute === 'xmlns' || attribute.startsWith('xmlns:')) {
        scope = new Map(scope).set(attribute.slice('xmlns:'.length), value)
      } else attributes.set(attribute, value)
      p = end + 1
    }
    this.#at = p + 1
    const colon = name.indexOf(':')
    const local = colon === -1 ? name : name.slice(colon + 1)
    const uri = scope.get(colon === -1 ? '' : name.slice(0, colon)) ?? ''
    return { scope, element: { name, local, uri, attributes, children: [], text: '', plain: true, start: 0, end: 0 } }
  }

  #next(what: string, from: number): number {
    const at = this.#text.indexOf(what, from)
    if (at === -1) throw refusal('bytes.well-formed', 'the canonical form breaks off')
    return at
  }
}

const decode = (text: string) =>
  text.includes('&') ? text.replace(REFERENCE, (reference) => CHARACTERS[reference] ?? reference) : text
