import { describe, expect, it } from 'vitest'
import { refusedWith } from '../fixtures.ts'
import { BIRTH, ENTITY, fieldsOf, LICENCE, node, withAttributes } from './fixtures.ts'

const rootWith = (attributes: Record<string, string | undefined>) =>
  fieldsOf(withAttributes(LICENCE, 'Certificate', attributes))
const personWith = (attributes: Record<string, string | undefined>) =>
  fieldsOf(withAttributes(LICENCE, 'Person', attributes))

describe('any other certificate — documents-and-signatures.md §1.3', () => {
  it('gives what the root and the person say, and nothing of its data', () => {
    expect(fieldsOf(BIRTH)).toMatchObject({
      doctype: 'BTCER',
      title: 'Birth Certificate',
      number: 'B-2019/77',
      name: 'Tara Specimen',
      birthdate: '2019-03-20',
      gender: 'female',
      placeOfIssue: 'Exampur',
      issuedOn: '2019-04-01',
      status: 'active',
      addresses: [{ use: 'permanent' }],
      documentIssuer: { id: 'UP', name: 'Registrar of Samples' },
    })
  })

  it('gives of an organisation its name alone', () => {
    expect(fieldsOf(ENTITY)).toStrictEqual({
      doctype: 'GSTIN',
      title: 'GST Registration',
      number: '29ABCPE1234F1Z5',
      organization: 'Sample Traders',
      status: 'active',
      documentIssuer: { id: 'GSTN', name: 'Goods and Services Tax Network' },
      original: {
        title: 'GST Registration',
        number: '29ABCPE1234F1Z5',
        organization: 'Sample Traders',
        status: 'A',
        'documentIssuer.id': 'GSTN',
        'documentIssuer.name': 'Goods and Services Tax Network',
      },
    })
  })

  it('gives the little that an empty certificate says', () => {
    expect(fieldsOf(node('Certificate', { type: 'incer' }))).toStrictEqual({
      doctype: 'INCER',
      documentIssuer: {},
      original: {},
    })
  })

  it('withholds a previous number that looks like an Aadhaar number', () => {
    expect(rootWith({ prevNumber: '234123412346' })).toMatchObject({ withheld: ['previousNumber'] })
  })

  it.each([
    ['a document that does not say what it is', node('Certificate', {})],
    ['a type of a single space', node('Certificate', { type: ' ' })],
    ['a type that is a sentence', node('Certificate', { type: 'Arjun Sample' })],
    ['a type that is a number', node('Certificate', { type: '234123412346' })],
    ['a type that is too long', node('Certificate', { type: 'ABCDEFGHIJK' })],
  ])('refuses %s', (_case, document) => {
    expect(() => fieldsOf(document)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })
})

describe('no value — documents-and-signatures.md §1.3', () => {
  it.each(['', ' ', '\t\n'])('takes %j for none', (blank) => {
    const fields = fieldsOf(
      withAttributes(
        withAttributes(LICENCE, 'Certificate', {
          number: blank,
          issueDate: blank,
          validFromDate: blank,
          expiryDate: blank,
          status: blank,
        }),
        'Person',
        { name: blank, dob: blank, gender: blank },
      ),
    )
    const members = ['number', 'issuedOn', 'validFrom', 'expiresOn', 'status', 'name', 'birthdate', 'gender']
    for (const member of members) {
      expect(fields).not.toHaveProperty(member)
      expect(fields.original).not.toHaveProperty([member])
    }
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
  ])('reads the birth date %s as %s and keeps what was written', (written, birthdate) => {
    expect(personWith({ dob: written })).toMatchObject({ birthdate, original: { birthdate: written } })
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
  ])('refuses the birth date %s', (dob) => {
    expect(() => personWith({ dob })).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('refuses an expiry that cannot be read, which would pass for one that never comes', () => {
    expect(() => rootWith({ expiryDate: '31-13-2040' })).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it('leaves out a date of issue that cannot be read, and what was written with it', () => {
    const fields = rootWith({ issueDate: 'in 2010' })
    expect(fields).not.toHaveProperty('issuedOn')
    expect(fields.original).not.toHaveProperty('issuedOn')
  })

  it.each([
    ['A', 'active'],
    ['Active', 'active'],
    ['ACTIVE', 'active'],
    [' active ', 'active'],
    ['R', 'inactive'],
    ['Suspended', 'inactive'],
    ['Inactive', 'inactive'],
    ['', undefined],
  ])('reads the status %j as %s', (written, status) => {
    expect(rootWith({ status: written }).status).toBe(status)
  })

  it('lets a reviewer see which word made a document inactive', () => {
    expect(rootWith({ status: 'Suspended' }).original).toMatchObject({ status: 'Suspended' })
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
    const fields = personWith({ gender: written })
    expect(fields.gender).toBe(gender)
    expect(fields.original?.gender).toBe(gender && written)
  })

  it('tidies white space in a name and keeps what was written', () => {
    expect(personWith({ name: ' Arjun\n  Sample ' })).toMatchObject({
      name: 'Arjun Sample',
      original: { name: ' Arjun\n  Sample ' },
    })
  })
})
