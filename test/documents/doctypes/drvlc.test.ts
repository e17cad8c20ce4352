import { describe, expect, it } from 'vitest'
import { edited, fieldsOf, LICENCE, type Node, node, withAttributes } from './fixtures.ts'

/** The licence with other content of `DrivingLicense`. */
const licenceOf = (attributes: Record<string, string>, ...children: Node[]) =>
  edited(LICENCE, 'DrivingLicense', () => node('DrivingLicense', attributes, ...children))
const lmv = node('Category', { abbreviation: 'LMV', code: 'NT' })

describe('driving licence — documents-and-signatures.md §1.5', () => {
  it('gives its fields', () => {
    expect(fieldsOf(LICENCE)).toMatchObject({
      doctype: 'DRVLC',
      title: 'Driving License',
      number: 'KA0120100001234',
      previousNumber: 'KA01 OLD 77',
      name: 'Arjun Sample',
      birthdate: '1988-06-05',
      gender: 'male',
      placeOfIssue: 'RTO, Bengaluru',
      issuedOn: '2010-02-01',
      validFrom: '2010-02-01',
      expiresOn: '2040-12-31',
      status: 'active',
      documentIssuer: { id: 'KA', name: 'Transport Department' },
    })
  })

  it('gives every class of vehicle with what it was read from', () => {
    const { vehicleClasses, original } = fieldsOf(LICENCE)
    expect(vehicleClasses).toStrictEqual([
      {
        abbreviation: 'LMV',
        description: 'Light Motor Vehicle',
        issuedOn: '2010-02-01',
        endorsedOn: '2015-06-05',
        use: 'non-transport',
      },
      { abbreviation: 'TRANS', use: 'transport' },
    ])
    expect(original).toMatchObject({ 'vehicleClasses.0.endorsedOn': '05-06-2015', 'vehicleClasses.1.use': 'T' })
  })

  it.each([
    ['nested in Categories', licenceOf({}, node('Categories', {}, lmv))],
    ['nested without Categories', licenceOf({}, lmv)],
    ['flat on the licence', licenceOf({ abbreviation: 'LMV', code: 'NT' })],
    [
      'flat beside blank nested ones',
      licenceOf({ abbreviation: 'LMV', code: 'NT' }, node('Categories', {}, node('Category', { abbreviation: '' }))),
    ],
    [
      'once where the flat form repeats it',
      licenceOf({ abbreviation: 'LMV', code: 'NT' }, node('Categories', {}, lmv)),
    ],
  ])('reads one class written %s', (_case, document) => {
    expect(fieldsOf(document).vehicleClasses).toEqual([{ abbreviation: 'LMV', use: 'non-transport' }])
  })

  it('leaves out a use that has no known code', () => {
    const document = licenceOf({ abbreviation: 'LMV', code: 'X' })
    expect(fieldsOf(document).vehicleClasses).toEqual([{ abbreviation: 'LMV' }])
  })

  it.each([
    ['names none', licenceOf({})],
    ['names none by its code', licenceOf({}, node('Categories', {}, node('Category', { description: 'Car' })))],
    [
      'has no licence element',
      withAttributes(
        edited(LICENCE, 'DrivingLicense', () => undefined),
        'Person',
        {},
      ),
    ],
  ])('gives no classes when it %s', (_case, document) => {
    expect(fieldsOf(document)).not.toHaveProperty('vehicleClasses')
  })
})

describe('the two addresses of a licence — documents-and-signatures.md §1.3', () => {
  const addressed = (...addresses: Node[]) =>
    edited(LICENCE, 'Person', (person) => ({ ...person, children: addresses }))
  const home = (attributes: Record<string, string>, name = 'Address') => node(name, { line1: 'Home', ...attributes })
  const work = (attributes: Record<string, string>, name = 'Address') => node(name, { line1: 'Work', ...attributes })

  it('gives both, each with its use, its parts and the form for an envelope', () => {
    expect(fieldsOf(LICENCE).addresses).toStrictEqual([
      {
        use: 'permanent',
        postal: {
          formatted: '1 Permanent Road\nMysuru\nKarnataka 570001\nIN',
          street_address: '1 Permanent Road',
          locality: 'Mysuru',
          region: 'Karnataka',
          postal_code: '570001',
          country: 'IN',
        },
        parts: {
          line1: '1 Permanent Road',
          vtc: 'Mysuru',
          district: 'Mysuru',
          state: 'Karnataka',
          pin: '570001',
          country: 'IN',
        },
      },
      {
        use: 'present',
        postal: {
          formatted: 'Flat 4\n2 Present Road\nNear Lake\nWard 7\nBengaluru\nBengaluru Urban\nKarnataka 560001\nIN',
          street_address: 'Flat 4\n2 Present Road\nNear Lake\nWard 7',
          locality: 'Bengaluru',
          region: 'Karnataka',
          postal_code: '560001',
          country: 'IN',
        },
        parts: {
          house: 'Flat 4',
          line1: '2 Present Road',
          landmark: 'Near Lake',
          locality: 'Ward 7',
          vtc: 'Bengaluru',
          district: 'Bengaluru Urban',
          state: 'Karnataka',
          pin: '560001',
          country: 'IN',
        },
      },
    ])
  })

  it.each([
    ['the present one', [home({ type: 'permanent' }), work({ type: 'present' })], 'Work'],
    ['the present one, whatever its case', [home({ type: 'permanent' }), work({ type: 'PRESENT' })], 'Work'],
    ['Address2 for the present one', [home({ type: 'permanent' }), work({ type: 'present' }, 'Address2')], 'Work'],
    [
      'the permanent one when the present one is blank',
      [home({ type: 'permanent' }), work({ type: 'present', line1: ' ' })],
      'Home',
    ],
    ['the permanent one before one unmarked', [work({ type: '' }), home({ type: 'permanent' })], 'Home'],
    ['the first when none is marked', [home({}), work({}, 'Address2')], 'Home'],
  ])('takes %s as the one to reach the person at', (_case, addresses, street) => {
    expect(fieldsOf(addressed(...addresses)).address?.street_address).toBe(street)
  })

  it('gives no use where the document names none', () => {
    const { addresses } = fieldsOf(addressed(home({ type: 'office' }), work({}, 'Address2')))
    expect(addresses?.map(({ use }) => use)).toEqual([undefined, undefined])
  })

  it('says once what an issuer repeats', () => {
    const document = addressed(node('Address', { vtc: 'Mysuru', district: 'MYSURU', state: 'Karnataka' }))
    expect(fieldsOf(document).address?.formatted).toBe('MYSURU\nKarnataka')
  })

  it('gives none when all are blank, even if a country is printed', () => {
    const fields = fieldsOf(addressed(node('Address', { country: 'IN', line1: '' })))
    expect(fields).not.toHaveProperty('address')
    expect(fields).not.toHaveProperty('addresses')
  })
})
