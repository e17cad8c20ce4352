import { describe, expect, it } from 'vitest'
import { answerAge, isAgeAtLeast, todayInIndia } from '../../../src/documents/answers/age.ts'
import { secondsOf } from '../fixtures.ts'

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

describe('the answer about age', () => {
  // A second before midnight in India, and midnight: in UTC both are the same day.
  it.each([
    ['2008-11-24', '2026-11-23T18:29:59Z', { answer: 'no', reasons: [] }],
    ['2008-11-24', '2026-11-23T18:30:00Z', { answer: 'yes', reasons: [] }],
    ['1950', '2026-11-23T18:30:00Z', { answer: 'unknown', reasons: ['age.year_only'] }],
    [undefined, '2026-11-23T18:30:00Z', { answer: 'unknown', reasons: ['age.birthdate_missing'] }],
  ])('for a birth in %s at %s is told by the date in India', (birthdate, instant, answer) => {
    expect(answerAge({ birthdate }, 18, () => secondsOf(instant))).toEqual(answer)
  })
})
