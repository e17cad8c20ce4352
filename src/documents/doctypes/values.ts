import { DocumentError } from '../../errors.ts'
import type { DocumentFields } from '../document.ts'
import type { XmlElement } from '../xml.ts'
import type { Written } from './groups.ts'
import { compact, Noted } from './noted.ts'

/** Text with its white space tidied; what is empty or blank on the wire is no value (documents-and-signatures.md §1.3). */
export function text(value: string | undefined): string | undefined {
  const tidy = value?.replace(/\s+/gu, ' ').trim()
  return tidy ? tidy : undefined
}

export function attribute(element: XmlElement | undefined, name: string): string | undefined {
  return text(element?.attributes.get(name))
}

/** Children of that name without a namespace: documents of this kind have none, a namespaced look-alike is no match. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.uri === '' && child.name === name) ?? []
}

/**
 * The only child of that name, down a path.
 * @throws DocumentError DOC_FIELDS_INVALID when there are two: which one speaks would be a guess
 */
export function childOf(element: XmlElement | undefined, ...path: string[]): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((parent, name) => {
    const [child, ...more] = childrenOf(parent, name)
    if (more.length > 0) throw invalid(`more than one ${name}`)
    return child
  }, element)
}

export const invalid = (message: string) => new DocumentError('DOC_FIELDS_INVALID', message)

/**
 * Reads one attribute and notes the characters it was read from.
 * @param read makes a value of the tidied text, or nothing
 */
export function noted<T>(
  element: XmlElement | undefined,
  name: string,
  read: (tidy: string) => T | undefined,
): Noted<T> | undefined {
  const written = element?.attributes.get(name)
  const tidy = text(written)
  const value = tidy === undefined ? undefined : read(tidy)
  return value === undefined ? undefined : new Noted(value, written)
}

export const textOf = (element: XmlElement | undefined, name: string): Noted<string> | undefined =>
  noted(element, name, (tidy) => tidy)

/**
 * The same thing under the schema's spelling or the dictionary's.
 * @throws DocumentError DOC_FIELDS_INVALID when both are there and differ
 */
export function spelledEitherWay(element: XmlElement | undefined, ...names: string[]): Noted<string> | undefined {
  const [found, ...others] = names.flatMap((name) => textOf(element, name) ?? [])
  if (others.some(({ value }) => value !== found?.value)) throw invalid(`two ${names[0]} that differ`)
  return found
}

const DAY_FIRST = /^(\d{2})([-/.]?)(\d{2})\2(\d{4})$/
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/
const TIME_OF_DAY = /[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?$/

/**
 * A calendar day as YYYY-MM-DD. Day first (`-`, `/`, `.` or nothing between) or ISO, a time of day after it is dropped;
 * never month first, and no day that the calendar lacks.
 * @returns undefined for anything else
 * @see documents-and-signatures.md §1.4; digilocker-api.md §9
 */
export function toIsoDate(written: string): string | undefined {
  const day = written.replace(TIME_OF_DAY, '')
  const [, dd, , mm, yyyy] = DAY_FIRST.exec(day) ?? []
  const iso = yyyy === undefined ? day : `${yyyy}-${mm}-${dd}`
  return ISO.test(iso) && isRealDay(iso) ? iso : undefined
}

function isRealDay(iso: string): boolean {
  const time = Date.parse(`${iso}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso) && iso >= '1800'
}

/**
 * The moment of a day with a time, in epoch seconds. Where no zone is written it is India's, the only one there is.
 * @returns undefined for a day alone, and for a time that no clock shows
 */
export function toEpochSeconds(written: string): number | undefined {
  const day = toIsoDate(written)
  const [, time, zone = '+05:30'] = TIME_OF_DAY.exec(written) ?? []
  if (day === undefined || time === undefined) return undefined
  const moment = Date.parse(`${day}T${time}${zone.replace(/(\d{2})(\d{2})$/, '$1:$2')}`)
  return Number.isNaN(moment) ? undefined : Math.floor(moment / 1000)
}

/** A date that informs only: unreadable is as good as absent. */
export const dateOf = (element: XmlElement | undefined, name: string) => noted(element, name, toIsoDate)

/**
 * A date that people rely on (birth, expiry). Blank is absent; unreadable refuses the document, because leaving it out
 * would make an expired licence look like one that never expires.
 * @throws DocumentError DOC_FIELDS_INVALID
 */
export function strictDateOf(element: XmlElement | undefined, name: string): Noted<string> | undefined {
  return noted(element, name, (tidy) => strictly(toIsoDate(tidy), name))
}

/** As `strictDateOf`; a year alone stays a year, since Aadhaar may know no more and a day is not ours to invent. */
export function birthdateOf(element: XmlElement | undefined, name = 'dob'): Noted<string> | undefined {
  return noted(element, name, (tidy) => (YEAR.test(tidy) ? tidy : strictly(toIsoDate(tidy), name)))
}

const YEAR = /^(?:18|19|20)\d{2}$/

function strictly(date: string | undefined, name: string): string {
  if (date === undefined) throw invalid(`${name} is not a day of the calendar`)
  return date
}

export const yearOf = (element: XmlElement | undefined, name: string) =>
  noted(element, name, (tidy) => (YEAR.test(tidy) ? Number(tidy) : undefined))

/** A word of a closed vocabulary, whatever its case; what is not in the table is left out, not guessed. */
export function wordOf<T>(element: XmlElement | undefined, name: string, table: ReadonlyMap<string, T>) {
  return noted(element, name, (tidy) => table.get(tidy.toUpperCase()))
}

const GENDERS = new Map<string, NonNullable<DocumentFields['gender']>>([
  ['F', 'female'],
  ['FEMALE', 'female'],
  ['M', 'male'],
  ['MALE', 'male'],
  ['T', 'transgender'],
  ['TRANSGENDER', 'transgender'],
])

/** Words vary by issuer: `M`, `MALE`, `male` (documents-and-signatures.md §1.4). */
export const genderOf = (element: XmlElement | undefined) => wordOf(element, 'gender', GENDERS)

const ACTIVE = new Set(['A', 'ACTIVE'])

/** `A` by the schema, `Active` on real licences; any other word is not active (documents-and-signatures.md §1.3). */
export const statusOf = (root: XmlElement) =>
  noted(root, 'status', (tidy) => (ACTIVE.has(tidy.toUpperCase()) ? 'active' : 'inactive'))

// Bounded, so that no identifier passes for a quantity.
const QUANTITY = /^\d{1,7}(?:\.\d{1,3})?$/

export const toQuantity = (tidy: string) => (QUANTITY.test(tidy) ? Number(tidy) : undefined)

export const quantityOf = (element: XmlElement | undefined, name: string) => noted(element, name, toQuantity)

/** A value kept as written even where it means nothing to us: marks of `AB` say more than no marks. */
export function writtenOf<T>(
  element: XmlElement | undefined,
  name: string,
  read: (tidy: string) => T | undefined,
): Noted<Written<T>> | undefined {
  const written = attribute(element, name)
  return written === undefined
    ? undefined
    : new Noted(compact<Written<T>>({ written, value: read(written) }), undefined, true)
}
