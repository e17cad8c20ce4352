import { describe, expect, it } from 'vitest'
import { readPeople } from '../../src/simulator/people/read.ts'
import { PERSONAS } from '../../src/simulator/personas.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { PLAIN, walkToCallback } from './support/walk.ts'

const ADDRESS = [
  '  address: { house: "1", street: A, landmark: "", locality: B, vtc: C, postOffice: D,',
  '    subdistrict: E, district: F, state: Goa, pin: "403999" }',
].join('\n')
const person = (more = '', id = 'zoya') =>
  `- id: ${id}\n  story: Mine.\n  pin: "424242"\n  name: Zoya Khan\n  relative: X\n  birthdate: 1990-01-01\n  gender: F\n${ADDRESS}\n${more}`

describe('people in YAML', () => {
  it('are at least fifteen, and cover the cases of the product', () => {
    expect(PERSONAS.length).toBeGreaterThanOrEqual(15)
    const scripts = PERSONAS.flatMap(({ aadhaar }) => aadhaar?.local?.tag ?? [])
    expect(new Set(scripts).size).toBeGreaterThanOrEqual(9)
    expect(PERSONAS.some(({ notInLocker }) => notInLocker?.includes('PANCR'))).toBe(true)
    expect(PERSONAS.some(({ vehicles }) => (vehicles?.length ?? 0) > 1)).toBe(true)
  })

  it('get an account of their own from their id, the same in every run', () => {
    const [one] = readPeople(person())
    const [again] = readPeople(person())
    const [other] = readPeople(person('', 'zara'))
    expect(one?.digilockerId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect([again?.digilockerId, other?.digilockerId === one?.digilockerId]).toEqual([one?.digilockerId, false])
  })

  it.each([
    ['a misspelt member', '  licnce: {}', 'zoya.licnce is not known'],
    ['a PIN of the wrong length', '', 'zoya.pin is not valid', (text: string) => text.replace('424242', '42')],
    ['a missing name', '', 'zoya.name is missing', (text: string) => text.replace('  name: Zoya Khan\n', '')],
    ['half an Aadhaar', '  aadhaar: { lastFour: 12 }', 'zoya.aadhaar.lastFour is not valid'],
    ['a quirk that does not exist', '  quirks: [no-such-thing]', 'zoya.quirks is not valid'],
    ['a doctype in small letters', '  pdfOnly: [drvlc]', 'zoya.pdfOnly is not valid'],
  ])('are refused with %s, by person and member', (_case, more, fault, change = (text: string) => text) => {
    expect(() => readPeople(change(person(more)))).toThrow(fault)
  })

  it.each([
    ['no list', 'a: 1', 'expected a list'],
    ['two of one id', `${person()}\n${person()}`, 'zoya: there are two of this id'],
  ])('are refused as %s', (_case, text, fault) => {
    expect(() => readPeople(text)).toThrow(fault)
  })

  it('of one’s own can sign in beside the others, and take their place', async () => {
    const people = readPeople(
      `${person('  pan: { number: ZZZPK0000Z, verifiedOn: 01-01-2020 10:00:00 }')}\n${person('', 'asha')}`,
    )
    await using simulator = await startSimulator({ rootBits: 2048, clients: [PLAIN], people })
    const back = await walkToCallback(simulator, { persona: 'zoya', pin: '424242' })
    expect(back.searchParams.has('code')).toBe(true)
    const taken = await walkToCallback(simulator, { persona: 'asha', pin: '424242' })
    expect(taken.searchParams.has('code')).toBe(true)
  })
})
