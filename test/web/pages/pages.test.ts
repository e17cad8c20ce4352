import { describe, expect, it } from 'vitest'
import { WebError } from '../../../src/errors.ts'
import { type ConsentView, toConsentPage } from '../../../src/web/pages/consent.ts'
import { toHref } from '../../../src/web/pages/frame.ts'
import type { MissingRow } from '../../../src/web/pages/missing.ts'
import { readLogoutForm } from '../../../src/web/pages/sign-out.ts'
import { showValue } from '../../../src/web/pages/values.ts'
import { refusalPage, refusals, toErrorCode } from '../../../src/web/refusals.ts'
import { toText } from '../../../src/web/render.ts'
import { locales, renderAll, renderer, sampleConsent, type Variant, variants, wordsOf } from './samples.ts'

const words = wordsOf('en')
const everything = locales.flatMap((locale) =>
  (Object.keys(variants) as Variant[]).flatMap((variant) => renderAll(locale, variant)),
)

describe('printing values', () => {
  it('escapes the five characters of HTML', () => {
    expect(toText(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;')
  })

  it.each([
    ['right-to-left override', '\u202E'],
    ['left-to-right embedding', '\u202A'],
    ['end of an isolate', '\u2069'],
    ['line separator', '\u2028'],
    ['NUL', '\u0000'],
    ['bell', '\u0007'],
  ])('shows a %s as a replacement character', (_case, character) => {
    expect(toText(`a${character}b`)).toBe('a\uFFFDb')
  })

  it('keeps joiners, which Indian scripts need, and line ends', () => {
    expect(toText('क्\u200Dष\u200C\nक')).toBe('क्\u200Dष\u200C\nक')
  })

  it.each(everything.map((sample) => [sample.name, sample.html] as const))(
    'prints %s whole and harmless',
    (_name, html) => {
      expect(html).toMatch(/^<!doctype html>\n<html lang="\w+" dir="ltr">/)
      expect(html.match(/<h1>/g)).toHaveLength(1)
      expect(html).not.toMatch(danger)
    },
  )

  it('compiles no template twice and gives the same page for the same model', () => {
    expect(renderAll('en', 'ordinary')).toEqual(renderAll('en', 'ordinary'))
  })
})

const actOf = (row: MissingRow | undefined): string | undefined =>
  row?.action &&
  [row.action.kind, row.action.href, 'doctype' in row.action && row.action.doctype].filter(Boolean).join(' ')

const danger =
  /<script|<img src=x|<style>|<b>|<a href="javascript|undefined|\[object|[\u202A-\u202E\u2066-\u2069]|[^\P{Cc}\n]/u

describe('the consent page — DPDP Act 2023 §§5, 6; DPDP Rules 2025 rule 3', () => {
  const view = sampleConsent(variants.ordinary)
  const page = toConsentPage(words, view)
  const html = renderer.render('consent', page, 'en')

  it('shows every detail with its actual value and source', () => {
    const items = page.sections.flatMap((section) => section.items)
    expect(items.map(({ claim, label, value, source }) => [claim, label, value, source])).toEqual([
      ['name', 'Full name', 'Meera Kulkarni', 'From: Driving licence, Transport Department, Maharashtra'],
      [
        'age_over_18',
        'Are you 18 or older? (yes or no only)',
        'Yes',
        'Only this answer is shared. From: Driving licence, Transport Department, Maharashtra',
      ],
      [
        'driving_licence_classes',
        'Vehicles you may drive',
        'LMV, MCWG',
        'From: Driving licence, Transport Department, Maharashtra',
      ],
      ['phone_number', 'Mobile number', '+919812345678', 'From: your DigiLocker account'],
      [
        'address',
        'Address',
        '14 Lotus Lane, Kothrud, Pune, Maharashtra 411038',
        'From: Driving licence, Transport Department, Maharashtra',
      ],
      ['verified_claims.birthdate', 'Date of birth', '28 February 1994', 'From: PAN card'],
      ['verified_claims.name', 'Full name', 'Meera Kulkarni', 'From: PAN card'],
    ])
    for (const { value } of items) expect(html).toContain(toText(value))
  })

  it('keeps apart what is needed, what may be chosen and what comes with proof', () => {
    expect(page.sections.map(({ title }) => title)).toEqual([
      'Needed by Asha’s Scooter Rentals',
      'Your choice',
      'With proof for Asha’s Scooter Rentals',
    ])
  })

  it('calls verified only what comes from a signed document', () => {
    const phone = page.sections.flatMap(({ items }) => items).find(({ claim }) => claim === 'phone_number')
    expect(phone).toMatchObject({ verified: false, note: expect.stringContaining('no signed document') })
  })

  it('tells once for each document who signed it, and that an older method was used', () => {
    expect(page.checks).toEqual([
      { document: 'Driving licence', text: expect.stringMatching(/older method\. Signed by Transport Department/) },
      { document: 'PAN card', text: expect.stringMatching(/genuine\. Signed by/) },
    ])
  })

  it('ticks no box, and gives no box to what is needed', () => {
    const boxes = html.match(/<input type="checkbox"[^>]*>/g) ?? []
    expect(boxes.map((box) => /value="([^"]*)"/.exec(box)?.[1])).toEqual([
      'phone_number',
      'address',
      'verified_claims.birthdate',
    ])
    expect(html).not.toMatch(/<input[^>]* checked/)
  })

  it('keeps what the person ticked when the form comes back', () => {
    const items = view.items.map((item) => ({ ...item, checked: item.claim === 'address' }))
    const again = renderer.render('consent', toConsentPage(words, { ...view, items }), 'en')
    expect(again.match(/value="([^"]*)"[^>]* checked/)?.[1]).toBe('address')
  })

  it('puts a label on every box', () => {
    const ids = [...html.matchAll(/<input type="checkbox" id="([^"]+)"/g)].map((match) => match[1])
    expect(ids.filter((id) => !html.includes(`<label for="${id}">`))).toEqual([])
  })

  it('names purpose, retention, withdrawal, rights and complaint, with links', () => {
    for (const text of [
      'To check that you may ride a scooter before you take one',
      '365 days',
      'take this back at any time',
      'href="https://dwar.example/account"',
      'href="mailto:privacy@dwar.example"',
      'href="https://board.example/"',
    ])
      expect(html).toContain(text)
  })

  it('promises that withdrawing is as easy only where there is a page to do it on', () => {
    const notice = { ...view.notice, withdrawHref: undefined }
    const without = renderer.render('consent', toConsentPage(words, { ...view, notice }), 'en')
    expect(without).not.toContain('as easily as you give it')
    expect(without).toContain('Write to us to do so')
  })

  it.each([
    ['one second left', 1, '1 day)'],
    ['a day', 86_400, '1 day)'],
    ['a day and a second', 86_401, '2 days)'],
    ['a year', 365 * 86_400, '365 days)'],
  ])('counts the days of retention upward: %s', (_case, seconds, expected) => {
    expect(toConsentPage(words, { ...view, retainUntil: view.now + seconds }).retention).toContain(expected)
  })

  it('says so when nothing is kept', () => {
    expect(toConsentPage(words, { ...view, retainUntil: undefined }).retention).toBe(
      'We delete these details as soon as Asha’s Scooter Rentals has received them.',
    )
  })

  it('lists a problem before everything else and links it to the first choice', () => {
    const problem = toConsentPage(words, { ...view, nothingChosen: true })
    const shown = renderer.render('consent', problem, 'en')
    expect(problem.errors).toEqual([{ text: expect.any(String), href: '#item-4' }])
    expect(shown.indexOf('role="alert"')).toBeLessThan(shown.indexOf('<h1>'))
    expect(shown).toContain('id="item-4"')
  })

  it('leads to the buttons when there is nothing to choose', () => {
    const items = view.items.filter(({ required }) => required)
    expect(toConsentPage(words, { ...view, items, nothingChosen: true }).errors[0]?.href).toBe('#decide')
    expect(html).toContain('id="decide"')
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'not a link'])('prints no link to %s', (href) => {
    const notice: ConsentView['notice'] = { withdrawHref: href, contact: { label: 'x', href }, complaintHref: href }
    expect(toConsentPage(words, { ...view, notice })).toMatchObject({
      withdrawHref: undefined,
      contact: undefined,
      complaintHref: undefined,
    })
    expect(toHref(href)).toBeUndefined()
  })

  const PATH = '/interaction/u1'
  it.each([
    ['pdf-only', undefined],
    ['pdf-trusted', undefined],
    ['pdf-unsigned', undefined],
    ['pdf-not-trusted', undefined],
    ['refused', undefined],
    ['aadhaar-not-linked', undefined],
    ['aadhaar-not-available', undefined],
    ['not-granted', `post ${PATH}/start`],
    ['not-in-locker', `link ${PATH}/pull/DRVLC`],
    ['pull-not-found', `link ${PATH}/pull/DRVLC`],
    ['pull-pending', `post ${PATH}/again DRVLC`],
    ['unavailable', `post ${PATH}/again DRVLC`],
  ] as const)('says why a document gave nothing and what to do about it: %s', (reason, act) => {
    const missing = [{ doctype: 'DRVLC', reason, canBePulled: true }]
    const [row] = toConsentPage(words, { ...view, missing }).missing
    expect(row).toMatchObject({
      document: 'Driving licence',
      reason: words.t(`missing.${reason}`),
      next: words.t(`missing.${reason}.next`),
    })
    expect(actOf(row)).toBe(act)
  })

  it.each(['unavailable', 'pull-pending', 'not-in-locker'] as const)(
    'offers nothing that needs DigiLocker once its tokens are gone: %s',
    (reason) => {
      const missing = [{ doctype: 'DRVLC', reason, canBePulled: true }]
      expect(toConsentPage(words, { ...view, missing, sessionOpen: false }).missing[0]?.action).toBeUndefined()
    },
  )

  it('offers no pull where the operator does none', () => {
    const missing = [{ doctype: 'DRVLC', reason: 'not-in-locker', canBePulled: false } as const]
    expect(toConsentPage(words, { ...view, missing }).missing[0]?.action).toBeUndefined()
  })
})

