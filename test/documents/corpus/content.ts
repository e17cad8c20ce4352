import type { XmlElement } from '../../../src/documents/xml.ts'

/** What a document says: names, attributes, text, children. Where a thing stood and how it was written is left out. */
export function contentOf({ local, uri, attributes, text, children }: XmlElement): unknown {
  const sorted = [...attributes].sort(([a], [b]) => (a < b ? -1 : 1))
  return { local, uri, attributes: Object.fromEntries(sorted), text, children: children.map(contentOf) }
}
