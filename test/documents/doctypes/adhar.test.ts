import { describe, expect, it } from 'vitest'
import { refusedWith } from '../fixtures.ts'
import { AADHAAR, AADHAAR_TYPED, edited, fieldsOf, KYC, node, OFFLINE, withAttributes } from './fixtures.ts'

const uidOf = (uid: string | undefined) => withAttributes(AADHAAR, 'UidData', { uid })
const localWith = (attributes: Record<string, string | undefined>) =>
  fieldsOf(withAttributes(AADHAAR, 'LData', attributes)).local

const postal = {
  formatted: '12\nMain Street\nNear Tank\nWard 3\nExampur\nSampleabad\nTelangana 500001\nIndia',
  street_address: '12\nMain Street\nNear Tank\nWard 3',
  locality: 'Exampur',
  region: 'Telangana',
  postal_code: '500001',
  country: 'India',
}

describe('e-Aadhaar — documents-and-signatures.md §1.6', () => {
  const expected = {
    doctype: 'ADHAR',
    lastFour: '1234',
    name: 'Kiran Specimen',
    localName: 'किरण नमूना',
    birthdate: '1979-08-07',
    gender: 'transgender',
    address: postal,
    addresses: [
      {
        postal,
        parts: {
          house: '12',
          street: 'Main Street',
          landmark: 'Near Tank',
          locality: 'Ward 3',
          vtc: 'Exampur',
          postOffice: 'Exampur',
          district: 'Sampleabad',
          state: 'Telangana',
          pin: '500001',
          country: 'India',
        },
      },
    ],
    local: {
      language: 'hi',
      name: 'किरण नमूना',
      address: {
        formatted: 'उदाहरणपुर\nनमूनाबाद\nतेलंगाना 500001',
        locality: 'उदाहरणपुर',
        region: 'तेलंगाना',
        postal_code: '500001',
      },
    },
    verifiedOn: '2026-11-01',
    verifiedAt: Date.parse('2026-11-01T23:45:00+05:30') / 1000,
    documentIssuer: { id: 'in.gov.uidai', name: 'Unique Identification Authority of India' },
  }

  it.each([
    ['under a bare Certificate', AADHAAR],
    ['under a Certificate with attributes', AADHAAR_TYPED],
    ['with KycRes as its root', KYC],
    ['with KycRes as its root and another type beside', withAttributes(KYC, 'KycRes', { type: 'PANCR' })],
    ['with the mask in capitals', uidOf('XXXXXXXX1234')],
  ])('gives its fields %s', (_case, document) => {
    const { original, ...fields } = fieldsOf(document)
    expect(fields).toStrictEqual(expected)
    expect(original).toMatchObject({ birthdate: '07-08-1979', gender: 'T', 'local.language': '06' })
  })

  it.each([
    ['06', 'hi'],
    ['6', 'hi'],
    ['07', 'kn'],
    ['13', 'mr'],
    ['05', undefined],
    ['99', undefined],
    ['hi', undefined],
    [' ', undefined],
  ])('reads the language %j as %s', (lang, language) => {
    expect(localWith({ lang })?.language).toBe(language)
  })

  it('gives no local copy where all of it is blank', () => {
    const blank = { name: ' ', dist: '', vtc: '', state: ' ', pc: '' }
    expect(localWith(blank)).toBeUndefined()
    expect(fieldsOf(withAttributes(AADHAAR, 'LData', blank))).not.toHaveProperty('localName')
  })

  it('takes the first local copy that says something', () => {
    const two = edited(AADHAAR, 'UidData', (data) => ({
      ...data,
      children: [node('LData', { lang: '07', name: ' ' }), ...data.children],
    }))
    expect(fieldsOf(two).local).toMatchObject({ language: 'hi', name: 'किरण नमूना' })
  })

  it('keeps a year alone as a year', () => {
    expect(fieldsOf(withAttributes(AADHAAR, 'Poi', { dob: '1979' })).birthdate).toBe('1979')
  })

  it.each([
    ['an unmasked uid', '234123412346'],
    ['an unmasked uid in groups', '2341 2341 2346'],
    ['twelve digits with a wrong check digit', '234123412345'],
  ])('refuses %s', (_case, uid) => {
    expect(() => fieldsOf(uidOf(uid))).toThrow(refusedWith('DOC_AADHAAR_NUMBER'))
  })

  it.each(['xxxxxxx1234', 'xxxxxxxxx234', 'xxxxxxxx12345', '********1234', 'xxxxxxxx'])(
    'refuses the unknown mask %s',
    (uid) => {
      expect(() => fieldsOf(uidOf(uid))).toThrow(refusedWith('DOC_FIELDS_INVALID'))
    },
  )

  it.each(['', ' ', undefined])('gives no last digits when the uid is %j', (uid) => {
    expect(fieldsOf(uidOf(uid))).not.toHaveProperty('lastFour')
  })

  it.each([
    ['a KYC that failed', withAttributes(AADHAAR, 'KycRes', { ret: 'N' })],
    ['two answers', edited(AADHAAR, 'CertificateData', (data) => ({ ...data, children: [KYC, KYC] }))],
    [
      'two sets of data',
      edited(AADHAAR, 'KycRes', (answer) => ({ ...answer, children: [...answer.children, node('UidData', {})] })),
    ],
    ['a document without an answer', edited(AADHAAR, 'KycRes', () => undefined)],
    ['the type without the content', node('Certificate', { type: 'ADHAR' })],
  ])('refuses %s', (_case, document) => {
    expect(() => fieldsOf(document)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('does not read a look-alike in a namespace', () => {
    expect(fieldsOf(withAttributes(AADHAAR, 'Poi', { xmlns: 'urn:x' }))).not.toHaveProperty('name')
  })
})

describe('offline e-KYC — documents-and-signatures.md §5.2', () => {
  const referring = (referenceId: string | undefined) => withAttributes(OFFLINE, 'OfflinePaperlessKyc', { referenceId })

  it('gives its fields, the last digits and the time of making out of its reference', () => {
    const { original, ...fields } = fieldsOf(OFFLINE)
    expect(fields).toStrictEqual({
      doctype: 'ADHAR',
      lastFour: '5678',
      name: 'Lata Specimen',
      birthdate: '1979',
      gender: 'female',
      address: {
        ...postal,
        formatted: '12\nMain Street\nNear Tank\nWard 3\nExampur\nExampur Mandal\nSampleabad\nTelangana 500001\nIndia',
      },
      addresses: [expect.objectContaining({ parts: expect.objectContaining({ subDistrict: 'Exampur Mandal' }) })],
      verifiedOn: '2026-11-01',
      verifiedAt: Date.parse('2026-11-01T23:45:00+05:30') / 1000,
      documentIssuer: { id: 'in.gov.uidai', name: 'Unique Identification Authority of India' },
    })
    expect(original).toMatchObject({ birthdate: '1979', gender: 'female' })
  })

  it('never gives the reference itself, nor what it was cut from', () => {
    const { original, ...fields } = fieldsOf(OFFLINE)
    expect(JSON.stringify([fields, original])).not.toContain('5678202611')
    for (const path of ['lastFour', 'verifiedOn', 'verifiedAt']) expect(original).not.toHaveProperty([path])
  })

  it('does not take a census code for a place', () => {
    const fields = fieldsOf(withAttributes(OFFLINE, 'Poa', { state: '36', subdist: '4871', dist: '' }))
    expect(fields.address).not.toHaveProperty('region')
    expect(fields.addresses?.[0]?.parts).not.toHaveProperty('subDistrict')
    expect(fields.address?.formatted).toContain('Exampur\n500001')
  })

  it.each([
    ['missing', undefined],
    ['blank', ' '],
    ['too short', '56782026110123450012'],
    ['too long', '5678202611012345001230'],
    ['of a day that the calendar lacks', '567820260230234500123'],
    ['of an hour that no clock shows', '567820261101254500123'],
    ['not all digits', 'x67820261101234500123'],
  ])('refuses a reference that is %s', (_case, reference) => {
    expect(() => fieldsOf(referring(reference))).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('refuses two sets of data', () => {
    const two = edited(OFFLINE, 'OfflinePaperlessKyc', (found) => ({
      ...found,
      children: [...found.children, node('UidData', {})],
    }))
    expect(() => fieldsOf(two)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })
})
