import { DocumentError } from '../../errors.ts'
import type { DocumentFields, PostalAddress } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import { attribute, birthdateOf, childOf, childrenOf, dateOf, genderOf, invalid, toPostalAddress } from './values.ts'

/** An e-Aadhaar has no IssuedBy: its content is UIDAI's by definition of `KycRes`, whoever signed the XML. */
const UIDAI = { id: 'in.gov.uidai', name: 'Unique Identification Authority of India' } as const

/** The KYC answer, under a `Certificate` with or without attributes, or as the root itself. */
export function findKyc(root: XmlElement): XmlElement | undefined {
  return root.name === 'KycRes' ? root : childOf(root, 'CertificateData', 'KycRes')
}

/**
 * Reads an e-Aadhaar. Left unread on purpose: `tkn` (a lasting pseudonym), `txn`, photograph, and `co`, which names a
 * relative (documents-and-signatures.md §1.6, §6).
 * @throws DocumentError DOC_AADHAAR_NUMBER when the uid is not masked; DOC_FIELDS_INVALID
 */
export function readAdhar(root: XmlElement): DocumentFields {
  const kyc = findKyc(root)
  if (!kyc) throw invalid('an e-Aadhaar without KycRes')
  if ((attribute(kyc, 'ret') ?? 'Y').toUpperCase() !== 'Y') throw invalid('UIDAI answered that the KYC failed')
  const data = childOf(kyc, 'UidData')
  const poi = childOf(data, 'Poi')
  return {
    doctype: 'ADHAR',
    lastFour: lastFourOf(data),
    name: attribute(poi, 'name'),
    localName: localNameOf(data),
    birthdate: birthdateOf(poi),
    gender: genderOf(poi),
    address: readAddress(childOf(data, 'Poa')),
    // When UIDAI vouched for the data: up to a year before the fetch, for DigiLocker serves a kept answer.
    verifiedOn: dateOf(kyc, 'ts'),
    documentIssuer: UIDAI,
  }
}

function lastFourOf(data: XmlElement | undefined): string | undefined {
  const uid = attribute(data, 'uid')
  if (uid === undefined) return undefined
  if (/^x{8}\d{4}$/i.test(uid)) return uid.slice(-4)
  // Any twelve digits, right check digit or not: this attribute is where the number itself would stand.
  if (/^\d{12}$/.test(uid.replace(/\D/g, ''))) throw new DocumentError('DOC_AADHAAR_NUMBER', 'the uid is not masked')
  throw invalid('the uid is not masked in the known way')
}

function localNameOf(data: XmlElement | undefined): string | undefined {
  return childrenOf(data, 'LData')
    .map((copy) => attribute(copy, 'name'))
    .find((name) => name !== undefined)
}

function readAddress(poa: XmlElement | undefined): PostalAddress | undefined {
  return toPostalAddress({
    street: [attribute(poa, 'house'), attribute(poa, 'street'), attribute(poa, 'lm'), attribute(poa, 'loc')],
    places: [attribute(poa, 'vtc'), attribute(poa, 'po'), attribute(poa, 'subdist'), attribute(poa, 'dist')],
    region: attribute(poa, 'state'),
    postalCode: attribute(poa, 'pc'),
    country: attribute(poa, 'country'),
  })
}
