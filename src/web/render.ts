import path from 'node:path'
import { Eta } from 'eta'
import { type Assets, readAssets } from './assets.ts'
import { type Locales, readLocales, translator } from './i18n.ts'
import type { AccountPage } from './pages/account.ts'
import type { AddressRefusedPage } from './pages/address-refused.ts'
import type { ConsentPage } from './pages/consent.ts'
import type { HomePage } from './pages/home.ts'
import type { NotFoundPage } from './pages/not-found.ts'
import type { PullPage } from './pages/pull.ts'
import type { RefusalPage } from './pages/refusal.ts'
import type { SignOutPage } from './pages/sign-out.ts'
import type { SignedOutPage } from './pages/signed-out.ts'
import type { StartPage } from './pages/start.ts'

/** Every page of ours with the view model it prints; a page is `views/pages/<name>.eta`. */
export interface Pages {
  start: StartPage
  consent: ConsentPage
  pull: PullPage
  refusal: RefusalPage
  'address-refused': AddressRefusedPage
  account: AccountPage
  'sign-out': SignOutPage
  'signed-out': SignedOutPage
  home: HomePage
  'not-found': NotFoundPage
}

export interface Renderer {
  /** A whole page as HTML. @param locale one of `locales` */
  render<Name extends keyof Pages>(page: Name, model: Pages[Name], locale: string): string
  readonly locales: Locales
  readonly assets: Assets
}

/**
 * Reads views, locales and assets once, and renders pages from them.
 * @param viewsFolder absolute path of `views/`
 * @param options.cache keep compiled templates; off only while somebody edits them
 * @throws WebError CONFIG_INVALID for locales or assets at fault
 */
export function createRenderer(viewsFolder: string, options: { cache?: boolean } = {}): Renderer {
  const locales = readLocales(path.join(viewsFolder, 'locales'))
  const assets = readAssets(path.join(viewsFolder, 'assets'))
  const eta = new Eta({ views: viewsFolder, cache: options.cache ?? true, autoEscape: true, escapeFunction: toText })
  return {
    locales,
    assets,
    render(page, model, locale) {
      const { t, direction, date } = translator(locales, locale)
      return eta.render(`./pages/${page}`, { ...model, t, date, locale, direction, asset: assets.url })
    },
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Prints a value as text. Control characters and the marks that override or isolate writing direction are shown as a
 * replacement character: a name that holds them could otherwise rearrange the sentence around it (Unicode TR36 §2.5, TR9 §2).
 * Joiners stay: Indian scripts need them.
 */
export function toText(value: unknown): string {
  return String(value)
    .replace(unsafeCharacters, '\u{FFFD}')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Controls except tab and line ends; line and paragraph separators; embeddings, overrides and isolates. */
const unsafeCharacters = /[^\P{Cc}\t\n\r]|[\u2028-\u202E\u2066-\u2069]/gu
