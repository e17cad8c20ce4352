/** A tiny XML tree. Attributes keep the order in which they are to appear on the wire. No namespaces: our content has none. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (XmlElement | string)[]
}

export function element(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (XmlElement | string)[]
): XmlElement {
  return { name, attributes, children }
}

/**
 * Inclusive Canonical XML 1.0 of a tree without namespaces: attributes in code-point order, empty elements expanded.
 * @see https://www.w3.org/TR/2001/REC-xml-c14n-20010315 §2.3
 */
export function toCanonical(tree: XmlElement): string {
  const names = Object.keys(tree.attributes).sort(byCodePoint)
  return `${openTag(tree, names)}>${content(tree, toCanonical)}</${tree.name}>`
}

/** As issuers' software writes it: attributes in document order, empty elements collapsed. Not canonical, on purpose. */
export function toWire(tree: XmlElement): string {
  const open = openTag(tree, Object.keys(tree.attributes))
  return tree.children.length === 0 ? `${open}/>` : `${open}>${content(tree, toWire)}</${tree.name}>`
}

/** XML 1.0 text, escaped the canonical way. */
export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (c) => TEXT_ESCAPES[c] ?? c)
}

const TEXT_ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' }
const ATTRIBUTE_ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

function openTag(tree: XmlElement, names: string[]): string {
  return `<${tree.name}${names.map((name) => ` ${name}="${escapeAttribute(tree.attributes[name] ?? '')}"`).join('')}`
}

function content(tree: XmlElement, write: (child: XmlElement) => string): string {
  return tree.children.map((child) => (typeof child === 'string' ? escapeText(child) : write(child))).join('')
}

function escapeAttribute(value: string): string {
  return value.replace(/[&<"\t\n\r]/g, (c) => ATTRIBUTE_ESCAPES[c] ?? c)
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
