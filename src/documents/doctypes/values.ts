import { DocumentError } from '../../errors.ts'
import type { DocumentFields, PostalAddress } from '../document.ts'
import type { XmlElement } from '../xml.ts'

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

const DAY_FIRST = /^(\d{2})([-/.]?)(\d{2})\2(\d{4})$/
const ISO = /^(\d{4})-(\d{2})-(\d{2})$/
const TIME_OF_DAY = /[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/

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

/** A date that informs only: unreadable is as good as absent. */
export function dateOf(element: XmlElement | undefined, name: string): string | undefined {
  const written = attribute(element, name)
  return written === undefined ? undefined : toIsoDate(written)
}

/**
 * A date that people rely on (birth, expiry). Blank is absent; unreadable refuses the document, because leaving it out
 * would make an expired licence look like one that never expires.
 * @throws DocumentError DOC_FIELDS_INVALID
 */
export function strictDateOf(element: XmlElement | undefined, name: string): string | undefined {
  const written = attribute(element, name)
  if (written === undefined) return undefined
  const date = toIsoDate(written)
  if (date === undefined) throw invalid(`${name} is not a day of the calendar`)
  return date
}

/** As `strictDateOf`; a year alone stays a year, since Aadhaar may know no more and a day is not ours to invent. */
export function birthdateOf(element: XmlElement | undefined, name = 'dob'): string | undefined {
  const written = attribute(element, name)
  if (written !== undefined && /^(?:18|19|20)\d{2}$/.test(written)) return written
  return strictDateOf(element, name)
}

const GENDERS: Readonly<Record<string, NonNullable<DocumentFields['gender']>>> = {
  F: 'female',
  FEMALE: 'female',
  M: 'male',
  MALE: 'male',
  T: 'transgender',
  TRANSGENDER: 'transgender',
}

/** Words vary by issuer (`M`, `MALE`, `male`); what is not in the table is left out, not guessed. */
export function genderOf(element: XmlElement | undefined): DocumentFields['gender'] {
  const written = attribute(element, 'gender')?.toUpperCase()
  return written !== undefined && Object.hasOwn(GENDERS, written) ? GENDERS[written] : undefined
}

const ACTIVE = new Set(['A', 'ACTIVE'])

/** `A` by the schema, `Active` on real licences; any other word is not active (documents-and-signatures.md §1.3). */
export function statusOf(root: XmlElement): DocumentFields['status'] {
  const written = attribute(root, 'status')?.toUpperCase()
  if (written === undefined) return undefined
  return ACTIVE.has(written) ? 'active' : 'inactive'
}

/** The parts of an address in the order in which they are written on an envelope. */
export interface AddressParts {
  readonly street: readonly (string | undefined)[]
  /** from the smallest place to the district; the first is the locality */
  readonly places: readonly (string | undefined)[]
  readonly region: string | undefined
  readonly postalCode: string | undefined
  readonly country: string | undefined
}

/** An address in the words of OpenID Connect Core §5.1.1, or nothing when the document leaves all of it blank. */
export function toPostalAddress(parts: AddressParts): PostalAddress | undefined {
  const street = distinct(parts.street)
  const places = distinct(parts.places)
  const [locality] = places
  const { region, postalCode, country } = parts
  const lines = [...street, ...places, distinct([region, postalCode]).join(' '), country].filter(isPresent)
  if (!isPresent(street[0]) && !isPresent(locality) && !isPresent(region) && !isPresent(postalCode)) return undefined
  return compact<PostalAddress>({
    formatted: lines.join('\n'),
    street_address: street.length > 0 ? street.join('\n') : undefined,
    locality,
    region,
    postal_code: postalCode,
    country,
  })
}

const isPresent = (value: string | undefined): value is string => value !== undefined && value !== ''

/** Issuers repeat themselves (village, post office and district of one name): once is enough. */
function distinct(values: readonly (string | undefined)[]): string[] {
  const byFold = new Map(values.filter(isPresent).map((value) => [value.toLowerCase(), value]))
  return [...byFold.values()]
}

/** A frozen copy without the members that have no value. */
export function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.freeze(Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))) as T
}
