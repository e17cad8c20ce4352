import type { DocumentFields } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import { findKyc, isOfflineKyc, readAdhar } from './adhar.ts'
import { readCertificate } from './certificate.ts'
import { readDrvlc } from './drvlc.ts'
import { readMarksheet } from './marksheet.ts'
import { type DraftFields, settle } from './noted.ts'
import { readPancr } from './pancr.ts'
import { readRvcer } from './rvcer.ts'
import { attribute, invalid } from './values.ts'

/** One row per doctype with fields of its own; every other doctype gives what all certificates have in common. */
const READERS: ReadonlyMap<string, (root: XmlElement, doctype: string) => DraftFields> = new Map([
  ['ADHAR', readAdhar],
  ['DRVLC', readDrvlc],
  ['RVCER', readRvcer],
  ['PANCR', readPancr],
  ['SSCER', readMarksheet],
  ['HSCER', readMarksheet],
])

/**
 * Reads the fields of content whose signature the caller has verified; `extract` is for all who have not.
 * @throws DocumentError DOC_FIELDS_INVALID, DOC_AADHAAR_NUMBER
 */
export function readFields(root: XmlElement): DocumentFields {
  const doctype = doctypeOf(root)
  const read = READERS.get(doctype) ?? readCertificate
  return settle(read(root, doctype))
}

/**
 * The type that the content states, upper case. The two forms of Aadhaar state none and are known by their elements,
 * which go before any word beside them.
 * @throws DocumentError DOC_FIELDS_INVALID when it states none, or something that is no type
 */
export function doctypeOf(root: XmlElement): string {
  if (isOfflineKyc(root) || root.name === 'KycRes') return 'ADHAR'
  const doctype = attribute(root, 'type')?.toUpperCase() ?? (findKyc(root) ? 'ADHAR' : undefined)
  if (doctype === undefined) throw invalid('the document does not say what it is')
  // A type goes into events and logs: nothing that could be a name or a number of somebody may pass for one.
  if (!/^[A-Z][A-Z0-9]{1,9}$/.test(doctype)) throw invalid('what the document calls its type is none')
  return doctype
}
