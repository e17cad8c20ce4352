/** A document's address in DigiLocker: `IssuerId-DocType-DocId`. Its last part often is a PAN or licence number. */
export interface DocumentUri {
  readonly uri: string
  /** upper case */
  readonly doctype: string
}

export interface IssuedDocument extends DocumentUri {
  /** lower case; empty when the list does not say */
  readonly mime: readonly string[]
}

/**
 * Splits a document URI on its first two hyphens; the document's own number may hold more of them.
 * @returns undefined for anything else
 * @see documents-and-signatures.md §1.2
 */
export function parseDocumentUri(uri: string): DocumentUri | undefined {
  const parts = /^[A-Za-z0-9._]+-([A-Za-z0-9]+)-\P{Cc}+$/u.exec(uri)
  return parts?.[1] && uri.length <= 512 ? { uri, doctype: parts[1].toUpperCase() } : undefined
}

/** The issuer in a document's URI: its repository is where DigiLocker has the document from (documents-and-signatures.md §1.2). */
export const repositoryOf = (uri: string): string => uri.split('-', 1).join('')

/**
 * Whether the document can be had as XML, the only form that carries signed fields. A list that says nothing about the
 * form is worth a try (digilocker-api.md §10.1).
 */
export function hasXml({ mime }: IssuedDocument): boolean {
  return mime.length === 0 || mime.includes('application/xml') || mime.includes('text/xml')
}

/** Whether the list says that there is a PDF; some files are pictures (digilocker-api.md §10.3). */
export const hasPdf = ({ mime }: IssuedDocument): boolean => mime.includes('application/pdf')
