import { readFields } from '../../../src/documents/doctypes/fields.ts'
import type { DocumentFields } from '../../../src/documents/document.ts'
import { PROFILES } from '../../../src/documents/profiles.ts'
import { parseXml, type XmlElement } from '../../../src/documents/xml.ts'

/** Documents of every kind, with all that the references say they may hold; people, numbers and places invented. */
export interface Node {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (Node | string)[]
}

export const node = (
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (Node | string)[]
): Node => ({ name, attributes, children })

const escaped = (value: string) => value.replace(/[&<>"\t\n\r]/g, (character) => `&#${character.codePointAt(0)};`)

export function print({ name, attributes, children }: Node): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`)
  const inner = children.map((child) => (typeof child === 'string' ? escaped(child) : print(child)))
  return `<${name}${written.join('')}>${inner.join('')}</${name}>`
}

export const parsed = (document: Node): XmlElement => parseXml(print(document), PROFILES.digilocker.limits)

/** As `extract` reads a document whose signature held. */
export const fieldsOf = (document: Node): DocumentFields => readFields(parsed(document))

/** The document with other attributes on every element of that name; `undefined` takes one away. */
export function withAttributes(document: Node, name: string, changes: Record<string, string | undefined>): Node {
  return edited(document, name, (found) => {
    const entries = Object.entries({ ...found.attributes, ...changes })
    const kept = entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
    return { ...found, attributes: Object.fromEntries(kept) }
  })
}

/** The document with every element of that name put through `edit`; nothing takes it away, the root excepted. */
export function edited(document: Node, name: string, edit: (found: Node) => Node | undefined): Node {
  const children = document.children.flatMap<Node | string>((child) =>
    typeof child === 'string' ? child : below(child),
  )
  const whole = { ...document, children }
  return document.name === name ? (edit(whole) ?? whole) : whole

  function below(child: Node): readonly Node[] {
    if (child.name !== name) return [edited(child, name, edit)]
    const found = edit(child)
    return found ? [found] : []
  }
}

/** What stands in the documents below and must never be in what is read from them. */
export const SECRETS = [
  '234123412346',
  'PARENT OF HOLDER',
  'MOTHER OF HOLDER',
  'SPOUSE OF HOLDER',
  'Relative of Holder',
  'FAITH',
  'CASTE',
  'MARRIED',
  'DISABLED',
  'MRS',
  '9000000001',
  'holder@example.test',
  '01002345AbCdTokenToken',
  'UKC:',
  '0123456789abcdef0123456789abcdef',
  'aaaaaaaaaaaaaaaa',
  'bbbbbbbbbbbbbbbb',
  '/9j/4AAQSkZJRg==',
  '5678202611012345',
] as const

const photo = (name: string) => node(name, name === 'Photo' ? { format: 'jpg' } : {}, '/9j/4AAQSkZJRg==')

const privateParts = {
  uid: '234123412346',
  title: 'MRS',
  swd: 'PARENT OF HOLDER',
  swdIndicator: 'D',
  motherName: 'MOTHER OF HOLDER',
  fatherName: 'PARENT OF HOLDER',
  relationWithHof: 'SPOUSE OF HOLDER',
  maritalStatus: 'MARRIED',
  religion: 'FAITH',
  category: 'CASTE',
  disabilityStatus: 'DISABLED',
  phone: '9000000001',
  email: 'holder@example.test',
  age: '38',
}

const present = node('Address', {
  type: 'present',
  house: 'Flat 4',
  line1: '2 Present Road',
  line2: '',
  landmark: 'Near Lake',
  locality: 'Ward 7',
  vtc: 'Bengaluru',
  district: 'Bengaluru Urban',
  pin: '560001',
  state: 'Karnataka',
  country: 'IN',
})

const permanent = node('Address', {
  type: 'permanent',
  line1: '1 Permanent Road',
  vtc: 'Mysuru',
  district: 'Mysuru',
  pin: '570001',
  state: 'Karnataka',
  country: 'IN',
})

const person = (attributes: Record<string, string>, ...children: Node[]) =>
  node('IssuedTo', {}, node('Person', { ...privateParts, ...attributes }, ...children, photo('Photo')))

const issuedBy = (name: string, code: string, type: string) =>
  node(
    'IssuedBy',
    {},
    node('Organization', { name, code, tin: '', uid: '', type }, node('Address', { line1: 'Office' })),
  )

const signature = node('Signature', { xmlns: 'http://www.w3.org/2000/09/xmldsig#' })

const root = (attributes: Record<string, string>) => ({ language: '99', prevNumber: ' ', ...attributes })

export const LICENCE = node(
  'Certificate',
  root({
    name: 'Driving License',
    type: 'DRVLC',
    number: 'KA0120100001234',
    prevNumber: 'KA01 OLD 77',
    issuedAt: 'RTO, Bengaluru',
    issueDate: '01-02-2010',
    validFromDate: '01/02/2010',
    expiryDate: '31-12-2040',
    status: 'Active',
  }),
  issuedBy('Transport Department', 'KA', 'SG'),
  person({ name: 'Arjun  Sample', dob: '05-06-1988', gender: 'M' }, permanent, present),
  node(
    'CertificateData',
    {},
    node(
      'DrivingLicense',
      {},
      node(
        'Categories',
        {},
        node('Category', {
          abbreviation: 'LMV',
          code: 'NT',
          description: 'Light Motor Vehicle',
          issueDate: '01-02-2010',
          endorseDate: '05-06-2015',
        }),
        node('Category', { abbreviation: 'TRANS', code: 'T', description: '', issueDate: ' ', endorseDate: '' }),
      ),
    ),
  ),
  signature,
)

export const REGISTRATION = node(
  'Certificate',
  root({
    name: 'Registration of Vehicles',
    type: 'RVCER',
    number: 'KA01AB1234',
    issuedAt: 'RTO, Bengaluru',
    issueDate: '10-08-2019',
    validFromDate: '',
    expiryDate: '09-08-2034',
    status: 'ACTIVE',
  }),
  issuedBy('Transport Department', 'KA', 'SG'),
  person({ name: 'Arjun Sample', dob: '', gender: '' }, present),
  node(
    'CertificateData',
    {},
    node(
      'VehicleRegistration',
      { statusDate: '11-08-2019', financer: 'EXAMPLE BANK LTD', normsDesc: 'BHARAT STAGE IV' },
      node('Vehicle', {
        class: 'Motor Car(LMV)',
        make: 'EXAMPLE MOTORS',
        model: 'SAMPLE VXI',
        engineNo: 'K12MN1234567',
        chasisNo: 'MA3EXAMPLE0012345',
        fuelDesc: 'PETROL',
        color: 'PEARL WHITE',
        mfgDate: '07/2019',
        seatCapacity: '05',
        sleeperCapacity: '0',
        standingCapacity: '',
        unladenWeight: '875',
        cubicCapacity: '1197.00',
        cylinder: '4',
        wheelbase: '2430',
        fitTill: '09-08-2034',
      }),
      node('Insurance', { companyName: 'SAMPLE GENERAL', policyNo: 'OG/2025/778', validTill: '09-08-2027' }),
    ),
  ),
  signature,
)

export const PAN = node(
  'Certificate',
  root({
    name: 'PAN Verification Record',
    type: 'PANCR',
    number: 'ABCPE1234F',
    issuedAt: 'Digilocker',
    issueDate: '',
    validFromDate: ' ',
    expiryDate: '',
    status: 'A',
  }),
  issuedBy('Income Tax Department', '', 'CG'),
  person({ name: 'MEERA EXAMPLE', dob: '29-02-1992', gender: 'FEMALE' }),
  node('CertificateData', {}, node('PAN', { num: 'ABCPE1234F', verifiedOn: '03-04-2024 10:11:12' })),
  signature,
)

const holder = node('Poi', { dob: '07-08-1979', gender: 'T', name: 'Kiran Specimen' })

export const KYC = node(
  'KycRes',
  {
    code: '0123456789abcdef0123456789abcdef',
    ret: 'Y',
    ts: '2026-11-01T23:45:00.123+05:30',
    ttl: '2027-11-01T23:45:00',
    txn: 'UKC:0123456789abcdef0123456789abcdef20261101234500',
  },
  node(
    'UidData',
    { tkn: '01002345AbCdTokenToken', uid: 'xxxxxxxx1234' },
    holder,
    node('Poa', {
      co: 'C/O Relative of Holder',
      country: 'India',
      dist: 'Sampleabad',
      house: '12',
      lm: 'Near Tank',
      loc: 'Ward 3',
      pc: '500001',
      po: 'Exampur',
      state: 'Telangana',
      street: 'Main Street',
      subdist: '',
      vtc: 'Exampur',
    }),
    node('LData', {
      co: 'C/O Relative of Holder',
      country: ' ',
      dist: 'नमूनाबाद',
      lang: '06',
      name: 'किरण नमूना',
      pc: '500001',
      state: 'तेलंगाना',
      vtc: 'उदाहरणपुर',
    }),
    photo('Pht'),
  ),
)

/** With the bare root of most, and with the root of some that states the type. */
export const AADHAAR = node('Certificate', {}, node('CertificateData', {}, KYC), signature)
export const AADHAAR_TYPED = node('Certificate', { type: 'ADHAR', number: '' }, node('CertificateData', {}, KYC))

export const OFFLINE = node(
  'OfflinePaperlessKyc',
  { referenceId: '567820261101234500123' },
  node(
    'UidData',
    {},
    node('Poi', {
      dob: '1979',
      e: 'a'.repeat(64),
      gender: 'female',
      m: 'b'.repeat(64),
      name: 'Lata Specimen',
    }),
    node('Poa', {
      careof: 'W/O: Relative of Holder',
      country: 'India',
      dist: 'Sampleabad',
      house: '12',
      landmark: 'Near Tank',
      loc: 'Ward 3',
      pc: '500001',
      po: 'Exampur',
      state: 'Telangana',
      street: 'Main Street',
      subdist: 'Exampur Mandal',
      vtc: 'Exampur',
    }),
    photo('Pht'),
  ),
  signature,
)

const EMPTY_MARKS = { gp: '', gpMax: '', marksPractical: ' ', marksMaxPractical: '' }

const marksheet = (type: string, name: string, month: string) =>
  node(
    'Certificate',
    root({
      name,
      type,
      number: '1234567/2019',
      issuedAt: 'DELHI',
      issueDate: '06-05-2019',
      validFromDate: '',
      expiryDate: '',
      status: 'A',
    }),
    issuedBy('Central Board of Examples', 'CBX', 'CG'),
    person({ name: 'ROHAN SPECIMEN', dob: '09-10-2003', gender: 'Male' }),
    node(
      'CertificateData',
      {},
      node('School', { name: 'SAMPLE PUBLIC SCHOOL', code: '08765' }),
      node('Examination', { name: `${name} 2019`, month, year: '2019', centerCode: '0812', admitCardId: 'RS876512' }),
      node(
        'Performance',
        {
          result: 'PASS',
          marksTotal: '431',
          marksMax: '500',
          percentage: '86.20',
          cgpa: '',
          cgpaMax: '',
          grade: ' ',
          resultDate: '06-05-2019',
          updateDate: '',
        },
        node(
          'Subjects',
          {},
          node('Subject', {
            ...EMPTY_MARKS,
            name: 'ENGLISH',
            code: '184',
            marksTheory: '069',
            marksMaxTheory: '80',
            marksTotal: '089',
            marksMax: '100',
            grade: 'A2',
          }),
          node('Subject', {
            ...EMPTY_MARKS,
            name: 'SCIENCE',
            code: '086',
            marksTheory: 'AB',
            marksMaxTheory: '80',
            marksPractical: '20',
            marksTotal: '033F',
            marksMax: '',
            gp: '9.0',
            gpMax: '10',
            grade: '',
          }),
        ),
      ),
    ),
    signature,
  )

export const CLASS_TEN = marksheet('SSCER', 'Secondary School Examination', 'MARCH')
export const CLASS_TWELVE = marksheet('HSCER', 'Senior School Certificate Examination', '03')

export const BIRTH = node(
  'Certificate',
  root({
    name: 'Birth Certificate',
    type: 'BTCER',
    number: 'B-2019/77',
    issuedAt: 'Exampur',
    issueDate: '01-04-2019',
    validFromDate: '',
    expiryDate: '',
    status: 'A',
  }),
  issuedBy('Registrar of Samples', 'UP', 'SG'),
  person({ name: 'Tara Specimen', dob: '20-03-2019', gender: 'F' }, permanent),
  node('CertificateData', {}, node('Birth', { religion: 'FAITH', father: 'PARENT OF HOLDER', caste: 'CASTE' })),
  signature,
)

export const ENTITY = node(
  'Certificate',
  root({ name: 'GST Registration', type: 'GSTIN', number: '29ABCPE1234F1Z5', status: 'A' }),
  issuedBy('Goods and Services Tax Network', 'GSTN', 'CG'),
  node(
    'IssuedTo',
    {},
    node(
      'Organization',
      { name: 'Sample Traders', code: 'X1', tin: '9000000001', uid: '234123412346', type: 'SG' },
      node('Address', { line1: 'Shop' }),
    ),
  ),
  signature,
)

export const DOCUMENTS = {
  LICENCE,
  REGISTRATION,
  PAN,
  AADHAAR,
  AADHAAR_TYPED,
  KYC,
  OFFLINE,
  CLASS_TEN,
  CLASS_TWELVE,
  BIRTH,
  ENTITY,
} as const satisfies Record<string, Node>
