import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createIntl, type IntlShape } from '@formatjs/intl'
import { match } from '@formatjs/intl-localematcher'
import { WebError } from '../errors.ts'

/** Texts of one locale: key → ICU message. */
export type Messages = Readonly<Record<string, string>>
/** All locales, by BCP 47 tag (`en`, `hi`). Every one has the same keys. */
export type Locales = ReadonlyMap<string, Messages>

/** The language that is read when no other fits, and whose keys every other locale must have. */
export const DEFAULT_LOCALE = 'en'

/** A page is asked for in a handful of languages; a header of thousands is an attack. */
const MAX_TAGS = 30

export interface Translator {
  readonly locale: string
  readonly direction: 'ltr' | 'rtl'
  /** The sentence in this language. @throws WebError UNEXPECTED for an unknown key or a missing value */
  t(key: string, values?: Readonly<Record<string, string | number>>): string
  has(key: string): boolean
  /**
   * A date in words with latin digits, so that what is copied from a page is understood everywhere.
   * @param when epoch seconds, shown as the day in India; or `YYYY-MM-DD`; a bare `YYYY` stays as it is
   */
  date(when: number | string): string
  /** Items joined as this language joins them. */
  list(items: readonly string[]): string
}

export interface LanguageLink {
  readonly locale: string
  /** in its own language: `हिन्दी` */
  readonly name: string
  readonly href: string
  readonly current: boolean
}

/**
 * Reads every `<locale>.json` of a folder and refuses a folder whose locales differ in keys, so that no page is met
 * half translated.
 * @throws WebError CONFIG_INVALID naming the faults
 */
export function readLocales(folder: string): Locales {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  const locales = new Map(files.map((file) => [path.basename(file, '.json'), readMessages(path.join(folder, file))]))
  const wanted = locales.get(DEFAULT_LOCALE)
  if (!wanted) throw new WebError('CONFIG_INVALID', `no ${DEFAULT_LOCALE}.json among the locales`)
  const faults = [...locales].flatMap(([locale, messages]) => differences(locale, messages, wanted))
  if (faults.length > 0) throw new WebError('CONFIG_INVALID', `locales differ: ${faults.join('; ')}`)
  return locales
}

function readMessages(file: string): Messages {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!isMessages(parsed)) throw new WebError('CONFIG_INVALID', `${path.basename(file)} is not a flat table of texts`)
  return Object.freeze(parsed)
}

function isMessages(value: unknown): value is Messages {
  return typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string')
}

function differences(locale: string, messages: Messages, wanted: Messages): string[] {
  const missing = Object.keys(wanted).filter((key) => !Object.hasOwn(messages, key))
  const unknown = Object.keys(messages).filter((key) => !Object.hasOwn(wanted, key))
  return [...missing.map((key) => `${locale} lacks ${key}`), ...unknown.map((key) => `only ${locale} has ${key}`)]
}

/**
 * Picks the language of a page: what the app asked for, else what the browser prefers, else English (RFC 4647 §3.4).
 * @param uiLocales space-separated tags in order of preference (OpenID Connect Core §3.1.2.1); untrusted
 * @param acceptLanguage header of RFC 9110 §12.5.4; untrusted
 */
export function pickLocale(
  uiLocales: string | undefined,
  acceptLanguage: string | undefined,
  available: readonly string[],
): string {
  const wanted = [...(uiLocales?.split(' ') ?? []), ...readAcceptLanguage(acceptLanguage)]
  const tags = wanted.slice(0, MAX_TAGS).filter(isLanguageTag)
  return match(tags, available, DEFAULT_LOCALE, { algorithm: 'lookup' })
}

function readAcceptLanguage(header = ''): string[] {
  const ranges = header.split(',').map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    return { tag, weight: weight === undefined ? 1 : Number(weight) }
  })
  return ranges
    .filter((range) => range.weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map((range) => range.tag)
}

function isLanguageTag(tag: string): boolean {
  if (!/^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(tag)) return false // cheaper than an exception, which most requests would cost
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false // malformed in other ways
  }
}

/** The direction in which a language is written. */
export function direction(locale: string): 'ltr' | 'rtl' {
  const known: Intl.Locale & TextInfo = new Intl.Locale(locale)
  return known.getTextInfo?.().direction ?? 'ltr'
}

/** In ECMA-402 and Node 24; the library types of TypeScript lack it. */
interface TextInfo {
  getTextInfo?(): { direction?: 'ltr' | 'rtl' }
}

const translators = new WeakMap<Messages, Translator>()

/** The texts, dates and lists of one language; kept, because parsing messages costs more than a page. */
export function translator(locales: Locales, locale: string): Translator {
  const messages = locales.get(locale)
  if (!messages) throw new WebError('UNEXPECTED', `no such locale: ${locale}`)
  const kept = translators.get(messages)
  if (kept) return kept
  const made = makeTranslator(locale, messages)
  translators.set(messages, made)
  return made
}

function makeTranslator(locale: string, messages: Messages): Translator {
  // days and numbers as written in India, but in latin digits: others cannot be typed into forms and telephones
  const latin = new Intl.Locale(locale, { region: 'IN', numberingSystem: 'latn' }).toString()
  const intl = createIntl({ locale: latin, messages, onError: refuseFault })
  const lists = new Intl.ListFormat(latin, { type: 'conjunction' })
  const plain = new Map<string, string>()
  const sentence = (key: string): string => {
    const known = plain.get(key)
    if (known !== undefined) return known
    const text = intl.formatMessage({ id: key }, undefined, { ignoreTag: true })
    plain.set(key, text)
    return text
  }
  return {
    locale,
    direction: direction(locale),
    t: (key, values) => (values ? intl.formatMessage({ id: key }, values, { ignoreTag: true }) : sentence(key)),
    has: (key) => Object.hasOwn(messages, key),
    date: (when) => formatDate(intl, when),
    list: (items) => lists.format(items),
  }
}

function refuseFault(cause: { code: string }): never {
  throw new WebError('UNEXPECTED', `a text cannot be shown: ${cause.code}`, { cause })
}

function formatDate(intl: IntlShape<string>, when: number | string): string {
  if (typeof when === 'string' && !/^\d{4}-\d{2}-\d{2}$/.test(when)) return when
  const date = typeof when === 'number' ? new Date(when * 1000) : new Date(`${when}T00:00:00Z`)
  if (Number.isNaN(date.getTime())) return String(when)
  // a calendar day has no zone; a moment is shown as the day it was in India
  return intl.formatDate(date, { dateStyle: 'long', timeZone: typeof when === 'number' ? 'Asia/Kolkata' : 'UTC' })
}

/**
 * Plain links that show the same page in another language.
 * @param path where the page is to be had again; empty: where it is now
 */
export function languageLinks(locales: Locales, current: string, path = ''): LanguageLink[] {
  return [...locales.keys()].map((locale) => ({
    locale,
    name: languageName(locale),
    href: `${path}?ui_locales=${encodeURIComponent(locale)}`,
    current: locale === current,
  }))
}

const languageNames = new Map<string, string>()

function languageName(locale: string): string {
  const name = languageNames.get(locale) ?? new Intl.DisplayNames([locale], { type: 'language' }).of(locale) ?? locale
  languageNames.set(locale, name)
  return name
}
