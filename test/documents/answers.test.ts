import { describe, expect, it } from 'vitest'
import { holdsAadhaarNumber } from '../../src/documents/aadhaar-number.ts'
import { isAgeAtLeast, todayInIndia } from '../../src/documents/answers.ts'
import { secondsOf } from './fixtures.ts'

describe('age — Majority Act 1875 s.3', () => {
  it.each([
    ['the day before the birthday', '2008-11-24', 18, '2026-11-23', false],
    ['the birthday', '2008-11-23', 18, '2026-11-23', true],
    ['the day after', '2008-11-22', 18, '2026-11-23', true],
    ['28 February for one born on the 29th', '2008-02-29', 18, '2026-02-28', false],
    ['1 March for one born on the 29th', '2008-02-29', 18, '2026-03-01', true],
    ['29 February of a leap year for one born on it', '2008-02-29', 20, '2028-02-29', true],
    ['28 February of a leap year for one born on the 29th', '2008-02-29', 20, '2028-02-28', false],
    ['new year', '2008-12-31', 18, '2026-12-30', false],
    ['an age of 100', '1926-11-23', 100, '2026-11-23', true],
    ['an age of 0 on the day of birth', '2026-11-23', 0, '2026-11-23', true],
    ['before birth', '2026-11-24', 0, '2026-11-23', false],
  ])('is told on %s', (_case, birthdate, years, onDate, answer) => {
    expect(isAgeAtLeast(birthdate, years, onDate)).toBe(answer)
  })

  it.each([
    ['a year alone', '1979', 18, '2026-11-23'],
    ['no date', undefined, 18, '2026-11-23'],
    ['a day that is none', '2008-02-30', 18, '2026-11-23'],
    ['another form', '23-11-2008', 18, '2026-11-23'],
    ['a broken today', '2008-11-23', 18, 'today'],
    ['half a year', '2008-11-23', 17.5, '2026-11-23'],
    ['a negative age', '2008-11-23', -1, '2026-11-23'],
  ])('is not told from %s', (_case, birthdate, years, onDate) => {
    expect(isAgeAtLeast(birthdate, years, onDate)).toBeUndefined()
  })
})

describe('today', () => {
  it.each([
    ['2026-11-22T18:29:59Z', '2026-11-22'],
    ['2026-11-22T18:30:00Z', '2026-11-23'],
  ])('at %s is %s in India', (instant, day) => {
    expect(todayInIndia(() => secondsOf(instant))).toBe(day)
  })
})

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
