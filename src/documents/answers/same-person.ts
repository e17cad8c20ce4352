import type { DocumentFields } from '../document.ts'
import { isIsoDate } from './age.ts'
import type { Answer, AnswerReason } from './answer.ts'
import { matchNames, type NameMatch, type NameReason } from './match-names.ts'

type PersonFields = Pick<DocumentFields, 'name' | 'birthdate' | 'gender' | 'organization'>

export interface SamePerson extends Answer<AnswerReason | NameReason> {
  /** of the names, as `matchNames` gives it */
  readonly nameScore?: number
}

/**
 * Whether two verified documents were issued to one person. Yes needs names that match and the same full date of birth,
 * and no gender that differs; no needs a date of birth that differs. Everything between is unknown: people change a name
 * when they marry, twins share a date, and a clerk's slip is nobody's proof. Numbers are not compared.
 * @param a fields of a verified document, by `extract`; the order of the two makes no difference
 */
export function samePerson(a: PersonFields, b: PersonFields): SamePerson {
  if (a.organization !== undefined || b.organization !== undefined) {
    return { answer: 'unknown', reasons: ['person.organization'] }
  }
  const name = matchNames(a.name, b.name)
  const birthdate = compareBirthdates(a.birthdate, b.birthdate)
  const gender = compareGenders(a.gender, b.gender)
  return {
    answer: decide(name, birthdate, gender),
    reasons: [birthdate, gender, ...name.reasons].toSorted(),
    ...(name.score === undefined ? {} : { nameScore: name.score }),
  }
}

function decide(name: NameMatch, birthdate: AnswerReason, gender: AnswerReason): SamePerson['answer'] {
  if (birthdate === 'person.birthdate_differs') return 'no'
  if (birthdate !== 'person.birthdate_same' || gender === 'person.gender_differs') return 'unknown'
  return name.outcome === 'match' ? 'yes' : 'unknown'
}

/** A year alone can deny, never confirm. */
function compareBirthdates(a: string | undefined, b: string | undefined): AnswerReason {
  if (a === undefined || b === undefined) return 'person.birthdate_missing'
  if (isIsoDate(a) && isIsoDate(b)) return a === b ? 'person.birthdate_same' : 'person.birthdate_differs'
  return a.slice(0, 4) === b.slice(0, 4) ? 'person.birthdate_incomplete' : 'person.birthdate_differs'
}

function compareGenders(a: PersonFields['gender'], b: PersonFields['gender']): AnswerReason {
  if (a === undefined || b === undefined) return 'person.gender_missing'
  return a === b ? 'person.gender_same' : 'person.gender_differs'
}
