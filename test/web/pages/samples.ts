import path from 'node:path'
import type { ErrorCode } from '../../../src/errors.ts'
import type { EndReason } from '../../../src/privacy/sharing.ts'
import { compareAddresses } from '../../../src/web/address-diff.ts'
import { type LanguageLink, languageLinks, translator } from '../../../src/web/i18n.ts'
import { type AccountView, toAccountPage } from '../../../src/web/pages/account.ts'
import { type ConsentSource, type ConsentView, toConsentPage } from '../../../src/web/pages/consent.ts'
import { toPullPage } from '../../../src/web/pages/pull.ts'
import { toStartPage } from '../../../src/web/pages/start.ts'
import { refusalPage } from '../../../src/web/refusals.ts'
import { createRenderer, type Pages } from '../../../src/web/render.ts'

export const viewsFolder = path.resolve(import.meta.dirname, '../../../views')
export const renderer = createRenderer(viewsFolder)
export const locales = [...renderer.locales.keys()]

/** Texts that an app, a document or an operator could send us. */
export interface Words {
  readonly client: string
  readonly domain: string
  readonly purpose: string
  readonly name: string
  readonly address: string
  readonly office: string
}

export const variants = {
  ordinary: {
    client: 'Asha’s Scooter Rentals',
    domain: 'rentals.example',
    purpose: 'To check that you may ride a scooter before you take one',
    name: 'Meera Kulkarni',
    address: '14 Lotus Lane, Kothrud, Pune, Maharashtra 411038',
    office: 'Transport Department, Maharashtra',
  },
  long: {
    client: `Cooperative Society of ${'Very'.repeat(30)} Long Names`,
    domain: `${'sub.'.repeat(20)}rentals.example`,
    purpose: 'To check that you may ride a scooter, '.repeat(12),
    name: 'Venkatanarasimharajuvaripeta'.repeat(6),
    address: 'House 14, Lane of Lotuses, '.repeat(15),
    office: 'Department of Transport and Highways '.repeat(6),
  },
  hostile: {
    client: '<script>alert(1)</script>',
    domain: '"><img src=x onerror=alert(1)>',
    purpose: "'; alert(1) //<b>bold</b> {client} # |",
    name: 'Meera \u202Eedosrever\u202C \u2067x\u2069 \u0007\u0000</bdi>',
    address: '<a href="javascript:alert(1)">\n{count, plural, other {#}}</a>',
    office: '</p><style>body{display:none}</style>&amp;',
  },
} satisfies Record<string, Words>

export type Variant = keyof typeof variants

const NOW = 1_795_000_000

export interface Sample {
  readonly name: string
  readonly html: string
}

/** Every page in one locale, in every state it has, with one set of words. */
export function renderAll(locale: string, variant: Variant): Sample[] {
  const words = variants[variant]
  const languages = languageLinks(renderer.locales, locale)
  const render = <Name extends keyof Pages>(state: string, page: Name, model: Pages[Name]): Sample => ({
    name: `${locale}-${variant}-${state}`,
    html: renderer.render(page, model, locale),
  })
  const hidden = { action: '/interaction/u1/next', csrf: words.domain }
  return [
    render('start', 'start', sampleStart(locale, words, languages)),
    render(
      'start-own',
      'start',
      sampleStart(locale, { ...words, client: wordsOf(locale).t('account.name') }, languages, true),
    ),
    render('start-paused', 'start', { ...sampleStart(locale, words, languages), paused: true }),
    render('consent', 'consent', toConsentPage(wordsOf(locale), sampleConsent(words, languages))),
    render('consent-problem', 'consent', toConsentPage(wordsOf(locale), withProblem(sampleConsent(words, languages)))),
    render(
      'consent-changed',
      'consent',
      toConsentPage(wordsOf(locale), { ...sampleConsent(words, languages), changed: true }),
    ),
    render('consent-again', 'consent', toConsentPage(wordsOf(locale), checkedEarlier(sampleConsent(words, languages)))),
    render('pull', 'pull', samplePull(locale, words, languages, false)),
    render('pull-problem', 'pull', samplePull(locale, words, languages, true)),
    render('refusal', 'refusal', sampleRefusal('RAIL_DENIED', locale, languages, words.client)),
    render('refusal-limited', 'refusal', sampleRefusal('RATE_LIMITED', locale, languages)),
    render('refusal-unmet', 'refusal', sampleRefusal('ACR_UNMET', locale, languages, words.client)),
    render('refusal-another', 'refusal', sampleRefusal('ACCOUNT_MISMATCH', locale, languages, words.client)),
    render('refusal-alone', 'refusal', sampleRefusal('INTERACTION_EXPIRED', locale, languages)),
    render('account', 'account', toAccountPage(wordsOf(locale), sampleAccount(words, languages))),
    render(
      'account-empty',
      'account',
      toAccountPage(wordsOf(locale), { ...sampleAccount(words, languages), apps: [] }),
    ),
    render('account-signed-out', 'account', sampleSignedOut(locale, languages)),
    render('sign-out', 'sign-out', { languages, action: hidden.action, xsrf: words.domain, clientName: words.client }),
    render('sign-out-alone', 'sign-out', { languages, action: hidden.action, xsrf: 'x' }),
    render('signed-out', 'signed-out', { languages, clientName: words.client }),
    render('signed-out-alone', 'signed-out', { languages }),
    render('home', 'home', {
      languages,
      issuer: 'https://dwar.example',
      discoveryHref: '/.well-known/openid-configuration',
    }),
    render('address-refused', 'address-refused', {
      languages,
      code: 'REDIRECT_URI_MISMATCH',
      incidentId: 'DW-7K3F-Q9XT',
      clientName: words.client,
      parameter: 'redirect_uri',
      diff: compareAddresses('https://shop.example/callbacks?session=1', [
        'https://shop.example/callback',
        `https://shop.example/${'very-long-path/'.repeat(9)}`,
      ]),
    }),
    render('not-found', 'not-found', { languages, homeHref: '/' }),
  ]
}

