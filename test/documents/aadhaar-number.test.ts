import { describe, expect, it } from 'vitest'
import { holdsAadhaarNumber } from '../../src/documents/aadhaar-number.ts'

describe('what looks like an Aadhaar number — Verhoeff 1969', () => {
  const withCheckDigit = (digits: string) => [...'0123456789'].filter((check) => holdsAadhaarNumber(digits + check))

  it.each(['23412341234', '99999999999', '50000000000', '234123412341234'])(
    'has one check digit after %s',
    (digits) => {
      expect(withCheckDigit(digits)).toHaveLength(1)
    },
  )

  it.each([
    '234123412346',
    '2341 2341 2346',
    '2341-2341-2346',
    'no. 234123412346.',
    '２３４１２３４１２３４６',
    '২৩৪১২৩৪১২৩৪৬',
  ])('is %s', (text) => {
    expect(holdsAadhaarNumber(text)).toBe(true)
  })

  it.each(['234123412345', '034123412346', '23412341234', '2341\n2341\n2346', 'x234x', ''])('is not %j', (text) => {
    expect(holdsAadhaarNumber(text)).toBe(false)
  })
})
