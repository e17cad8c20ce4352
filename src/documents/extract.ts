import { DocumentError } from '../errors.ts'
import { checkNoAadhaarNumber } from './aadhaar-number.ts'
import { findKyc, readAdhar } from './doctypes/adhar.ts'
import { readCertificate } from './doctypes/certificate.ts'
import { readDrvlc } from './doctypes/drvlc.ts'
import { readPancr } from './doctypes/pancr.ts'
import { attribute, compact, invalid } from './doctypes/values.ts'
import type { DocumentFields } from './document.ts'
import { contentOf, type VerifiedDocument } from './verify.ts'
import type { XmlElement } from './xml.ts'

/** One row per doctype with fields of its own; every other doctype gives what all certificates have in common. */
const DOCTYPES: Readonly<Record<string, (root: XmlElement) => DocumentFields>> = {
  ADHAR: readAdhar,
  DRVLC: readDrvlc,
  PANCR: readPancr,
}

/**
 * Reads the fields of a verified document, normalised, from the text whose digest was signed. Takes nothing else, so
 * fields of an unverified document cannot be read by accident.
 * @throws DocumentError DOC_FIELDS_INVALID when the content contradicts itself or a relied-upon date is unreadable;
 *   DOC_AADHAAR_NUMBER when a value looks like an Aadhaar number; DOC_SIGNATURE_INVALID for a look-alike of a document
 * @see documents-and-signatures.md §1 and §6
 */
export function extract(document: VerifiedDocument): DocumentFields {
  const root = contentOf(document)
  const doctype = doctypeOf(root)
  const fields = DOCTYPES[doctype]?.(root) ?? readCertificate(root, doctype)
  checkNoAadhaarNumber(fields)
  return compact<DocumentFields>({ ...fields, documentIssuer: compact(fields.documentIssuer) })
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

/** The type that the signed content states. An e-Aadhaar states none and is known by its KycRes. */
function doctypeOf(root: XmlElement): string {
  const stated = attribute(root, 'type')?.toUpperCase()
  const doctype = stated ?? (findKyc(root) ? 'ADHAR' : undefined)
  if (doctype === undefined) throw invalid('the document does not say what it is')
  return doctype
}
