import { createHash } from 'node:crypto'
import { dayFirst, indianTime } from './dates.ts'
import { makePdf } from './pdf.ts'
import type { Aadhaar, Address, Licence, Pan, Persona } from './persona.ts'
import { PORTRAIT_JPEG_BASE64 } from './portrait.ts'
import { element, type XmlElement } from './xml.ts'

/** One document in a locker. `xml` is unsigned: the simulator signs when it serves. */
export interface LockerDocument {
  /** `<issuerId>-<doctype>-<docId>` (documents-and-signatures.md §1.2) */
  readonly uri: string
  readonly doctype: string
  readonly name: string
  readonly issuerId: string
  readonly issuer: string
  readonly mime: readonly string[]
  /** when DigiLocker last changed it, not its issue date; epoch seconds */
  readonly changedAt: number
  readonly xml?: XmlElement
  readonly pdf?: Buffer
}

/** The kinds of document that the simulator knows, with the words DigiLocker lists them under. */
export const DOCTYPES = {
  ADHAR: { name: 'Aadhaar Card', issuerId: 'in.gov.uidai', issuer: 'Unique Identification Authority of India' },
  PANCR: { name: 'PAN Verification Record', issuerId: 'in.gov.pan', issuer: 'Income Tax Department' },
  DRVLC: {
    name: 'Driving License',
    issuerId: 'in.gov.transport',
    issuer: 'Ministry of Road Transport and Highways',
  },
} as const

export type Doctype = keyof typeof DOCTYPES

const KYC_AGE_SECONDS = 18 * 86_400
const YEAR_SECONDS = 365 * 86_400
const LISTED_AT = 1_572_652_800 // 2 November 2019

/**
 * What is in a persona's locker, e-Aadhaar first.
 * @param at epoch seconds; e-Aadhaar is a cached answer that is some days old (documents-and-signatures.md §1.6)
 */
export function lockerOf(persona: Persona, at: number): LockerDocument[] {
  const { aadhaar, pan, licence } = persona
  return [
    ...(aadhaar ? [toLocker(persona, 'ADHAR', hex32(`uri:${persona.id}`), eAadhaar(persona, aadhaar, at))] : []),
    ...(pan ? [toLocker(persona, 'PANCR', pan.number, panRecord(persona, pan))] : []),
    ...(licence ? [toLocker(persona, 'DRVLC', licence.number, drivingLicence(persona, licence))] : []),
  ]
}

function toLocker(persona: Persona, doctype: Doctype, id: string, xml: XmlElement): LockerDocument {
  const { name, issuerId, issuer } = DOCTYPES[doctype]
  const pdfOnly = persona.pdfOnly?.includes(doctype) ?? false
  // Aadhaar is advertised as PDF too, although no PDF of it is served (digilocker-api.md §10.3)
  const pdf =
    doctype === 'ADHAR' ? {} : { pdf: makePdf([`${name} (simulated, not a real document)`, persona.name, id]) }
  return {
    uri: `${issuerId}-${doctype}-${id}`,
    doctype,
    name,
    issuerId,
    issuer,
    mime: pdfOnly ? ['application/pdf'] : ['application/pdf', 'application/xml'],
    changedAt: LISTED_AT,
    ...(pdfOnly ? {} : { xml }),
    ...pdf,
  }
}

/** documents-and-signatures.md §1.6: a bare root, then KycRes. */
function eAadhaar(persona: Persona, aadhaar: Aadhaar, at: number): XmlElement {
  const issuedAt = at - KYC_AGE_SECONDS
  const stamp = indianTime(issuedAt).replace(/\D/g, '').slice(0, 14)
  const kycRes = {
    code: hex32(`code:${persona.id}`),
    ret: 'Y',
    ts: `${indianTime(issuedAt)}+05:30`,
    ttl: indianTime(issuedAt + YEAR_SECONDS).slice(0, 19),
    txn: `UKC:${persona.digilockerId.replaceAll('-', '')}${stamp}`,
  }
  const token = createHash('sha256').update(`tkn:${persona.id}`).digest('hex')
  return element(
    'Certificate',
    {},
    element(
      'CertificateData',
      {},
      element('KycRes', kycRes, uidData(persona, aadhaar, `01000000${token}`.slice(0, 72))),
    ),
  )
}

function uidData(persona: Persona, aadhaar: Aadhaar, tkn: string): XmlElement {
  const dob = aadhaar.yearOnly ? persona.birthdate.slice(0, 4) : dayFirst(persona.birthdate)
  return element(
    'UidData',
    { tkn, uid: `xxxxxxxx${aadhaar.lastFour}` },
    element('Poi', { dob, gender: persona.gender, name: persona.name }),
    element('Poa', aadhaarAddress(persona)),
    element('LData', localData(aadhaar)),
    element('Pht', {}, PORTRAIT_JPEG_BASE64),
  )
}

