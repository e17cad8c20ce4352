import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { claimRows } from '../../../src/provider/claims.ts'
import { personalDetails } from '../../../src/provider/identity-assurance/vocabulary.ts'
import { PULLABLE, pullFields } from '../../../src/rails/digilocker/pull.ts'
import { HINTS } from '../../../src/web/address-diff.ts'
import type { Locales } from '../../../src/web/i18n.ts'
import { refusals } from '../../../src/web/refusals.ts'
import { locales, renderer, viewsFolder } from './samples.ts'

const keys = Object.keys(renderer.locales.get('en') ?? {})
const root = path.resolve(import.meta.dirname, '../../..')
const sources = [...globSync('views/**/*.eta', { cwd: root }), ...globSync('src/web/**/*.ts', { cwd: root })].map(
  (file) => readFileSync(path.join(root, file), 'utf8'),
)

/** Keys made of a fixed beginning and a name: every beginning with all its names. */
const families: Readonly<Record<string, readonly string[]>> = {
  'address-refused.hint.': HINTS,
  'refusal.': Object.keys(refusals).flatMap((code) => ['title', 'happened', 'next'].map((part) => `${code}.${part}`)),
  'claim.': [
    ...claimRows.map(({ claim }) => claim),
    ...personalDetails,
    ...['given_name', 'family_name', 'updated_at', 'verified_claims'],
  ],
  'document.': ['ADHAR', 'DRVLC', 'PANCR', 'RVCER', 'SSCER', 'HSCER'],
  'missing.': [
    'pdf-only',
    'pdf-trusted',
    'pdf-unsigned',
    'pdf-not-trusted',
    'refused',
    'not-granted',
    'not-in-locker',
    'aadhaar-not-linked',
    'aadhaar-not-available',
    'unavailable',
    'pull-pending',
    'pull-not-found',
  ].flatMap((reason) => [reason, `${reason}.next`]),
  'office.': PULLABLE,
  'pull.field.': PULLABLE.flatMap((doctype) =>
    (pullFields(doctype) ?? []).flatMap(({ name }) => [name, `${name}.hint`]),
  ),
  'value.': ['female', 'male', 'transgender', 'active', 'inactive'],
  'account.state.': ['active', 'withdrawn', 'copied', 'signed-out', 'over', 'ended'],
  'consent.': ['needed', 'optional', 'proof'].flatMap((key) => [`${key}.title`, `${key}.hint`]),
}
const named = new Set(Object.entries(families).flatMap(([family, names]) => names.map((name) => family + name)))
const literals = new Set(
  sources.flatMap((source) => [...source.matchAll(/'([a-z][\w-]*(?:\.[\w-]+)+)'/g)].map((match) => match[1] ?? '')),
)

describe('texts', () => {
  it.each(locales)('has every key that views, pages and refusals use, in %s', (locale) => {
    const used = [...sources.flatMap(usedKeys), ...named]
    expect(used.filter((key) => !Object.hasOwn(renderer.locales.get(locale) ?? {}, key))).toEqual([])
  })

  it('has no key that nobody uses', () => {
    expect(keys.filter((key) => !literals.has(key) && !named.has(key))).toEqual([])
  })

  it.each(locales)('leaves no text empty or unfinished in %s', (locale) => {
    const texts = Object.entries(renderer.locales.get(locale) ?? {})
    expect(texts.filter(([, text]) => text.trim() !== text || text === '' || /todo|xxx|lorem/i.test(text))).toEqual([])
  })

  it.each(locales.filter((locale) => locale !== 'en'))('names the same values in %s as in English', (locale) => {
    expect(
      keys.filter((key) => argumentsOf(renderer.locales, locale, key) !== argumentsOf(renderer.locales, 'en', key)),
    ).toEqual([])
  })

  it('is written in its own script in Hindi', () => {
    const texts = Object.entries(renderer.locales.get('hi') ?? {})
    expect(texts.filter(([, text]) => !/\p{Script=Devanagari}/u.test(text))).toEqual([])
  })
})

describe('views', () => {
  const views = globSync('**/*.eta', { cwd: viewsFolder }).map(
    (file) => [file, readFileSync(path.join(viewsFolder, file), 'utf8')] as const,
  )

  it.each(views)('prints nothing raw in %s but the body of the layout and partials', (file, source) => {
    const raw = [...source.matchAll(/<%[-_]?~\s*([^%]*?)\s*[-_]?%>/g)].map((match) => match[1] ?? '')
    const allowed = file === 'layout.eta' ? /^it\.body$/ : /^include\('\.\.\/partials\/[a-z-]+'(?:, \{ [a-z]+ \})?\)$/
    expect(raw.filter((expression) => !allowed.test(expression))).toEqual([])
  })

  it.each(views)('has no script and no inline style in %s', (_file, source) => {
    expect(source).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=|javascript:/i)
  })

  it.each(views)('has no sentence of its own in %s: all text is in the locales', (_file, source) => {
    const text = source.replace(/<%[\s\S]*?%>/g, '').replace(/<[^>]*>/g, '')
    expect(text.match(/\p{L}{2,}/gu)).toBeNull()
  })
})

function usedKeys(source: string): string[] {
  return [...source.matchAll(/\bt\(\s*'([^']+)'/g)].map((match) => match[1] ?? '')
}

function argumentsOf(from: Locales, locale: string, key: string): string {
  const text = from.get(locale)?.[key] ?? ''
  return [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map((match) => match[1]))].sort().join(' ')
}
