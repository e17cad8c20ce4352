import { beforeAll, describe, expect, it } from 'vitest'
import { assertDoctype, extract } from '../../src/documents/extract.ts'
import { PROFILES } from '../../src/documents/profiles.ts'
import type { TrustStore } from '../../src/documents/trust/trust.ts'
import { type VerifiedDocument, verifyDocument } from '../../src/documents/verify.ts'
import { makePki } from '../../src/simulator/pki.ts'
import { AADHAAR, forge, kyc, LICENCE, PAN, type Pki, refusedWith, secondsOf, trusting, utf8 } from './fixtures.ts'

const NOW = secondsOf('2026-11-23T00:00:00Z')
let pki: Pki
let trust: TrustStore

beforeAll(async () => {
  pki = await makePki({ rootBits: 2048, now: new Date(NOW * 1000) })
  trust = trusting([pki.signer])
}, 60_000)

const verified = (content: string): VerifiedDocument =>
  verifyDocument(utf8(forge(content, pki.signer)), PROFILES.digilocker, trust, NOW)
const read = (content: string) => extract(verified(content))
/** What changes in the fields when the content changes. */
const aadhaarWith = (find: string | RegExp, replacement: string) => read(AADHAAR.replace(find, replacement))
const licenceWith = (find: string | RegExp, replacement: string) => read(LICENCE.replace(find, replacement))
const panWith = (find: string | RegExp, replacement: string) => read(PAN.replace(find, replacement))

