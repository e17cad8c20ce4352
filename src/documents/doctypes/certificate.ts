import type { DocumentFields, PostalAddress } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import {
  attribute,
  birthdateOf,
  childOf,
  childrenOf,
  dateOf,
  genderOf,
  statusOf,
  strictDateOf,
  toPostalAddress,
} from './values.ts'

/**
 * What every `Certificate` says of itself and its holder, whatever its type: the root, IssuedBy and IssuedTo/Person.
 * Left unread on purpose: `uid` (may be an Aadhaar number), `swd` and its kin, religion, marital status, category,
 * disability, phone, e-mail, photograph (documents-and-signatures.md §1.3, §6).
 */
export function readCertificate(root: XmlElement, doctype: string): DocumentFields {
  const organization = childOf(root, 'IssuedBy', 'Organization')
  const person = childOf(root, 'IssuedTo', 'Person')
  return {
    doctype,
    number: attribute(root, 'number'),
    name: attribute(person, 'name'),
    birthdate: birthdateOf(person),
    gender: genderOf(person),
    address: holderAddress(person),
    issuedOn: dateOf(root, 'issueDate'),
    validFrom: dateOf(root, 'validFromDate'),
    expiresOn: strictDateOf(root, 'expiryDate'),
    status: statusOf(root),
    documentIssuer: { id: attribute(organization, 'code'), name: attribute(organization, 'name') },
  }
}

/**
 * A licence has two addresses, as two `Address` elements or as `Address` and `Address2`. OpenID Connect wants the one
 * where the person can be reached, so present goes before permanent, and permanent before one that does not say.
 */
function holderAddress(person: XmlElement | undefined): PostalAddress | undefined {
  const written = [...childrenOf(person, 'Address'), ...childrenOf(person, 'Address2')]
  const usable = written.flatMap((element) => {
    const address = readAddress(element)
    return address ? [{ rank: rankOf(element), address }] : []
  })
  return usable.sort((a, b) => a.rank - b.rank)[0]?.address
}

const RANKS = ['present', 'permanent']

function rankOf(address: XmlElement): number {
  const rank = RANKS.indexOf(attribute(address, 'type')?.toLowerCase() ?? '')
  return rank === -1 ? RANKS.length : rank
}

function readAddress(element: XmlElement): PostalAddress | undefined {
  const [house, line1, line2, landmark, locality, vtc, district] = [
    'house',
    'line1',
    'line2',
    'landmark',
    'locality',
    'vtc',
    'district',
  ].map((name) => attribute(element, name))
  return toPostalAddress({
    street: [house, line1, line2, landmark, locality],
    places: [vtc, district],
    region: attribute(element, 'state'),
    postalCode: attribute(element, 'pin'),
    country: attribute(element, 'country'),
  })
}