export function wordsOf(locale: string) {
  return translator(renderer.locales, locale)
}

function sampleStart(locale: string, words: Words, languages: LanguageLink[], own = false) {
  return toStartPage(wordsOf(locale), {
    own,
    client: { name: words.client, domain: words.domain },
    purpose: words.purpose,
    claims: ['name', 'age_over_18', 'driving_licence_classes', 'verified_claims.name', 'verified_claims.birthdate'],
    doctypes: ['DRVLC', 'ADHAR', 'XYZAB'],
    paused: false,
    action: '/interaction/u1/start',
    csrf: words.domain,
    languages,
  })
}

export function sampleConsent(words: Words, languages: readonly LanguageLink[] = []): ConsentView {
  const licence: ConsentSource = {
    kind: 'document',
    doctype: 'DRVLC',
    documentIssuer: words.office,
    signerName: words.office,
    weakAlgorithm: 'rsa-sha1',
  }
  const pan: ConsentSource = { kind: 'document', doctype: 'PANCR', signerName: words.office }
  return {
    client: { name: words.client, domain: words.domain },
    purpose: words.purpose,
    items: [
      { claim: 'name', value: words.name, source: licence, required: true },
      { claim: 'age_over_18', value: true, source: licence, required: true },
      { claim: 'driving_licence_classes', value: ['LMV', 'MCWG'], source: licence, required: true },
      { claim: 'phone_number', value: '+919812345678', source: { kind: 'account' }, required: false },
      { claim: 'address', value: { formatted: words.address }, source: licence, required: false },
      { claim: 'verified_claims.birthdate', value: '1994-02-28', source: pan, required: false },
      { claim: 'verified_claims.name', value: words.name, source: pan, required: true },
    ],
    missing: [
      { doctype: 'ADHAR', reason: 'not-granted', canBePulled: false },
      { doctype: 'SSCER', reason: 'pdf-trusted', canBePulled: false },
      { doctype: 'DRVLC', reason: 'not-in-locker', canBePulled: true },
      { doctype: 'PANCR', reason: 'unavailable', canBePulled: true },
    ],
    sessionOpen: true,
    now: NOW,
    retainUntil: NOW + 365 * 86_400,
    notice: {
      withdrawHref: 'https://dwar.example/account',
      contact: { label: 'privacy@dwar.example', href: 'mailto:privacy@dwar.example' },
      complaintHref: 'https://board.example',
    },
    path: '/interaction/u1',
    csrf: words.domain,
    languages,
  }
}

export function sampleAccount(words: Words, languages: readonly LanguageLink[] = []): AccountView {
  const client = { name: words.client, domain: words.domain }
  const app = {
    client,
    active: true,
    since: NOW - 86_400,
    until: NOW + 30 * 86_400,
    copiedAt: undefined,
    ending: undefined,
  }
  const ended = (reason: EndReason, clientId: string) => ({
    ...app,
    clientId,
    active: false,
    claims: ['name'],
    ending: { reason, at: NOW },
  })
  return {
    apps: [
      { ...app, clientId: words.domain, claims: ['name', 'age_over_18', 'verified_claims.birthdate'], copiedAt: NOW },
      { ...app, clientId: 'c2', claims: ['pan_number'] },
      { ...ended('ended', 'c3'), client: undefined },
      ...(['withdrawn', 'copied', 'signed-out', 'over', 'ended'] as const).map((reason) => ended(reason, reason)),
    ],
    csrf: words.domain,
    action: '/account/withdraw',
    signInHref: '/authorize?prompt=login',
    contact: { label: 'privacy@dwar.example', href: 'mailto:privacy@dwar.example' },
    languages,
  }
}

function sampleSignedOut(locale: string, languages: readonly LanguageLink[]) {
  const view = {
    apps: undefined,
    csrf: undefined,
    action: '/account/withdraw',
    signInHref: '/authorize?prompt=login',
    contact: undefined,
    languages,
  }
  return toAccountPage(wordsOf(locale), view)
}

function samplePull(locale: string, words: Words, languages: readonly LanguageLink[], problem: boolean) {
  return toPullPage(wordsOf(locale), {
    client: { name: words.client, domain: words.domain },
    doctype: 'PANCR',
    fields: [
      { name: 'panno', maxLength: 10 },
      { name: 'PANFullName', maxLength: 85 },
    ],
    problem,
    action: '/interaction/u1/pull/PANCR',
    backHref: '/interaction/u1',
    csrf: words.domain,
    languages,
  })
}

function withProblem(view: ConsentView): ConsentView {
  return { ...view, items: view.items.filter((item) => !item.required), nothingChosen: true, retainUntil: undefined }
}

function checkedEarlier(view: ConsentView): ConsentView {
  return { ...view, missing: [], sessionOpen: false, checkedAt: NOW - 3 * 86_400 }
}

function sampleRefusal(code: ErrorCode, locale: string, languages: LanguageLink[], clientName?: string) {
  const forms = clientName === undefined ? {} : { retryAction: '/retry', returnAction: '/return', csrf: 'c1' }
  return refusalPage(code, '01JDXYZ-7Q4M', { words: wordsOf(locale), languages, clientName, ...forms })
}