describe('PAN verification record — documents-and-signatures.md §1.5', () => {
  it('gives its fields and leaves blank ones out', () => {
    expect(read(PAN)).toStrictEqual({
      doctype: 'PANCR',
      number: 'ABCPE1234F',
      name: 'MEERA EXAMPLE',
      birthdate: '1992-02-29',
      gender: 'female',
      status: 'active',
      verifiedOn: '2024-04-03',
      documentIssuer: { name: 'Income Tax Department' },
    })
  })

  it.each([
    ['under the name of the published schema', /(<\/?)PAN(?=[ >])/g, '$1PANVerificationRecord'],
    ['on the root alone', ' num="ABCPE1234F"', ' num=""'],
    ['in the record alone', ' number="ABCPE1234F"', ' number=" "'],
    ['in lower case', ' num="ABCPE1234F"', ' num="abcpe1234f"'],
  ])('finds the number %s', (_case, find, replacement) => {
    expect(panWith(find, replacement).number).toBe('ABCPE1234F')
  })

  it('keeps silent on a number that is blank everywhere', () => {
    expect(panWith(/ABCPE1234F/g, '')).not.toHaveProperty('number')
  })

  it.each([
    ['two numbers that differ', ' num="ABCPE1234F"', ' num="ABCPE1234G"'],
    ['a number that is no PAN', /ABCPE1234F/g, '12345'],
    ['two holders', '</IssuedTo>', '<Person name="EVE"></Person></IssuedTo>'],
  ])('refuses %s', (_case, find, replacement) => {
    expect(() => panWith(find, replacement)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })
})

describe('driving licence — documents-and-signatures.md §1.5', () => {
  it('gives its fields, the present address and every class of vehicle', () => {
    expect(read(LICENCE)).toStrictEqual({
      doctype: 'DRVLC',
      number: 'KA0120100001234',
      name: 'Arjun Sample',
      birthdate: '1988-06-05',
      gender: 'male',
      address: {
        formatted: '2 Present Road\nBengaluru\nKarnataka 560001\nIN',
        street_address: '2 Present Road',
        locality: 'Bengaluru',
        region: 'Karnataka',
        postal_code: '560001',
        country: 'IN',
      },
      issuedOn: '2010-02-01',
      validFrom: '2010-02-01',
      expiresOn: '2040-12-31',
      status: 'active',
      documentIssuer: { id: 'KA', name: 'Transport Department' },
      vehicleClasses: [
        { abbreviation: 'LMV', description: 'Light Motor Vehicle', issuedOn: '2010-02-01' },
        { abbreviation: 'MCWG' },
      ],
    })
  })

  it('reads one class written flat on the licence', () => {
    const flat = '<DrivingLicense abbreviation="LMV" code="NT"></DrivingLicense>'
    const fields = licenceWith(/<DrivingLicense>.*<\/DrivingLicense>/, flat)
    expect(fields.vehicleClasses).toEqual([{ abbreviation: 'LMV' }])
  })

  it('gives no classes when the licence names none', () => {
    expect(licenceWith(/<Categories>.*<\/Categories>/, '')).not.toHaveProperty('vehicleClasses')
  })

  it.each([
    [
      'Address2 for the present one',
      /<Address (?=[^>]*present")([^>]*)><\/Address>/,
      '<Address2 $1></Address2>',
      '2 Present Road',
    ],
    [
      'the permanent one when the present one is blank',
      /<Address [^>]*type="present">/,
      '<Address line1=" " type="present">',
      '1 Permanent Road',
    ],
    ['the permanent one before one unmarked', 'type="present"', 'type=""', '1 Permanent Road'],
    ['the first when none is marked', /type="(present|permanent)"/g, 'type=""', '1 Permanent Road'],
  ])('takes %s', (_case, find, replacement, street) => {
    expect(licenceWith(find, replacement).address?.street_address).toBe(street)
  })

  it('gives no address when all are blank, even if a country is printed', () => {
    expect(licenceWith(/<Address [^>]*>/g, '<Address country="IN" line1="">')).not.toHaveProperty('address')
  })
})

describe('e-Aadhaar — documents-and-signatures.md §1.6', () => {
  const expected = {
    doctype: 'ADHAR',
    lastFour: '1234',
    name: 'Kiran Specimen',
    localName: 'किरण नमूना',
    birthdate: '1979-08-07',
    gender: 'transgender',
    address: {
      formatted: '12\nMain Street\nNear Tank\nWard 3\nExampur\nSampleabad\nTelangana 500001\nIndia',
      street_address: '12\nMain Street\nNear Tank\nWard 3',
      locality: 'Exampur',
      region: 'Telangana',
      postal_code: '500001',
      country: 'India',
    },
    verifiedOn: '2026-11-01',
    documentIssuer: { id: 'in.gov.uidai', name: 'Unique Identification Authority of India' },
  }

  it.each([
    ['under a bare Certificate', AADHAAR],
    ['under a Certificate with attributes', AADHAAR.replace('<Certificate>', '<Certificate number="" type="ADHAR">')],
    ['with KycRes as its root', kyc()],
    ['with the mask in capitals', AADHAAR.replace('xxxxxxxx', 'XXXXXXXX')],
  ])('gives its fields %s', (_case, content) => {
    expect(read(content)).toStrictEqual(expected)
  })

  it('keeps a year alone as a year', () => {
    expect(read(kyc(undefined, '1979')).birthdate).toBe('1979')
  })

  it.each([
    ['an unmasked uid', '234123412346'],
    ['an unmasked uid in groups', '2341 2341 2346'],
    ['twelve digits with a wrong check digit', '234123412345'],
  ])('refuses %s', (_case, uid) => {
    expect(() => read(kyc(uid))).toThrow(refusedWith('DOC_AADHAAR_NUMBER'))
  })

  it.each(['xxxxxxx1234', 'xxxxxxxxx234', 'xxxxxxxx12345', '********1234', 'xxxxxxxx'])(
    'refuses the unknown mask %s',
    (uid) => {
      expect(() => read(kyc(uid))).toThrow(refusedWith('DOC_FIELDS_INVALID'))
    },
  )

  it('gives no last digits when the uid is blank', () => {
    expect(read(kyc(''))).not.toHaveProperty('lastFour')
  })

  it.each([
    ['a KYC that failed', 'ret="Y"', 'ret="N"'],
    ['two answers', '</CertificateData>', `${kyc()}</CertificateData>`],
    ['a document without an answer', /<CertificateData>.*<\/CertificateData>/, ''],
    ['the type without the content', /<Certificate>.*<\/Certificate>/, '<Certificate type="ADHAR"></Certificate>'],
  ])('refuses %s', (_case, find, replacement) => {
    expect(() => aadhaarWith(find, replacement)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('does not read a look-alike in a namespace', () => {
    const spoofed = AADHAAR.replace('<Poi ', '<Poi xmlns="urn:x" ')
    expect(read(spoofed)).not.toHaveProperty('name')
  })
})

describe('values that never leave — documents-and-signatures.md §6', () => {
  it.each([
    ['PAN', PAN, ['234123412346', 'NOT FOR YOU', '9000000000']],
    ['licence', LICENCE, ['Parent Sample', 'L2ltYWdl']],
    ['e-Aadhaar', AADHAAR, ['01002345', 'UKC', 'Relative', '/9j/', '0123456789abcdef']],
  ])('keeps the private parts of a %s', (_case, content, secrets) => {
    for (const secret of secrets) {
      expect(content).toContain(secret)
      expect(JSON.stringify(read(content))).not.toContain(secret)
    }
  })

  it.each([
    ['as the number', 'number="KA0120100001234"', 'number="234123412346"'],
    ['in a name', 'name="Arjun Sample"', 'name="Arjun 2341-2341-2346"'],
    ['in an address', '2 Present Road', '2341 2341 2346'],
    ['in a vehicle class', 'Light Motor Vehicle', '234123412346'],
    ['of the issuer', 'name="Transport Department"', 'name="234123412346"'],
    ['in Devanagari digits', 'Arjun Sample', '२३४१२३४१२३४६'],
    ['as a virtual ID', 'number="KA0120100001234"', 'number="2341234123412341"'],
  ])('refuses an Aadhaar number %s', (_case, find, replacement) => {
    expect(() => licenceWith(find, replacement)).toThrow(refusedWith('DOC_AADHAAR_NUMBER'))
  })

  it.each([
    ['twelve digits with a wrong check digit', '234123412345'],
    ['twelve digits that begin with 1', '123412341234'],
    ['thirteen digits', '2341234123465'],
    ['a licence number', 'KA0120100001234'],
  ])('lets %s pass', (_case, number) => {
    expect(licenceWith('number="KA0120100001234"', `number="${number}"`).number).toBe(number)
  })
})

describe('variants — documents-and-signatures.md §1.4', () => {
  it.each([
    ['05-06-1988', '1988-06-05'],
    ['05/06/1988', '1988-06-05'],
    ['05.06.1988', '1988-06-05'],
    ['05061988', '1988-06-05'],
    ['1988-06-05', '1988-06-05'],
    ['05-06-1988 00:00:00', '1988-06-05'],
    ['05/06/1988T00:00:00', '1988-06-05'],
    ['29-02-2000', '2000-02-29'],
    ['1988', '1988'],
    [' 05-06-1988 ', '1988-06-05'],
  ])('reads the birth date %s as %s', (written, birthdate) => {
    expect(licenceWith('dob="05-06-1988"', `dob="${written}"`).birthdate).toBe(birthdate)
  })

  it.each([
    '31-02-1988',
    '29-02-1900',
    '12-31-1988',
    '19881231',
    '05-06/1988',
    '5-6-1988',
    '00-00-0000',
    '05-06-88',
    '0988',
    '05-06-0988',
    'unknown',
  ])('refuses the birth date %s', (written) => {
    expect(() => licenceWith('dob="05-06-1988"', `dob="${written}"`)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('refuses an expiry that cannot be read, which would pass for one that never comes', () => {
    expect(() => licenceWith('31-12-2040', '31-13-2040')).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('leaves out a date of issue that cannot be read', () => {
    expect(licenceWith('issueDate="01-02-2010" name', 'issueDate="in 2010" name')).not.toHaveProperty('issuedOn')
  })

  it.each([
    ['A', 'active'],
    ['Active', 'active'],
    ['ACTIVE', 'active'],
    ['R', 'inactive'],
    ['Suspended', 'inactive'],
    ['Inactive', 'inactive'],
    ['', undefined],
  ])('reads the status %j as %s', (written, status) => {
    expect(licenceWith('status="Active"', `status="${written}"`).status).toBe(status)
  })

  it.each([
    ['F', 'female'],
    ['female', 'female'],
    ['MALE', 'male'],
    ['m', 'male'],
    ['T', 'transgender'],
    ['Transgender', 'transgender'],
    ['', undefined],
    ['constructor', undefined],
    ['X', undefined],
  ])('reads the gender %j as %s', (written, gender) => {
    expect(licenceWith('gender="M"', `gender="${written}"`).gender).toBe(gender)
  })
})

describe('doctype — security.md XM-14', () => {
  it('gives the common fields of a type it has no row for', () => {
    const fields = read(PAN.replace('type="PANCR"', 'type="incer"'))
    expect(fields).toMatchObject({ doctype: 'INCER', number: 'ABCPE1234F', name: 'MEERA EXAMPLE' })
    expect(fields).not.toHaveProperty('verifiedOn')
  })

  it('gives a document to an organisation no personal field', () => {
    const fields = read(
      '<Certificate number="27ABC" type="GSTIN"><IssuedTo><Organization name="X"></Organization></IssuedTo></Certificate>',
    )
    expect(fields).toStrictEqual({ doctype: 'GSTIN', number: '27ABC', documentIssuer: {} })
  })

  it('refuses a document that does not say what it is', () => {
    expect(() => read('<Certificate></Certificate>')).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it.each([
    ['DRVLC', () => LICENCE],
    ['drvlc', () => LICENCE],
    ['ADHAR', () => AADHAAR],
    ['ADHAR', () => kyc()],
  ])('accepts a %s where one was asked for', (doctype, content) => {
    expect(() => assertDoctype(verified(content()), doctype)).not.toThrow()
  })

  it.each([
    ['a licence', 'PANCR', () => LICENCE],
    ['a PAN', 'ADHAR', () => PAN],
    ['an e-Aadhaar', 'DRVLC', () => AADHAAR],
  ])('refuses %s where a %s was asked for', (_case, doctype, content) => {
    expect(() => assertDoctype(verified(content()), doctype)).toThrow(refusedWith('DOC_TYPE_MISMATCH'))
  })
})
