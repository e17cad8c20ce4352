import { dayFirst, indianTime } from './dates.ts'
import { DOCTYPES, type Doctype } from './documents.ts'
import { type Html, html } from './html.ts'
import type { SimResponse } from './http.ts'
import type { Persona } from './persona.ts'
import { QUIRKS } from './quirks.ts'
import { asksForNoDocument, type Flow } from './world.ts'

export const STYLE_PATH = '/assets/simulator.css'
export const ICON_PATH = '/assets/simulator.svg'

/** A plain S: browsers ask for an icon, and a missing one is an error in every console. */
export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#8a3b00"/><text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" text-anchor="middle" fill="#fff">S</text></svg>'

/** A document offered on the consent page. */
export interface Offer {
  /** value of its checkbox: the doctype, with `.2`, `.3` … for further documents of one type */
  readonly value: string
  readonly name: string
  readonly issuer: string
  readonly inLocker: boolean
}

/**
 * Security headers of every page. There is no `form-action`: browsers apply it to the redirects that follow a form, and
 * those lead from consent to the relying party and on to wherever it sends people.
 */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

export function signInPage(
  flow: Flow,
  people: readonly Persona[],
  fault: string | undefined,
  headers: Record<string, string> = {},
): SimResponse {
  const body = html`
    <p class="asker"><strong>${flow.serviceName}</strong> wants to read documents from your locker.</p>
    <h1>Sign in</h1>
    ${fault && html`<p class="fault" role="alert" id="fault">${fault}</p>`}
    <form method="post" action="/signin/${flow.id}">
      <input type="hidden" name="flow" value="${flow.id}">
      <fieldset class="people">
        <legend>Who are you today?</legend>
        ${people.map((persona, index) => personaChoice(persona, index === 0))}
      </fieldset>
      <label class="field" for="pin">6-digit PIN of the person you chose</label>
      <input class="pin" id="pin" name="pin" inputmode="numeric" autocomplete="off" maxlength="6" required
        pattern="[0-9]{6}" aria-describedby="pin-help${fault ? ' fault' : ''}">
      <p class="help" id="pin-help">This is a simulator: each PIN is printed beside its name.</p>
      <details class="wrong"><summary>What should go wrong?</summary>
        <label class="field" for="wrong">Names of quirks, with commas between them</label>
        <input class="wrong" id="wrong" name="wrong" autocomplete="off" spellcheck="false" maxlength="400"
          aria-describedby="wrong-help">
        <p class="help" id="wrong-help">For this journey only. For example <code>repository-530-json:DRVLC</code>.
          All names are on the <a href="/">first page</a>.</p></details>
      <div class="actions"><button class="primary" type="submit">Sign in</button></div>
    </form>`
  return page('Sign in', body, fault ? 400 : 200, headers)
}

function personaChoice(persona: Persona, chosen: boolean): Html {
  return html`
    <label class="person"><input type="radio" name="persona" value="${persona.id}" ${chosen ? html`checked` : ''}>
      <span class="face" aria-hidden="true">${persona.name.slice(0, 1)}</span>
      <span class="who"><span class="name">${persona.name}</span>
        <span class="story">${persona.story}</span>
        <span class="hint">PIN <code>${persona.pin}</code></span></span></label>`
}

export function consentPage(flow: Flow, persona: Persona, offers: readonly Offer[]): SimResponse {
  const until = dayFirst(indianTime(flow.consentValidTill).slice(0, 10), '/')
  const list =
    offers.length === 0
      ? html`<p class="help">${asksForNoDocument(flow) ? 'No document is asked for.' : 'Your locker holds none of the documents asked for.'}</p>`
      : html`<fieldset class="documents"><legend>Documents to share</legend>${offers.map(documentChoice)}</fieldset>`
  const body = html`
    <p class="signed-in">Signed in as <strong>${persona.name}</strong></p>
    <h1>Share with ${flow.serviceName}?</h1>
    <dl class="facts"><dt>Purpose</dt><dd>${flow.purpose}</dd><dt>Consent ends</dt><dd>${until}</dd></dl>
    <form method="post" action="/consent/${flow.id}">
      <input type="hidden" name="flow" value="${flow.id}">
      ${list}
      <p class="help">Your name, date of birth and gender are shared too.</p>
      <div class="actions">
        <button class="primary" type="submit" name="decision" value="allow">Allow</button>
        <button class="secondary" type="submit" name="decision" value="deny">Deny</button>
      </div>
    </form>`
  return page('Consent', body, 200)
}

function documentChoice(offer: Offer): Html {
  return html`
    <label class="document"><input type="checkbox" name="document" value="${offer.value}" checked>
      <span class="who"><span class="name">${offer.name}</span>
        <span class="story">${offer.issuer}</span>
        ${!offer.inLocker && html`<span class="hint">Not in your locker yet</span>`}</span></label>`
}

/** DigiLocker's own error page: the relying party never hears of it (digilocker-api.md §4.1). */
export function errorPage(code: string, explanation: string, status = 400): SimResponse {
  const body = html`
    <h1>Authentication Error</h1>
    <p class="fault" role="alert">${explanation}</p>
    <dl class="facts"><dt>Error code</dt><dd><code>${code}</code></dd></dl>
    <p class="help">DigiLocker does not send people back from here. Close this page and start again from the service.</p>`
  return page('Authentication Error', body, status)
}

export function homePage(persons: readonly Persona[]): SimResponse {
  const people = persons.map(
    ({ id, name, pin, story }) => html`
    <li class="person"><span class="face" aria-hidden="true">${name.slice(0, 1)}</span>
      <span class="who"><span class="name">${name}</span>
        <span class="story">${story}</span>
        <span class="hint">Id <code>${id}</code>, PIN <code>${pin}</code></span></span></li>`,
  )
  const kinds = Object.keys(DOCTYPES).map((doctype) => html`<li>${DOCTYPES[doctype as Doctype].name} (${doctype})</li>`)
  const body = html`
    <h1>DigiLocker simulator</h1>
    <p>A stand-in for DigiLocker’s requester API, for development and tests. It signs documents with certificates of
      its own, which no real service trusts.</p>
    <h2>People</h2>
    <ul class="people">${people}</ul>
    <h2>Documents</h2>
    <ul>${kinds}</ul>
    <h2>What can go wrong</h2>
    <p>Type a name at the sign-in, or set it over the control port.</p>
    <dl class="quirks">${Object.entries(QUIRKS).map(([name, meaning]) => html`<dt><code>${name}</code></dt><dd>${meaning}</dd>`)}</dl>`
  return page('DigiLocker simulator', body, 200)
}

function page(title: string, body: Html, status: number, headers: Record<string, string> = {}): SimResponse {
  const text = html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title} – DigiLocker simulator</title>
  <link rel="stylesheet" href="${STYLE_PATH}">
  <link rel="icon" type="image/svg+xml" href="${ICON_PATH}">
</head>
<body>
  <header class="banner">DigiLocker simulator — not the real DigiLocker; no real data</header>
  <main>${body}</main>
</body>
</html>
`.text
  return { status, headers: { ...PAGE_HEADERS, ...headers }, body: text }
}
