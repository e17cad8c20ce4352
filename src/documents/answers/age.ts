import type { Clock } from '../../clock.ts'
import { toIsoDate } from '../doctypes/values.ts'
import type { DocumentFields } from '../document.ts'
import { type Answer, no, unknown, yes } from './answer.ts'

const INDIA_OFFSET_SECONDS = 19_800

/** Today's date in India as YYYY-MM-DD. One zone, UTC+05:30, no summer time: the date at which ages are told there. */
export function todayInIndia(clock: Clock): string {
  return new Date((clock() + INDIA_OFFSET_SECONDS) * 1000).toISOString().slice(0, 10)
}

/**
 * Whether a person has reached an age. It is reached at the beginning of the anniversary of birth (Majority Act 1875
 * s.3); who was born on 29 February reaches it on 1 March in a common year, never a day too soon.
 * @param birthdate YYYY-MM-DD; a year alone, or no date at all, gives no answer
 * @param years whole years, 0 or more
 * @param onDate YYYY-MM-DD, in India (`todayInIndia`)
 * @returns undefined when the document does not say enough
 */
export function isAgeAtLeast(birthdate: string | undefined, years: number, onDate: string): boolean | undefined {
  if (!isIsoDate(birthdate) || !isIsoDate(onDate) || !Number.isInteger(years) || years < 0) return undefined
  const year = String(Number(birthdate.slice(0, 4)) + years).padStart(4, '0')
  // As text, 29 February of a common year sorts after the 28th and before 1 March: just the rule above.
  return `${year}${birthdate.slice(4)}` <= onDate
}

/**
 * Whether the person of a verified document has reached an age, today in India. A year of birth alone is no answer, not
 * even where it seems plain: a declared year is an estimate.
 * @param years whole years, 0 or more
 * @see dpdp.md (boundary at the 18th birthday); documents-and-signatures.md §1.4 (year-only dates)
 */
export function answerAge(fields: Pick<DocumentFields, 'birthdate'>, years: number, clock: Clock): Answer {
  const reached = isAgeAtLeast(fields.birthdate, years, todayInIndia(clock))
  if (reached !== undefined) return reached ? yes() : no()
  return unknown(/^\d{4}$/.test(fields.birthdate ?? '') ? 'age.year_only' : 'age.birthdate_missing')
}

export const isIsoDate = (date: string | undefined): date is string =>
  date !== undefined && /^\d{4}-/.test(date) && toIsoDate(date) === date
