import type { DocumentFields } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import { readCertificate } from './certificate.ts'
import { attribute, childOf, dateOf, invalid } from './values.ts'

/**
 * Reads a PAN verification record. Real ones call the element `PAN`, the published schema `PANVerificationRecord`; the
 * number stands there and on the root (documents-and-signatures.md §1.5).
 * @throws DocumentError DOC_FIELDS_INVALID when the two numbers differ, or the number does not look like a PAN
 */
export function readPancr(root: XmlElement): DocumentFields {
  const certificate = readCertificate(root, 'PANCR')
  const data = childOf(root, 'CertificateData')
  const record = childOf(data, 'PAN') ?? childOf(data, 'PANVerificationRecord')
  return {
    ...certificate,
    number: panOf(attribute(record, 'num'), certificate.number),
    verifiedOn: dateOf(record, 'verifiedOn'),
  }
}

function panOf(inRecord: string | undefined, onRoot: string | undefined): string | undefined {
  const [pan, other] = [inRecord, onRoot].flatMap((written) => written?.toUpperCase() ?? [])
  if (pan === undefined) return undefined
  if (other !== undefined && other !== pan) throw invalid('the two PANs of the document differ')
  if (!/^[A-Z]{5}\d{4}[A-Z]$/.test(pan)) throw invalid('not a PAN')
  return pan
}