/** Attributes that have no value are left out of Poa, as observed. */
function aadhaarAddress({ relative, address }: Persona): Record<string, string> {
  const all = {
    co: `C/O ${relative}`,
    country: 'India',
    dist: address.district,
    house: address.house,
    lm: address.landmark,
    loc: address.locality,
    pc: address.pin,
    po: address.postOffice,
    state: address.state,
    street: address.street,
    subdist: address.subdistrict,
    vtc: address.vtc,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
}

/** `country` is a single space in every capture. People without a local script have the block in name only. */
function localData({ local }: Aadhaar): Record<string, string> {
  if (local === undefined) return { lang: '23' }
  const { code, name, careOf, house, street, locality, vtc, district, state } = local
  return { co: careOf, country: ' ', dist: district, house, lang: code, loc: locality, name, state, street, vtc }
}

function panRecord(persona: Persona, pan: Pan): XmlElement {
  const root = {
    language: '99',
    name: 'PAN Card',
    type: 'PANCR',
    number: pan.number,
    prevNumber: '',
    expiryDate: '',
    validFromDate: '',
    issuedAt: 'Digilocker',
    issueDate: pan.verifiedOn.slice(0, 10),
    status: 'A',
  }
  const upper = { ...persona, name: persona.name.toUpperCase(), relative: '' }
  return element(
    'Certificate',
    root,
    issuedBy('Income Tax Department', 'CG', 'New Delhi', 'Delhi'),
    // PAN carries the DigiLocker id in Person/@uid, without hyphens (documents-and-signatures.md §1.6)
    issuedTo(upper, { uid: persona.digilockerId.replaceAll('-', ''), gender: genderWord(persona) }, []),
    element('CertificateData', {}, element('PAN', { verifiedOn: pan.verifiedOn, num: pan.number })),
  )
}

function drivingLicence(persona: Persona, licence: Licence): XmlElement {
  const root = {
    language: '99',
    name: 'Driving License',
    type: 'DRVLC',
    number: licence.number,
    prevNumber: '',
    issuedAt: licence.office,
    issueDate: dayFirst(licence.issuedOn),
    validFromDate: dayFirst(licence.issuedOn),
    expiryDate: dayFirst(licence.expiresOn),
    status: licence.status,
  }
  const categories = licence.classes.map(({ code, abbreviation, description, issuedOn }) =>
    element('Category', { code, abbreviation, description, issueDate: dayFirst(issuedOn), endorseDate: '' }),
  )
  const addresses = [postalAddress('present', persona.address), postalAddress('permanent', persona.address)]
  return element(
    'Certificate',
    root,
    issuedBy(`Transport Department, ${persona.address.state}`, 'SG', persona.address.vtc, persona.address.state),
    issuedTo(persona, { uid: '', gender: persona.gender }, addresses),
    element('CertificateData', {}, element('DrivingLicense', {}, element('Categories', {}, ...categories))),
  )
}

function issuedBy(name: string, type: 'CG' | 'SG', district: string, state: string): XmlElement {
  const address = element('Address', { ...EMPTY_ADDRESS, type: '', district, state, country: 'IN' })
  return element('IssuedBy', {}, element('Organization', { name, code: '', tin: '', uid: '', type }, address))
}

/** Attributes that an issuer does not fill stand there empty (documents-and-signatures.md §1.3). */
function issuedTo(
  person: Pick<Persona, 'name' | 'birthdate' | 'relative'>,
  own: { uid: string; gender: string },
  addresses: XmlElement[],
): XmlElement {
  const attributes = {
    uid: own.uid,
    title: '',
    name: person.name,
    dob: dayFirst(person.birthdate),
    swd: person.relative,
    swdIndicator: person.relative === '' ? '' : 'S',
    gender: own.gender,
    maritalStatus: '',
    religion: '',
    phone: '',
    email: '',
  }
  const photo = element('Photo', { format: '' })
  return element('IssuedTo', {}, element('Person', attributes, ...addresses, photo))
}

const EMPTY_ADDRESS = { line1: '', line2: '', house: '', landmark: '', locality: '', vtc: '', pin: '' }

function postalAddress(type: 'present' | 'permanent', address: Address): XmlElement {
  return element('Address', {
    type,
    line1: `${address.house}, ${address.street}`,
    line2: address.locality,
    house: address.house,
    landmark: address.landmark,
    locality: address.locality,
    vtc: address.vtc,
    district: address.district,
    pin: address.pin,
    state: address.state,
    country: 'IN',
  })
}

const genderWord = ({ gender }: Persona) => ({ F: 'FEMALE', M: 'MALE', T: 'TRANSGENDER' })[gender]
const hex32 = (seed: string) => createHash('sha256').update(seed).digest('hex').slice(0, 32)
