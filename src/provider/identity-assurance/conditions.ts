import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json } from './json.ts'

/**
 * Whether a value meets `value`, `values` and `max_age` of what was asked, all that are there.
 * What we do not have meets no condition.
 * @param now epoch seconds: the time of the request
 * @see OpenID Connect for Identity Assurance 1.0 §5.5
 */
export function conditionMet(asked: Json, value: Json | undefined, now: number): boolean {
  if (!isObject(asked)) return true
  if ('value' in asked && !isDeepStrictEqual(asked.value, value)) return false
  if (Array.isArray(asked.values) && !asked.values.some((one) => isDeepStrictEqual(one, value))) return false
  return typeof asked.max_age !== 'number' || (typeof value === 'string' && ageOf(value, now) <= asked.max_age)
}

/** Seconds since a time; since the last second of a day, which is one in India (§5.5.2). Not a number for anything else. */
function ageOf(value: string, now: number): number {
  const moment = /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T23:59:59+05:30` : value
  return now - Date.parse(moment) / 1000
}
