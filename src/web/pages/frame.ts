import type { LanguageLink, Translator } from '../i18n.ts'

/** What every page has around its content. */
export interface PageFrame {
  /** the switch: all languages, as links that show this page again */
  readonly languages: readonly LanguageLink[]
}

/** Who asks, as registered. */
export interface ClientIdentity {
  readonly name: string
  /** host name of the registered redirect, never a text the app chose freely */
  readonly domain: string
}

const linkSchemes = new Set(['https:', 'http:', 'mailto:', 'tel:'])

/** A link that is safe to print: anything but the web, mail and telephone (`javascript:`) is left out. */
export function toHref(link: string | undefined): string | undefined {
  const parsed = link === undefined ? null : URL.parse(link)
  return parsed && linkSchemes.has(parsed.protocol) ? parsed.href : undefined
}

const PROOF_PREFIX = 'verified_claims.'

/** Whether the claim is asked for with proof (OpenID Identity Assurance 1.0 `verified_claims`). */
export function isProof(claim: string): boolean {
  return claim.startsWith(PROOF_PREFIX)
}

/** The claim itself: without the mark of proof, and without the document that tells it from the same of another. */
export function bareClaim(claim: string): string {
  return isProof(claim) ? claim.slice(PROOF_PREFIX.length).replace(/\.[A-Z]+$/, '') : claim
}

/** What people call a claim; a claim without a text of ours keeps its name. */
export function claimLabel({ t, has }: Translator, claim: string): string {
  const name = bareClaim(claim)
  return has(`claim.${name}`) ? t(`claim.${name}`) : name
}

/** What people call a document type; DigiLocker has hundreds, so an unknown one is named by its code. */
export function documentLabel({ t, has }: Translator, doctype: string): string {
  return has(`document.${doctype}`) ? t(`document.${doctype}`) : t('document.other', { doctype })
}
