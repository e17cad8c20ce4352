import type { XmlElement } from '../xml.ts'
import { readCertificate } from './certificate.ts'
import type { DraftFields, Noted } from './noted.ts'
import { attribute, childOf, dateOf, invalid, noted, toEpochSeconds } from './values.ts'

/**
 * Reads a PAN verification record. Real ones call the element `PAN`, the published schema `PANVerificationRecord`; the
 * number stands there and on the root (documents-and-signatures.md §1.5).
 * @throws DocumentError DOC_FIELDS_INVALID when the two numbers differ, or the number does not look like a PAN
 */
export function readPancr(root: XmlElement): DraftFields {
  const data = childOf(root, 'CertificateData')
  const record = childOf(data, 'PAN') ?? childOf(data, 'PANVerificationRecord')
  return {
    ...readCertificate(root, 'PANCR'),
    number: eitherPan(panOf(record, 'num'), panOf(root, 'number')),
    verifiedOn: dateOf(record, 'verifiedOn'),
    verifiedAt: toEpochSeconds(attribute(record, 'verifiedOn') ?? ''),
  }
}

function panOf(element: XmlElement | undefined, name: string): Noted<string> | undefined {
  return noted(element, name, (tidy) => {
    const pan = tidy.toUpperCase()
    if (!/^[A-Z]{5}\d{4}[A-Z]$/.test(pan)) throw invalid('not a PAN')
    return pan
  })
}

function eitherPan(inRecord: Noted<string> | undefined, onRoot: Noted<string> | undefined) {
  if (inRecord && onRoot && inRecord.value !== onRoot.value) throw invalid('the two PANs of the document differ')
  return inRecord ?? onRoot
}
