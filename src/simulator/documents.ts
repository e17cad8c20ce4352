import { dayFirst } from './dates.ts'
import { eAadhaar, hex32 } from './e-aadhaar.ts'
import type { PdfPage } from './pdf.ts'
import { licenceRows, marksheetRows, panRows, registrationRows } from './pdf-pages.ts'
import type { Address, Licence, Marksheet, Pan, Persona, Vehicle } from './persona.ts'
import { element, type XmlElement } from './xml.ts'

/** One document in a locker. `xml` and `pdf` are unsigned content: the simulator signs when it serves. */
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
  readonly pdf?: PdfPage
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
  RVCER: {
    name: 'Registration of Vehicles',
    issuerId: 'in.gov.transport',
    issuer: 'Ministry of Road Transport and Highways',
  },
  SSCER: { name: 'Class X Marksheet', issuerId: 'gov.in.sample', issuer: 'Sample Board of Secondary Education' },
  HSCER: {
    name: 'Class XII Marksheet',
    issuerId: 'gov.in.sample',
    issuer: 'Sample Board of Higher Secondary Education',
  },
} as const

export type Doctype = keyof typeof DOCTYPES

const LISTED_AT = 1_572_652_800 // 2 November 2019

/**
 * What is in a persona's locker, e-Aadhaar first.
 * @param at epoch seconds; e-Aadhaar is a cached answer that is some days old (documents-and-signatures.md §1.6)
 */
export function lockerOf(persona: Persona, at: number): LockerDocument[] {
  return documentsOf(persona, at).filter(({ doctype }) => !persona.notInLocker?.includes(doctype))
}

/** What issuers have of this persona that must be pulled first (digilocker-api.md §11). */
export function pullableOf(persona: Persona, at: number): LockerDocument[] {
  return documentsOf(persona, at).filter(({ doctype }) => persona.notInLocker?.includes(doctype))
}

function documentsOf(persona: Persona, at: number): LockerDocument[] {
  const { aadhaar, pan, licence, vehicles = [], marksheets = [] } = persona
  return [
    ...(aadhaar ? [toLocker(persona, 'ADHAR', hex32(`uri:${persona.id}`), eAadhaar(persona, aadhaar, at))] : []),
    ...(pan ? [toLocker(persona, 'PANCR', pan.number, panRecord(persona, pan), panRows(persona, pan))] : []),
    ...(licence
      ? [toLocker(persona, 'DRVLC', licence.number, drivingLicence(persona, licence), licenceRows(persona, licence))]
      : []),
    ...vehicles.map((vehicle) =>
      toLocker(persona, 'RVCER', vehicle.number, registration(persona, vehicle), registrationRows(persona, vehicle)),
    ),
    ...marksheets.map((sheet) => ({
      ...toLocker(persona, sheet.doctype, sheet.number, marksheet(persona, sheet)),
      uri: `${sheet.boardId}-${sheet.doctype}-${sheet.number}`,
      issuerId: sheet.boardId,
      issuer: sheet.board,
      pdf: { title: DOCTYPES[sheet.doctype].name, issuer: sheet.board, rows: marksheetRows(persona, sheet) },
    })),
  ]
}

/** @param rows what its PDF shows. Aadhaar is advertised as PDF too, and none of it is served (digilocker-api.md §10.3) */
function toLocker(
  persona: Persona,
  doctype: Doctype,
  id: string,
  xml: XmlElement,
  rows?: PdfPage['rows'],
): LockerDocument {
  const { name, issuerId, issuer } = DOCTYPES[doctype]
  const pdfOnly = persona.pdfOnly?.includes(doctype) ?? false
  return {
    uri: `${issuerId}-${doctype}-${id}`,
    doctype,
    name,
    issuerId,
    issuer,
    mime: pdfOnly ? ['application/pdf'] : ['application/pdf', 'application/xml'],
    changedAt: LISTED_AT,
    ...(pdfOnly ? {} : { xml }),
    ...(rows && { pdf: { title: name, issuer, rows } }),
  }
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
  const upper = { ...persona, name: (pan.name ?? persona.name).toUpperCase(), relative: '' }
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
    issuedTo({ ...persona, name: licence.name ?? persona.name }, { uid: '', gender: persona.gender }, addresses),
    element('CertificateData', {}, element('DrivingLicense', {}, element('Categories', {}, ...categories))),
  )
}

/** documents-and-signatures.md §1.5; the schema spells `chasisNo` and `financer`. */
function registration(persona: Persona, vehicle: Vehicle): XmlElement {
  const root = {
    language: '99',
    name: 'Registration of Vehicles',
    type: 'RVCER',
    number: vehicle.number,
    prevNumber: '',
    issuedAt: vehicle.office,
    issueDate: dayFirst(vehicle.registeredOn),
    validFromDate: dayFirst(vehicle.registeredOn),
    expiryDate: dayFirst(vehicle.fitUntil),
    status: 'A',
  }
  const about = {
    class: vehicle.class,
    make: vehicle.make,
    model: vehicle.model,
    engineNo: vehicle.engine,
    chasisNo: vehicle.chassis,
    fuelDesc: vehicle.fuel,
    color: vehicle.colour,
    mfgDate: dayFirst(vehicle.registeredOn).slice(3),
    seatCapacity: vehicle.seats,
    sleeperCapacity: '',
    standingCapacity: '',
    unladenWeight: '',
    cubicCapacity: '',
    cylinder: '',
    wheelbase: '',
    fitTill: dayFirst(vehicle.fitUntil),
  }
  const insurance = { companyName: vehicle.insurer, policyNo: '', validTill: '' }
  return element(
    'Certificate',
    root,
    issuedBy(`Transport Department, ${persona.address.state}`, 'SG', persona.address.vtc, persona.address.state),
    issuedTo(persona, { uid: '', gender: persona.gender }, [postalAddress('present', persona.address)]),
    element(
      'CertificateData',
      {},
      element(
        'VehicleRegistration',
        { statusDate: '', financer: vehicle.financer, normsDesc: '' },
        element('Vehicle', about),
        element('Insurance', insurance),
      ),
    ),
  )
}

/** documents-and-signatures.md §1.5: what a board does not use is there and empty. */
function marksheet(persona: Persona, sheet: Marksheet): XmlElement {
  const { name } = DOCTYPES[sheet.doctype]
  const root = {
    language: '99',
    name,
    type: sheet.doctype,
    number: sheet.number,
    prevNumber: '',
    issuedAt: '',
    issueDate: '',
    validFromDate: '',
    expiryDate: '',
    status: 'A',
  }
  const performance = { result: sheet.result, marksTotal: '', marksMax: '', percentage: '', cgpa: '', cgpaMax: '' }
  const subjects = sheet.subjects.map((subject) =>
    element('Subject', {
      name: subject.name,
      code: subject.code,
      marksTheory: '',
      marksMaxTheory: '',
      marksPractical: '',
      marksMaxPractical: '',
      marksTotal: subject.marks,
      marksMax: subject.max,
      gp: '',
      gpMax: '',
      grade: subject.grade,
    }),
  )
  return element(
    'Certificate',
    root,
    issuedBy(sheet.board, 'SG', persona.address.vtc, persona.address.state),
    issuedTo(persona, { uid: '', gender: persona.gender }, []),
    element(
      'CertificateData',
      {},
      element('School', { name: sheet.school, code: '' }),
      element('Examination', { name: sheet.examination, month: sheet.month, year: String(sheet.year) }),
      element(
        'Performance',
        { ...performance, grade: '', resultDate: '', updateDate: '' },
        element('Subjects', {}, ...subjects),
      ),
    ),
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