describe('showing values', () => {
  it.each([
    ['age_over_18', true, 'Yes'],
    ['age_over_18', false, 'No'],
    ['birthdate', '1994-02-28', '28 February 1994'],
    ['birthdate', '1994', '1994'],
    ['driving_licence_expires_on', '2034-02-27', '27 February 2034'],
    ['gender', 'transgender', 'Transgender'],
    ['pan_status', 'inactive', 'Not active'],
    ['driving_licence_status', 'unheard-of', 'unheard-of'],
    ['name', 'female', 'female'],
    ['updated_at', 0, '1 January 1970'],
    ['address', { formatted: 'A\nB', locality: 'B' }, 'A\nB'],
    ['driving_licence_classes', [{ abbreviation: 'LMV', description: 'Car' }, 'MCWG'], 'LMV, Car, MCWG'],
    ['name', undefined, 'Not given'],
    ['name', null, 'Not given'],
  ])('shows %s %j as %s', (claim, value, expected) => {
    expect(showValue(words, claim, value)).toBe(expected)
  })
})

describe('refusals', () => {
  const codes = Object.keys(refusals) as (keyof typeof refusals)[]
  const languages: [] = []

  it.each(codes)(
    'says for %s what happened and what to do next, with code and incident id, in every language',
    (code) => {
      for (const locale of locales) {
        const html = renderer.render(
          'refusal',
          refusalPage(code, 'INC-1', { words: wordsOf(locale), languages }),
          locale,
        )
        expect(html).toContain(`>${code}<`)
        expect(html).toContain('>INC-1<')
      }
    },
  )

  it('gives server faults to the operator and never lets an untrusted document be tried again', () => {
    const faults = codes.filter((code) => refusals[code].status >= 500 && refusals[code].severity !== 'operator')
    const documents = codes.filter(
      (code) => code.startsWith('DOC_') && (refusals[code].retry || refusals[code].oauth !== 'access_denied'),
    )
    // A full queue says nothing about the document.
    expect([faults, documents]).toEqual([[], ['DOC_VERIFIER_BUSY']])
  })

  it('offers to try again only where that may help', () => {
    const forms = { words, languages, retryAction: '/retry', returnAction: '/return', csrf: 'c1' }
    expect(refusalPage('RAIL_DENIED', 'i', forms).retryAction).toBe('/retry')
    expect(refusalPage('DOC_SIGNATURE_INVALID', 'i', forms)).toMatchObject({
      retryAction: undefined,
      returnAction: '/return',
    })
  })

  it('posts both ways out with the token of the form', () => {
    const forms = { words, languages, retryAction: '/retry', returnAction: '/return', csrf: 'c1' }
    const html = renderer.render('refusal', refusalPage('RAIL_DENIED', 'i', forms), 'en')
    expect(html.match(/<form method="post"/g)).toHaveLength(2)
    expect(html.match(/name="csrf" value="c1"/g)).toHaveLength(2)
  })

  it('tells where to go when there is no way out to press', () => {
    const html = renderer.render('refusal', refusalPage('INTERACTION_EXPIRED', 'i', { words, languages }), 'en')
    expect(html).not.toContain('<form')
    expect(html).toContain('Please go back to the app you came from.')
  })

  it('knows the code of our own errors only', () => {
    expect(toErrorCode(new WebError('CSRF_REFUSED', 'x'))).toBe('CSRF_REFUSED')
    expect(toErrorCode(Object.assign(new Error('x'), { code: 'CSRF_REFUSED' }))).toBe('UNEXPECTED')
  })
})

describe('signing out — OpenID Connect RP-Initiated Logout 1.0 §2', () => {
  it('posts what the engine expects: the token always, `logout` by one button only', () => {
    const html = renderer.render(
      'sign-out',
      { languages: [], action: '/logout/confirm', xsrf: 'x1', clientName: 'Shop' },
      'en',
    )
    expect(html).toContain('action="/logout/confirm"')
    expect(html).toContain('name="xsrf" value="x1"')
    expect(html.match(/name="logout" value="yes"/g)).toHaveLength(1)
  })

  it('reads action and token from the engine’s form', () => {
    const form =
      '<form id="op.logoutForm" method="post" action="https://a.test/logout/confirm"><input type="hidden" name="xsrf" value="x1"/></form>'
    expect(readLogoutForm(form)).toEqual({ action: 'https://a.test/logout/confirm', xsrf: 'x1' })
    expect(readLogoutForm('<form></form>')).toBeUndefined()
  })
})
