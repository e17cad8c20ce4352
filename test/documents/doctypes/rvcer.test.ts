import { describe, expect, it } from 'vitest'
import { refusedWith } from '../fixtures.ts'
import { edited, fieldsOf, REGISTRATION, withAttributes } from './fixtures.ts'

const vehicleWith = (attributes: Record<string, string | undefined>) =>
  fieldsOf(withAttributes(REGISTRATION, 'Vehicle', attributes)).vehicle

describe('vehicle registration — documents-and-signatures.md §1.5', () => {
  it('gives the vehicle, the registration and the insurance', () => {
    expect(fieldsOf(REGISTRATION)).toMatchObject({
      doctype: 'RVCER',
      number: 'KA01AB1234',
      expiresOn: '2034-08-09',
      status: 'active',
      vehicle: {
        class: 'Motor Car(LMV)',
        make: 'EXAMPLE MOTORS',
        model: 'SAMPLE VXI',
        engineNumber: 'K12MN1234567',
        chassisNumber: 'MA3EXAMPLE0012345',
        fuel: 'PETROL',
        colour: 'PEARL WHITE',
        manufactured: '2019-07',
        seats: 5,
        sleepers: 0,
        unladenWeight: 875,
        cubicCapacity: 1197,
        cylinders: 4,
        wheelbase: 2430,
        fitUntil: '2034-08-09',
      },
      registration: {
        statusSince: '2019-08-11',
        financedBy: 'EXAMPLE BANK LTD',
        emissionNorms: 'BHARAT STAGE IV',
      },
      insurance: { company: 'SAMPLE GENERAL', policyNumber: 'OG/2025/778', validUntil: '2027-08-09' },
    })
  })

  it('keeps what the numbers and dates were read from', () => {
    expect(fieldsOf(REGISTRATION).original).toMatchObject({
      'vehicle.seats': '05',
      'vehicle.cubicCapacity': '1197.00',
      'vehicle.manufactured': '07/2019',
      'insurance.validUntil': '09-08-2027',
    })
  })

  it('leaves out a number that is blank', () => {
    expect(vehicleWith({})).not.toHaveProperty('standing')
  })

  it.each([
    ['the spelling of the dictionary', { chasisNo: undefined, chassisNo: 'MA3EXAMPLE0012345' }],
    ['both spellings alike', { chassisNo: 'MA3EXAMPLE0012345' }],
    ['one spelling blank', { chassisNo: ' ' }],
  ])('reads the chassis number under %s', (_case, attributes) => {
    expect(vehicleWith(attributes)?.chassisNumber).toBe('MA3EXAMPLE0012345')
  })

  it('reads the financer under the spelling of the dictionary', () => {
    const document = withAttributes(REGISTRATION, 'VehicleRegistration', { financer: '', financier: 'OTHER BANK' })
    expect(fieldsOf(document).registration?.financedBy).toBe('OTHER BANK')
  })

  it('refuses two chassis numbers that differ', () => {
    expect(() => vehicleWith({ chassisNo: 'ANOTHER' })).toThrow(refusedWith('DOC_FIELDS_INVALID'))
  })

  it.each([
    ['07/2019', '2019-07'],
    ['07-2019', '2019-07'],
    ['2019', '2019'],
    ['15-07-2019', '2019-07-15'],
    ['13/2019', undefined],
    ['July 2019', undefined],
    ['', undefined],
  ])('reads the making %j as %s', (mfgDate, manufactured) => {
    expect(vehicleWith({ mfgDate })?.manufactured).toBe(manufactured)
  })

  it.each([
    ['5+1', undefined],
    ['-5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['12345678', undefined],
    ['1197.5', 1197.5],
  ])('reads the quantity %j as %s', (cubicCapacity, number) => {
    expect(vehicleWith({ cubicCapacity })?.cubicCapacity).toBe(number)
  })

  it.each(['LTT', '31-02-2034'])('leaves out a fitness until %j', (fitTill) => {
    expect(vehicleWith({ fitTill })).not.toHaveProperty('fitUntil')
  })

  it('gives no group for what is not there', () => {
    const bare = edited(REGISTRATION, 'VehicleRegistration', () => undefined)
    for (const group of ['vehicle', 'registration', 'insurance']) expect(fieldsOf(bare)).not.toHaveProperty(group)
  })

  it.each([
    ['policyNo', 'Insurance', 'insurance.policyNumber'],
    ['engineNo', 'Vehicle', 'vehicle.engineNumber'],
    ['chasisNo', 'Vehicle', 'vehicle.chassisNumber'],
  ])('withholds a %s that looks like an Aadhaar number, and says so', (attribute, element, path) => {
    const fields = fieldsOf(withAttributes(REGISTRATION, element, { [attribute]: '2341 2341 2346' }))
    expect(fields.withheld).toEqual([path])
    expect(JSON.stringify(fields)).not.toContain('2346')
    expect(fields).toMatchObject({ number: 'KA01AB1234', vehicle: { make: 'EXAMPLE MOTORS' } })
    expect(fields.original).not.toHaveProperty([path])
  })
})
