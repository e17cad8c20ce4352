import { createHash } from 'node:crypto'
import type { Translator } from '../i18n.ts'
import { type ClientIdentity, claimLabel, documentLabel, isProof, type PageFrame, toHref } from './frame.ts'
import { type MissingRow, type MissingView, toMissingRow } from './missing.ts'
import { isDerived, showValue } from './values.ts'

/** One detail as the person sees it. */
export interface ConsentPageItem {
  /** the claim's name: what its checkbox sends */
  readonly claim: string
  /** for labels and links within the page */
  readonly id: string
  readonly label: string
  /** the actual value, or the answer */
  readonly value: string
  readonly source: string
  readonly verified: boolean
  readonly note: string
  readonly required: boolean
  readonly checked: boolean
}

export interface ConsentPageSection {
  readonly title: string
  readonly hint: string
  readonly items: readonly ConsentPageItem[]
}

/**
 * The notice and the decision on one page (DPDP Act 2023 §§5, 6; DPDP Rules 2025 rule 3; dpdp.md §§3–4).
 * Its form posts `csrf`, `shown`, `share` once for every ticked optional claim, and `decision` = `share` | `refuse` to `action`.
 */
export interface ConsentPage extends PageFrame {
  readonly clientName: string
  readonly clientDomain: string
  readonly purpose: string
  /** needed details, those to choose from, those with proof; an empty one is left out */
  readonly sections: readonly ConsentPageSection[]
  /** the documents that gave something, with signer and verdict */
  readonly checks: readonly { readonly document: string; readonly text: string }[]
  readonly missing: readonly MissingRow[]
  /** nothing was fetched for this page: how old the check is, and where to have it done again */
  readonly earlier?: { readonly text: string; readonly action: string } | undefined
  readonly retention: string
  readonly withdrawHref?: string | undefined
  readonly contact?: { readonly label: string; readonly href: string } | undefined
  readonly complaintHref?: string | undefined
  readonly errors: readonly { readonly text: string; readonly href: string }[]
  readonly action: string
  readonly csrf: string
  /** what she is shown, in a word: her answer counts for this and nothing else */
  readonly shown: string
}

/** Where a value came from: a document that was verified, or what DigiLocker says of its account holder. */
export type ConsentSource =
  | { readonly kind: 'account' }
  | {
      readonly kind: 'document'
      readonly doctype: string
      readonly documentIssuer?: string | undefined
      readonly signerName: string
      /** set when the signature uses an algorithm that is accepted for this profile only */
      readonly weakAlgorithm?: string | undefined
    }

export interface ConsentView extends PageFrame {
  readonly client: ClientIdentity
  readonly purpose: string
  readonly items: readonly {
    /** a claim's name, or `verified_claims.<name>` */
    readonly claim: string
    /** as the app would receive it */
    readonly value: unknown
    readonly source: ConsentSource
    readonly required: boolean
    /** only after a problem with this very form: what the person had ticked. Never on the first showing */
    readonly checked?: boolean | undefined
  }[]
  readonly missing: readonly MissingView[]
  /** epoch seconds of the check, where an earlier one is used again */
  readonly checkedAt?: number | undefined
  /** DigiLocker can still be asked for what is missing, without a new sign-in */
  readonly sessionOpen: boolean
  /** epoch seconds */
  readonly now: number
  /** epoch seconds; undefined: kept only until delivered */
  readonly retainUntil: number | undefined
  /** from configuration: where to withdraw, whom to ask, where to complain */
  readonly notice: {
    readonly withdrawHref?: string | undefined
    readonly contact?: { readonly label: string; readonly href: string } | undefined
    readonly complaintHref?: string | undefined
  }
  /** the form came back with nothing to share */
  readonly nothingChosen?: boolean | undefined
  /** she answered to another page than this one */
  readonly changed?: boolean | undefined
  /** address of the interaction */
  readonly path: string
  readonly csrf: string
}

