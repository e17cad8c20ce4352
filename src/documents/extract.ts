import { DocumentError } from '../errors.ts'
import { doctypeOf, readFields } from './doctypes/fields.ts'
import { type Photo, readPhoto } from './doctypes/photo.ts'
import type { DocumentFields } from './document.ts'
import { contentOf, type VerifiedDocument } from './verify.ts'

/**
 * Reads the fields of a verified document, normalised and as written, from the text whose digest was signed. Takes
 * nothing else, so fields of an unverified document cannot be read by accident.
 * @throws DocumentError DOC_FIELDS_INVALID when the content contradicts itself or a relied-upon date is unreadable;
 *   DOC_AADHAAR_NUMBER when a value looks like an Aadhaar number; DOC_SIGNATURE_INVALID for a look-alike of a document
 * @see documents-and-signatures.md §1, §5.2 and §6
 */
export function extract(document: VerifiedDocument): DocumentFields {
  return readFields(contentOf(document))
}

/**
 * Reads the photograph, for a purpose that asks for it and was consented to. It is biometric information where Aadhaar
 * is its source: show it and drop it, never store, log or send it on. Nothing of ours calls this by default.
 * @returns undefined when the document has none
 * @throws DocumentError DOC_FIELDS_INVALID when it is no image of a known kind; DOC_SIGNATURE_INVALID
 * @see Aadhaar Act 2016 s.2(g), s.8A(4)(b); documents-and-signatures.md §0 no. 9
 */
export function extractPhoto(document: VerifiedDocument): Photo | undefined {
  return readPhoto(contentOf(document))
}

/**
 * Refuses a genuine document of another type than was asked for: it proves something, but not this.
 * @param doctype as in the document's URI, upper case
 * @throws DocumentError DOC_TYPE_MISMATCH, DOC_FIELDS_INVALID, DOC_SIGNATURE_INVALID
 * @see security.md XM-14
 */
export function assertDoctype(document: VerifiedDocument, doctype: string): void {
  if (doctypeOf(contentOf(document)) !== doctype.toUpperCase()) {
    throw new DocumentError('DOC_TYPE_MISMATCH', 'a document of another type was served')
  }
}
