import { describe, expect, it } from 'vitest'
import { samePerson } from '../../../src/documents/answers/same-person.ts'

type Person = Parameters<typeof samePerson>[0]
const MEERA: Person = { name: 'Meera Example', birthdate: '1992-02-29', gender: 'female' }

describe('one person in two verified documents', () => {
  it.each<[string, Partial<Person>, string, string[]]>([
    ['all alike', {}, 'yes', ['name.same', 'person.birthdate_same', 'person.gender_same']],
    ['a spelling', { name: 'EXAMPLE MIRA' }, 'yes', ['name.variant', 'name.word_order']],
    ['no gender', { gender: undefined }, 'yes', ['person.gender_missing']],
    ['another gender', { gender: 'transgender' }, 'unknown', ['person.gender_differs']],
    ['another day of birth', { birthdate: '1992-02-28' }, 'no', ['person.birthdate_differs']],
    ['the year of birth alone', { birthdate: '1992' }, 'unknown', ['person.birthdate_incomplete']],
    ['another year of birth', { birthdate: '1991' }, 'no', ['person.birthdate_differs']],
    ['no date of birth', { birthdate: undefined }, 'unknown', ['person.birthdate_missing']],
    ['a name less a word', { name: 'Meera' }, 'unknown', ['name.word_missing']],
    ['a twin', { name: 'Heera Example' }, 'unknown', ['name.words_differ']],
    ['no name', { name: undefined }, 'unknown', ['name.empty']],
    ['a name in another script', { name: 'मीरा' }, 'unknown', ['name.other_script']],
    ['an organisation', { organization: 'Example Mills' }, 'unknown', ['person.organization']],
  ])('is told with %s', (_case, change, answer, reasons) => {
    const result = samePerson(MEERA, { ...MEERA, ...change })
    expect(result.answer).toBe(answer)
    expect(result.reasons).toEqual(expect.arrayContaining(reasons))
    expect(samePerson({ ...MEERA, ...change }, MEERA)).toEqual(result)
    expect(JSON.stringify(result)).not.toMatch(/1992|1991|meera|example|heera/i)
  })

  it('is not told from two years of birth that are the same', () => {
    const [a, b] = [
      { ...MEERA, birthdate: '1992' },
      { ...MEERA, birthdate: '1992' },
    ]
    expect(samePerson(a, b).answer).toBe('unknown')
  })
})
