import type { SharedWithApp } from '../../privacy/sharing.ts'
import type { Translator } from '../i18n.ts'
import { type ClientIdentity, claimLabel, isProof, type PageFrame, toHref } from './frame.ts'

/** One app as the person sees it. Its form posts `csrf` and `client` to `action`. */
export interface AccountApp {
  readonly clientId: string
  /** for labels within the page */
  readonly id: string
  readonly name: string
  readonly domain: string | undefined
  readonly active: boolean
  readonly state: string
  /** set when a used token came back */
  readonly warning: string | undefined
  /** plain labels, never values */
  readonly shared: readonly string[]
  readonly since: string
  readonly until: string
}

/** What a person shares and with whom; or, signed out, the way to see it (DPDP Act 2023 §§6(4), 11). */
export interface AccountPage extends PageFrame {
  /** undefined: nobody is signed in here in this browser */
  readonly apps: readonly AccountApp[] | undefined
  readonly action: string
  readonly signInHref: string
  readonly csrf: string | undefined
  readonly contact: { readonly label: string; readonly href: string } | undefined
}

export interface AppView extends SharedWithApp {
  /** undefined: the app is not registered any more */
  readonly client: ClientIdentity | undefined
}

export interface AccountView extends PageFrame {
  readonly apps: readonly AppView[] | undefined
  readonly action: string
  readonly signInHref: string
  readonly csrf: string | undefined
  readonly contact?: { readonly label: string; readonly href: string } | undefined
}

export function toAccountPage(words: Translator, view: AccountView): AccountPage {
  const href = toHref(view.contact?.href)
  return {
    apps: view.apps?.map((app, index) => toAccountApp(words, app, `app-${index + 1}`)),
    action: view.action,
    signInHref: view.signInHref,
    csrf: view.csrf,
    contact: view.contact && href ? { label: view.contact.label, href } : undefined,
    languages: view.languages,
  }
}

function toAccountApp(words: Translator, app: AppView, id: string): AccountApp {
  const { copiedAt } = app
  return {
    clientId: app.clientId,
    id,
    name: app.client?.name ?? words.t('account.app.gone'),
    domain: app.client?.domain,
    active: app.active,
    state: toState(words, app),
    warning: copiedAt === undefined ? undefined : words.t('account.copied', { date: words.date(copiedAt) }),
    shared: app.claims.map((claim) => toLabel(words, claim)),
    since: words.date(app.since),
    until: words.date(app.ending?.at ?? app.until),
  }
}

function toLabel(words: Translator, claim: string): string {
  const label = claimLabel(words, claim)
  return isProof(claim) ? words.t('account.with-proof', { claim: label }) : label
}

function toState(words: Translator, { ending }: AppView): string {
  return words.t(ending ? `account.state.${ending.reason}` : 'account.state.active')
}
