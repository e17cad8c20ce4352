import type { XmlElement } from '../xml.ts'
import { addressToReachAt, readAddresses } from './address.ts'
import { type DraftFields, dispensable } from './noted.ts'
import { birthdateOf, childOf, childrenOf, dateOf, genderOf, statusOf, strictDateOf, textOf } from './values.ts'

/**
 * What every `Certificate` says of itself and its holder, whatever its type: the root, IssuedBy and IssuedTo.
 * Left unread on purpose: `uid` (may be an Aadhaar number), `title` of a person (tells marriage), `swd` and its kin,
 * religion, marital status, category, disability, phone, e-mail, photograph (documents-and-signatures.md §1.3, §6).
 */
export function readCertificate(root: XmlElement, doctype: string): DraftFields {
  const issuer = childOf(root, 'IssuedBy', 'Organization')
  const person = childOf(root, 'IssuedTo', 'Person')
  const written = [...childrenOf(person, 'Address'), ...childrenOf(person, 'Address2')]
  return {
    doctype,
    title: textOf(root, 'name'),
    number: textOf(root, 'number'),
    previousNumber: dispensable(textOf(root, 'prevNumber')),
    name: textOf(person, 'name'),
    organization: textOf(childOf(root, 'IssuedTo', 'Organization'), 'name'),
    birthdate: birthdateOf(person),
    gender: genderOf(person),
    address: addressToReachAt(written),
    addresses: readAddresses(written),
    placeOfIssue: textOf(root, 'issuedAt'),
    issuedOn: dateOf(root, 'issueDate'),
    validFrom: dateOf(root, 'validFromDate'),
    expiresOn: strictDateOf(root, 'expiryDate'),
    status: statusOf(root),
    documentIssuer: { id: textOf(issuer, 'code'), name: textOf(issuer, 'name') },
  }
}
