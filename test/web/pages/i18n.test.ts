import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { direction, type Locales, languageLinks, pickLocale, readLocales, translator } from '../../../src/web/i18n.ts'
import { renderer, wordsOf } from './samples.ts'

describe('reading locales', () => {
  let folder: string
  const write = (locale: string, messages: unknown) =>
    writeFileSync(path.join(folder, `${locale}.json`), JSON.stringify(messages))
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'dwar-locales-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('reads every locale of the folder', () => {
    write('en', { greeting: 'Hello' })
    write('hi', { greeting: 'नमस्ते' })
    expect([...readLocales(folder).keys()]).toEqual(['en', 'hi'])
  })

  it.each([
    ['a locale that lacks a text', { en: { a: 'A', b: 'B' }, hi: { a: 'ए' } }, /hi lacks b/],
    ['a text that only one locale has', { en: { a: 'A' }, hi: { a: 'ए', b: 'बी' } }, /only hi has b/],
    ['a folder without English', { hi: { a: 'ए' } }, /no en\.json/],
    ['nested texts', { en: { a: { b: 'B' } } }, /en\.json is not a flat table/],
  ])('refuses %s', (_case, files, message) => {
    for (const [locale, messages] of Object.entries(files)) write(locale, messages)
    expect(() => readLocales(folder)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    )
  })
})

describe('choosing the language — OpenID Connect Core §3.1.2.1, RFC 9110 §12.5.4, RFC 4647 §3.4', () => {
  const available = ['en', 'hi', 'ur']
  it.each([
    ['what the app asks for', 'hi', 'en', 'hi'],
    ['the first that there is', 'fr hi en', undefined, 'hi'],
    ['a language when a region is asked for', 'hi-IN', undefined, 'hi'],
    ['the browser’s when the app names none', undefined, 'hi-IN,hi;q=0.9,en;q=0.8', 'hi'],
    ['the browser’s by weight, not by place', undefined, 'en;q=0.2,hi;q=0.7', 'hi'],
    ['the browser’s when the app names one that is not there', 'ta', 'hi', 'hi'],
    ['English when nothing fits', 'fr', 'de', 'en'],
    ['English when nobody asks', undefined, undefined, 'en'],
    ['none that is refused by weight', undefined, 'hi;q=0', 'en'],
    ['none for a weight that is no number', undefined, 'hi;q=x', 'en'],
    ['English for the wildcard', undefined, '*', 'en'],
    ['past malformed tags', 'x_y <script> \u0000 hi', undefined, 'hi'],
  ])('takes %s', (_case, uiLocales, acceptLanguage, expected) => {
    expect(pickLocale(uiLocales, acceptLanguage, available)).toBe(expected)
  })

  it('reads no more than a handful of wishes', () => {
    expect(pickLocale(`${'xx '.repeat(40)}hi`, undefined, available)).toBe('en')
    expect(pickLocale(undefined, `${'xx,'.repeat(40)}hi`, available)).toBe('en')
  })
})

describe('texts', () => {
  const locales: Locales = new Map([
    ['en', { days: '{n, plural, one {# day} other {# days}}', raw: 'Hi <b>{who}</b>' }],
  ])
  const words = translator(locales, 'en')

  it('forms plurals', () => {
    expect([words.t('days', { n: 1 }), words.t('days', { n: 30 })]).toEqual(['1 day', '30 days'])
  })

  it('leaves tags and what is put in alone: escaping is the view’s', () => {
    expect(words.t('raw', { who: '<i>{n}</i>' })).toBe('Hi <b><i>{n}</i></b>')
  })

  it.each([
    ['an unknown key', () => words.t('nothing')],
    ['a missing value', () => words.t('days')],
    ['an unknown locale', () => translator(locales, 'xx')],
  ])('refuses %s', (_case, use) => {
    expect(use).toThrow(expect.objectContaining({ code: 'UNEXPECTED' }))
  })
})

describe('days', () => {
  it.each([
    ['a birthdate', 'en', '1994-02-28', '28 February 1994'],
    ['a birthdate in Hindi', 'hi', '1994-02-28', '28 फ़रवरी 1994'],
    ['a year alone, as it is', 'en', '1994', '1994'],
    ['an impossible day, as it is', 'en', '1994-13-40', '1994-13-40'],
    ['the last second of the year in India', 'en', Date.UTC(2026, 11, 31, 18, 29, 59) / 1000, '31 December 2026'],
    ['the first second of the year in India', 'en', Date.UTC(2026, 11, 31, 18, 30) / 1000, '1 January 2027'],
  ])('shows %s', (_case, locale, when, expected) => {
    expect(wordsOf(locale).date(when)).toBe(expected)
  })

  it.each(['hi', 'bn', 'mr', 'ur', 'ks', 'as', 'ne'])('writes them with latin digits in %s', (locale) => {
    const words = translator(new Map([[locale, { days: '{n, plural, other {#}}' }]]), locale)
    expect(words.date('1994-02-28')).toMatch(/1994/)
    expect(words.t('days', { n: 365 })).toBe('365')
  })
})

describe('languages', () => {
  it.each([
    ['en', 'ltr'],
    ['hi', 'ltr'],
    ['ur', 'rtl'],
    ['ks', 'rtl'],
    ['sd', 'rtl'],
  ])('writes %s %s', (locale, expected) => {
    expect(direction(locale)).toBe(expected)
  })

  it('offers every language by its own name, where the page is or is to be had again', () => {
    expect(languageLinks(renderer.locales, 'hi')).toEqual([
      { locale: 'en', name: 'English', href: '?ui_locales=en', current: false },
      { locale: 'hi', name: 'हिन्दी', href: '?ui_locales=hi', current: true },
    ])
    expect(languageLinks(renderer.locales, 'hi', '/interaction/u1')[0]?.href).toBe('/interaction/u1?ui_locales=en')
  })
})
