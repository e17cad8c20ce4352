import { describe, expect, it } from 'vitest'
import { refusedWith } from '../fixtures.ts'
import { edited, fieldsOf, node, PAN, withAttributes } from './fixtures.ts'

const panWith = (attributes: Record<string, string>) => withAttributes(PAN, 'PAN', attributes)
const rootWith = (attributes: Record<string, string>) => withAttributes(PAN, 'Certificate', attributes)

describe('PAN verification record — documents-and-signatures.md §1.5', () => {
  it('gives its fields, leaves blank ones out and keeps what was written', () => {
    expect(fieldsOf(PAN)).toStrictEqual({
      doctype: 'PANCR',
      title: 'PAN Verification Record',
      number: 'ABCPE1234F',
      name: 'MEERA EXAMPLE',
      birthdate: '1992-02-29',
      gender: 'female',
      placeOfIssue: 'Digilocker',
      status: 'active',
      verifiedOn: '2024-04-03',
      verifiedAt: Date.parse('2024-04-03T10:11:12+05:30') / 1000,
      documentIssuer: { name: 'Income Tax Department' },
      original: {
        title: 'PAN Verification Record',
        number: 'ABCPE1234F',
        name: 'MEERA EXAMPLE',
        birthdate: '29-02-1992',
        gender: 'FEMALE',
        placeOfIssue: 'Digilocker',
        status: 'A',
        verifiedOn: '03-04-2024 10:11:12',
        'documentIssuer.name': 'Income Tax Department',
      },
    })
  })

  it.each([
    [
      'under the name of the published schema',
      edited(PAN, 'PAN', (pan) => ({ ...pan, name: 'PANVerificationRecord' })),
    ],
    ['on the root alone', panWith({ num: '' })],
    ['in the record alone', rootWith({ number: ' ' })],
    ['in lower case', panWith({ num: 'abcpe1234f' })],
  ])('finds the number %s', (_case, document) => {
    expect(fieldsOf(document).number).toBe('ABCPE1234F')
  })

  it('keeps the number as it was written', () => {
    expect(fieldsOf(panWith({ num: ' abcpe1234f ' })).original).toMatchObject({ number: ' abcpe1234f ' })
  })

  it('keeps silent on a number that is blank everywhere', () => {
    expect(fieldsOf(withAttributes(rootWith({ number: '' }), 'PAN', { num: ' ' }))).not.toHaveProperty('number')
  })

  it.each([
    ['a day without a time', '03-04-2024', '2024-04-03', undefined],
    ['an hour that no clock shows', '03-04-2024 25:11:12', '2024-04-03', undefined],
    ['a zone of its own', '2024-04-03T10:11:12Z', '2024-04-03', Date.parse('2024-04-03T10:11:12Z') / 1000],
    ['a zone without a colon', '2024-04-03T10:11+0530', '2024-04-03', Date.parse('2024-04-03T04:41:00Z') / 1000],
    ['no date at all', 'yesterday', undefined, undefined],
  ])('reads the time of verification with %s', (_case, verifiedOn, day, moment) => {
    const fields = fieldsOf(panWith({ verifiedOn }))
    expect([fields.verifiedOn, fields.verifiedAt]).toEqual([day, moment])
  })

  it.each([
    ['two numbers that differ', panWith({ num: 'ABCPE1234G' })],
    ['a number that is no PAN', withAttributes(panWith({ num: '12345' }), 'Certificate', { number: '12345' })],
    ['a root number that is no PAN', rootWith({ number: '12345' })],
    ['two holders', edited(PAN, 'IssuedTo', (to) => ({ ...to, children: [...to.children, node('Person', {})] }))],
    [
      'two records',
      edited(PAN, 'CertificateData', (data) => ({ ...data, children: [...data.children, node('PAN', {})] })),
    ],
  ])('refuses %s', (_case, document) => {
    expect(() => fieldsOf(document)).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })
})
