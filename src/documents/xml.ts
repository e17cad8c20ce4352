import { type SaxesAttributeNS, SaxesParser } from 'saxes'
import { DocumentError } from '../errors.ts'
import { type CheckId, refusal } from './checks.ts'

/** How big a document may be before it is refused unread (security.md XM-3). */
export interface XmlLimits {
  /** bytes as received */
  readonly bytes: number
  /** elements inside each other, the root counting as one */
  readonly depth: number
  readonly elements: number
  /** of one element, namespace declarations included */
  readonly attributes: number
  /** namespace declarations in the whole document */
  readonly namespaces: number
  /** UTF-16 units of one attribute's value */
  readonly attributeLength: number
  /** UTF-16 units of the text directly in one element */
  readonly textLength: number
  /** references, comments, CDATA sections, line ends and escapes: each costs more than a byte that is copied */
  readonly rewrites: number
}

/** Our own small tree. Text nodes are joined, so that a comment in the middle cannot split a value. */
export interface XmlElement {
  /** as written, with prefix */
  readonly name: string
  readonly local: string
  /** namespace name, empty for none */
  readonly uri: string
  /** by name as written, namespace declarations left out */
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** all text directly in the element */
  readonly text: string
  /** no comment and no CDATA section directly in it */
  readonly plain: boolean
  /** where the element stands in the parsed text, in UTF-16 units */
  readonly start: number
  readonly end: number
}

type Growing = { -readonly [K in keyof XmlElement]: XmlElement[K] } & {
  attributes: Map<string, string>
  children: XmlElement[]
}

const XMLNS = 'http://www.w3.org/2000/xmlns/'

/**
 * Turns received bytes into text: at most `limits.bytes`, valid UTF-8, one byte order mark dropped, no DOCTYPE.
 * @throws DocumentError DOC_TOO_LARGE, DOC_ENCODING, DOC_DOCTYPE
 * @see security.md XM-1, XM-2, XM-3
 */
export function decodeXml(bytes: Uint8Array, limits: XmlLimits): string {
  if (bytes.byteLength > limits.bytes) throw refusal('bytes.size')
  const text = decodeUtf8(bytes)
  if (text.startsWith('\uFEFF')) throw refusal('bytes.utf8')
  // Looked for in the raw text, before any parser: entities, default attributes and DTD ids then cannot exist at all.
  if (text.includes('<!DOCTYPE')) throw refusal('bytes.doctype')
  return text
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw refusal('bytes.utf8', undefined, cause)
  }
}

/**
 * Parses text as XML 1.0 with namespaces, strictly and within limits. It stands before anything lenient: what passes has
 * one reading (no processing instruction, no undeclared entity, no duplicate attribute, one root).
 * @param text of `decodeXml`, so without a DOCTYPE
 * @throws DocumentError DOC_ENCODING, DOC_MALFORMED, DOC_TOO_LARGE
 * @see XML 1.0 §2; Namespaces in XML 1.0 §6; security.md XM-2, XM-3
 */
export function parseXml(text: string, limits: XmlLimits): XmlElement {
  const reader = new TreeReader(limits)
  try {
    return reader.read(text)
  } catch (error) {
    if (error instanceof DocumentError) throw error
    // No cause: the parser's messages quote names from the document.
    throw refusal('bytes.well-formed')
  }
}

class TreeReader {
  readonly #limits: XmlLimits
  readonly #parser = new SaxesParser({ xmlns: true, position: true, defaultXMLVersion: '1.0', forceXMLVersion: true })
  readonly #open: Growing[] = []
  #root: XmlElement | undefined
  #elements = 0
  #attributes = 0
  #namespaces = 0
  #start = 0

  constructor(limits: XmlLimits) {
    this.#limits = limits
  }

  read(text: string): XmlElement {
    const parser = this.#parser
    parser.on('xmldecl', checkDeclaration)
    // C14N libraries print the data of any node as if it were text: an instruction could pose as a value.
    parser.on('processinginstruction', () => {
      throw refusal('bytes.instruction')
    })
    parser.on('opentagstart', () => {
      this.#attributes = 0
      this.#start = text.lastIndexOf('<', parser.position - 1)
      this.#within(++this.#elements, this.#limits.elements, 'bytes.elements')
      this.#within(this.#open.length + 1, this.#limits.depth, 'bytes.depth')
    })
    parser.on('attribute', (attribute) => this.#countAttribute(attribute))
    parser.on('opentag', ({ name, local, uri, attributes }) => this.#enter(name, local, uri, Object.values(attributes)))
    parser.on('text', (part) => this.#addText(part, true))
    parser.on('cdata', (part) => this.#addText(part, false))
    parser.on('comment', (comment) => {
      this.#within(comment.length, this.#limits.attributeLength, 'bytes.text-length')
      this.#addText('', false)
    })
    parser.on('closetag', () => this.#leave(parser.position))
    parser.write(text).close()
    // A text without a root element does not get past `close`.
    return this.#root as XmlElement
  }

  #countAttribute({ prefix, name, value }: { prefix: string; name: string; value: string }): void {
    this.#within(++this.#attributes, this.#limits.attributes, 'bytes.attributes')
    this.#within(value.length, this.#limits.attributeLength, 'bytes.attribute-length')
    if (prefix === 'xmlns' || name === 'xmlns') {
      this.#within(++this.#namespaces, this.#limits.namespaces, 'bytes.namespaces')
    }
  }

  #enter(name: string, local: string, uri: string, attributes: SaxesAttributeNS[]): void {
    const own = attributes.filter((attribute) => attribute.uri !== XMLNS)
    const values = new Map(own.map((attribute) => [attribute.name, attribute.value]))
    this.#open.push({
      name,
      local,
      uri,
      attributes: values,
      children: [],
      text: '',
      plain: true,
      start: this.#start,
      end: 0,
    })
  }

  #addText(part: string, plain: boolean): void {
    const element = this.#open.at(-1)
    if (!element) return
    element.text += part
    element.plain &&= plain
    this.#within(element.text.length, this.#limits.textLength, 'bytes.text-length')
  }

  #leave(end: number): void {
    const element = this.#open.pop()
    if (!element) return
    element.end = end
    const parent = this.#open.at(-1)
    if (parent) parent.children.push(element)
    else this.#root = element
  }

  #within(count: number, limit: number, check: CheckId): void {
    if (count > limit) throw refusal(check)
  }
}

function checkDeclaration(declaration: { version?: string; encoding?: string }): void {
  if (declaration.version !== '1.0') throw refusal('bytes.declaration')
  const encoding = declaration.encoding?.toLowerCase() ?? 'utf-8'
  if (encoding !== 'utf-8') throw refusal('bytes.declaration')
}

/** The element and everything below it, in document order. */
export function* withDescendants(element: XmlElement): Generator<XmlElement> {
  yield element
  for (const child of element.children) yield* withDescendants(child)
}

/** Whether two readings give the same elements, attributes and text; positions and comments do not matter. */
export function sameContent(a: XmlElement, b: XmlElement): boolean {
  return (
    a.name === b.name &&
    a.uri === b.uri &&
    a.text === b.text &&
    a.attributes.size === b.attributes.size &&
    [...a.attributes].every(([name, value]) => b.attributes.get(name) === value) &&
    a.children.length === b.children.length &&
    a.children.every((child, index) => {
      const other = b.children[index]
      return other !== undefined && sameContent(child, other)
    })
  )
}
