import { findClaimRow } from '../../provider/claims.ts'
import type { Translator } from '../i18n.ts'
import { bareClaim } from './frame.ts'

/** Answers that are worked out from a document rather than printed on it. */
export function isDerived(claim: string): boolean {
  return findClaimRow(bareClaim(claim))?.isAnswer === true
}

/**
 * A claim's value as a person reads it: answers as yes and no, days in words, codes by name.
 * @param value as the app would receive it
 */
export function showValue(words: Translator, claim: string, value: unknown): string {
  if (typeof value === 'boolean') return words.t(value ? 'value.yes' : 'value.no')
  if (typeof value === 'number') return claim.endsWith('_at') ? words.date(value) : String(value)
  if (typeof value === 'string') return showText(words, bareClaim(claim), value)
  if (Array.isArray(value)) return value.map((one) => showValue(words, claim, one)).join(', ')
  if (typeof value === 'object' && value !== null) return showObject(value)
  return words.t('value.none')
}

function showText(words: Translator, claim: string, value: string): string {
  const key = `value.${value}`
  if (/(?:gender|status)$/.test(claim) && words.has(key)) return words.t(key)
  return /(?:birthdate|_on|date_of_\w+)$/.test(claim) ? words.date(value) : value
}

/** An address by its formatted line (OpenID Connect Core §5.1.1), a vehicle class by abbreviation and description. */
function showObject(value: object): string {
  if ('formatted' in value && typeof value.formatted === 'string') return value.formatted
  return Object.values(value)
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(', ')
}
