import type { Clock } from '../clock.ts'
import { isAgeAtLeast, isIsoDate, todayInIndia } from '../documents/answers/age.ts'

/**
 * Predefined transformed claims of the draft OpenID Connect Advanced Syntax for Claims (ASC) 1.0: a relying app asks for
 * `::age_18_or_over` where it would ask for a claim, and is told yes or no instead of the date. Apps define none of
 * their own: a person can only agree to what we can put into words.
 */

type Step = string | readonly [name: string, argument: string | number | boolean]

export interface TransformedClaim {
  /** the base claim */
  readonly claim: string
  readonly fn: readonly Step[]
}

/** Names of ours begin with `dwar_`; the sentence of each is `claim.<name>` of every locale. */
export const predefined: Readonly<Record<string, TransformedClaim>> = {
  age_18_or_over: { claim: 'birthdate', fn: ['years_ago', ['gte', 18]] },
  age_21_or_over: { claim: 'birthdate', fn: ['years_ago', ['gte', 21]] },
  age_60_or_over: { claim: 'birthdate', fn: ['years_ago', ['gte', 60]] },
  dwar_licence_valid: { claim: 'driving_licence_valid', fn: [['eq', true]] },
  dwar_licence_class_lmv: { claim: 'drives_lmv', fn: [['eq', true]] },
  dwar_licence_class_mcwg: { claim: 'drives_mcwg', fn: [['eq', true]] },
  dwar_pan_active: { claim: 'pan_status', fn: [['eq', 'active']] },
}

/** Each takes what the one before it gave; undefined is no answer. */
const functions: Readonly<Record<string, (input: unknown, argument: unknown, clock: Clock) => unknown>> = {
  years_ago: (input, _none, clock) => (typeof input === 'string' ? yearsAgo(input, todayInIndia(clock)) : undefined),
  gte: (input, least) => (typeof input === 'number' && typeof least === 'number' ? input >= least : undefined),
  eq: (input, other) => input === other,
}

/** @returns undefined when the base claim is not there, or a function can make nothing of it */
export function transform(base: unknown, fn: TransformedClaim['fn'], clock: Clock): unknown {
  return fn.reduce<unknown>((input, step) => {
    const [name, argument] = typeof step === 'string' ? [step] : step
    return input === undefined ? undefined : functions[name]?.(input, argument, clock)
  }, base)
}

/** Whole years since a day; of a year alone nobody knows. */
function yearsAgo(date: string, today: string): number | undefined {
  if (!isIsoDate(date) || date > today) return undefined
  const years = Number(today.slice(0, 4)) - Number(date.slice(0, 4))
  return isAgeAtLeast(date, years, today) ? years : years - 1
}

/** @see ASC 1.0 (draft), "OP Metadata" */
export const transformedClaimsMetadata = {
  transformed_claims_functions_supported: Object.keys(functions),
  transformed_claims_predefined: predefined,
  transformed_claims_max_count: 0,
}