export function toConsentPage(words: Translator, view: ConsentView): ConsentPage {
  const items = view.items.map((item, index) => toItem(words, item, `item-${index + 1}`))
  return {
    clientName: view.client.name,
    clientDomain: view.client.domain,
    purpose: view.purpose,
    sections: toSections(words, view.client.name, items),
    checks: toChecks(words, view.items),
    missing: view.missing.map((document) => toMissingRow(words, document, view.path, view.sessionOpen)),
    earlier: toEarlier(words, view),
    retention: toRetention(words, view),
    withdrawHref: toHref(view.notice.withdrawHref),
    contact: toContact(view.notice.contact),
    complaintHref: toHref(view.notice.complaintHref),
    errors: [
      ...(view.nothingChosen ? [toNothingChosen(words, items)] : []),
      ...(view.changed ? [{ text: words.t('consent.error.changed'), href: items[0] ? '#section-1' : '#decide' }] : []),
    ],
    action: `${view.path}/consent`,
    csrf: view.csrf,
    shown: digestOfShown(view),
    languages: view.languages,
  }
}

/** Two pages that show the same purpose and details have the same digest (SHA-256). */
export function digestOfShown({ purpose, items }: Pick<ConsentView, 'purpose' | 'items'>): string {
  const shown = items.map(({ claim, value, source, required }) => [claim, value, source, required])
  return createHash('sha256')
    .update(JSON.stringify([purpose, shown]))
    .digest('base64url')
}

function toItem(words: Translator, item: ConsentView['items'][number], id: string): ConsentPageItem {
  return {
    claim: item.claim,
    id,
    label: claimLabel(words, item.claim),
    value: showValue(words, item.claim, item.value),
    source: toSource(words, item.claim, item.source),
    verified: item.source.kind === 'document',
    note: words.t(item.source.kind === 'document' ? 'note.verified' : 'note.asserted'),
    required: item.required,
    // consent is a clear affirmative act: a box that nobody ticked is never ticked (DPDP Act 2023 §6(1))
    checked: item.checked ?? false,
  }
}

function toSource(words: Translator, claim: string, source: ConsentSource): string {
  if (source.kind === 'account') return words.t('source.account')
  const document = documentLabel(words, source.doctype)
  const named = source.documentIssuer
    ? words.t('source.document', { document, documentIssuer: source.documentIssuer })
    : words.t('source.document-alone', { document })
  return isDerived(claim) ? words.t('source.derived', { source: named }) : named
}

/** Each document once, however many details it gave: who signed it, and how its signature was checked. */
function toChecks(words: Translator, items: ConsentView['items']): ConsentPage['checks'] {
  const checks = new Map<string, ConsentPage['checks'][number]>()
  for (const { source } of items) {
    if (source.kind !== 'document') continue
    const key = source.weakAlgorithm ? 'check.verified-weak' : 'check.verified'
    const document = documentLabel(words, source.doctype)
    checks.set(source.doctype, { document, text: words.t(key, { signer: source.signerName }) })
  }
  return [...checks.values()]
}

function toSections(words: Translator, client: string, items: readonly ConsentPageItem[]): ConsentPageSection[] {
  const plain = items.filter((item) => !isProof(item.claim))
  const sections = [
    { key: 'needed', items: plain.filter((item) => item.required) },
    { key: 'optional', items: plain.filter((item) => !item.required) },
    { key: 'proof', items: items.filter((item) => isProof(item.claim)) },
  ]
  return sections
    .filter((section) => section.items.length > 0)
    .map(({ key, items }) => ({
      title: words.t(`consent.${key}.title`, { client }),
      hint: words.t(`consent.${key}.hint`, { client }),
      items,
    }))
}

function toEarlier(words: Translator, { checkedAt, client, path }: ConsentView): ConsentPage['earlier'] {
  if (checkedAt === undefined) return undefined
  const text = words.t('consent.earlier.text', { client: client.name, date: words.date(checkedAt) })
  return { text, action: `${path}/start` }
}

const SECONDS_A_DAY = 86_400

function toRetention(words: Translator, { retainUntil, now, client }: ConsentView): string {
  if (retainUntil === undefined) return words.t('consent.retention.delivered', { client: client.name })
  const days = Math.max(1, Math.ceil((retainUntil - now) / SECONDS_A_DAY))
  return words.t('consent.retention.until', { date: words.date(retainUntil), days, client: client.name })
}

function toContact(contact: ConsentView['notice']['contact']): ConsentPage['contact'] {
  const href = toHref(contact?.href)
  return contact && href ? { label: contact.label, href } : undefined
}

function toNothingChosen(words: Translator, items: readonly ConsentPageItem[]): ConsentPage['errors'][number] {
  const choice = items.find((item) => !item.required)
  return { text: words.t('consent.error.nothing'), href: `#${choice?.id ?? 'decide'}` }
}
