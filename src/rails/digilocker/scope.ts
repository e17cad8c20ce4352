import { type DocumentUri, parseDocumentUri } from './issued.ts'

/**
 * What the person agreed to, read from the granted scope string. That string is personal data (PAN and licence numbers
 * stand in it), so it goes no further than this.
 */
export interface Grant {
  /** false: the upstream sent no scope at all, and only the upstream itself knows what was agreed to */
  readonly stated: boolean
  /** documents agreed to one by one */
  readonly documents: readonly DocumentUri[]
  /** upper-case doctypes agreed to as a type: `partners.<DOCTYPE>`, and `file.partners/<DOCTYPE>` where it was not in the locker yet */
  readonly doctypes: ReadonlySet<string>
}

/**
 * Reads which documents were consented to. Order does not matter and unknown tokens are ignored.
 * A scope without any document token is a journey in which nothing was ticked.
 * @param scope the token response's `scope`, separated by spaces
 * @see digilocker-api.md §5
 */
export function parseGrant(scope: string | undefined): Grant {
  const tokens = scope?.split(/\s+/) ?? []
  const after = (prefix: string): string[] =>
    tokens.filter((token) => token.startsWith(prefix)).map((token) => token.slice(prefix.length))
  return {
    stated: scope !== undefined,
    documents: after('issued/').flatMap((uri) => parseDocumentUri(uri) ?? []),
    doctypes: new Set([...after('partners.'), ...after('file.partners/')].map((doctype) => doctype.toUpperCase())),
  }
}

/** Whether the grant covers this document. */
export function covers(grant: Grant, { uri, doctype }: DocumentUri): boolean {
  return !grant.stated || grant.doctypes.has(doctype) || grant.documents.some((granted) => granted.uri === uri)
}

/** Whether the person agreed to anything of this doctype. */
export function mentions(grant: Grant, doctype: string): boolean {
  return grant.doctypes.has(doctype) || grant.documents.some((granted) => granted.doctype === doctype)
}
