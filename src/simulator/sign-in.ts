import { browserCookie, browserOf } from './authorize.ts'
import { DOCTYPES, type Doctype, type LockerDocument } from './documents.ts'
import { formOf, redirect, type SimRequest, type SimResponse } from './http.ts'
import { consentPage, errorPage, type Offer, signInPage } from './pages.ts'
import type { Persona } from './persona.ts'
import { parseQuirkNames, type QuirkRule, type Quirks, RuleError } from './rules.ts'
import { asksForNoDocument, type Flow, randomHex, type World } from './world.ts'

const WRONG_PINS_ALLOWED = 5

/** GET /signin/{flow}: who are you, and the PIN. */
export function showSignIn(request: SimRequest, world: World): SimResponse {
  const flow = flowOf(request, world)
  return flow ? signInPage(flow, world.people, undefined) : journeyOver()
}

/** POST /signin/{flow}: form fields `flow`, `persona`, `pin`, and `wrong` for what is to go wrong in this journey. */
export function signIn(request: SimRequest, world: World): SimResponse {
  const flow = flowOf(request, world)
  const form = formOf(request)
  if (!flow || form?.get('flow') !== flow.id) return journeyOver()
  const persona = world.people.find(({ id }) => id === form.get('persona'))
  if (persona === undefined) return signInPage(flow, world.people, 'Choose who you are.')
  if (persona.pin !== form.get('pin')) return wrongPin(flow, world)
  const wrong = readMagic(form.get('wrong') ?? '')
  if (wrong === undefined) return signInPage(flow, world.people, 'There is no quirk of that name.')
  flow.persona = persona
  flow.quirks = world.script.signIn(persona.id, wrong)
  flow.authenticatedAt = world.now()
  world.rememberBrowser(flow.browser, persona)
  return redirect(`/consent/${flow.id}`)
}

/** GET /consent/{flow} */
export function showConsent(request: SimRequest, world: World): SimResponse {
  const flow = flowOf(request, world)
  if (!flow) return journeyOver()
  if (flow.persona === undefined) return redirect(`/signin/${flow.id}`)
  return consentPage(flow, flow.persona, choicesFor(flow, flow.persona, world))
}

/** POST /consent/{flow}: form fields `flow`, `decision` (`allow` or `deny`) and `document`, once for each one shared. */
export function decideConsent(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const flow = flowOf(request, world)
  const form = formOf(request)
  if (!flow || form?.get('flow') !== flow.id) return journeyOver()
  const { persona } = flow
  if (persona === undefined) return redirect(`/signin/${flow.id}`)
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny') return consentPage(flow, persona, choicesFor(flow, persona, world))
  world.endFlow(flow)
  const about = { persona: persona.id }
  if (quirks.take('user-loggedout', about)) return sendBack(flow, { ...LOGGED_OUT, state: flow.state })
  if (decision === 'deny') {
    const said = quirks.take('script-in-description', about)
      ? '<script>alert(1)</script>'
      : 'The user denied the request'
    const refusal = { error: 'access_denied', error_description: said }
    if (quirks.take('deny-without-state', about)) return sendBack(flow, refusal)
    return sendBack(flow, { ...refusal, state: stateFor(flow, quirks, about) })
  }
  const chosen = new Set(form.getAll('document'))
  const choices = choicesFor(flow, persona, world).filter(({ value }) => chosen.has(value))
  return sendBack(
    flow,
    { code: issueCode(flow, persona, choices, world, quirks), state: stateFor(flow, quirks, about) },
    quirks,
    about,
  )
}

/** GET /signin/logout/Y: ends the browser's session, then returns with `user_loggedout` (digilocker-api.md §8). */
export function logout(request: SimRequest, world: World): SimResponse {
  const client = world.clients.get(request.query.get('client_id') ?? '')
  if (client === undefined) return errorPage('invalid_client_id', 'The client id is missing or not registered.')
  const target = request.query.get('redirect_uri') ?? ''
  if (!client.redirectUris.includes(target)) {
    return errorPage('redirect_uri_mismatch', 'The redirect_uri is missing or is not registered for this client.')
  }
  const browser = browserOf(request)
  if (browser !== undefined) world.forgetBrowser(browser)
  return redirect(withQuery(target, LOGGED_OUT), { 'set-cookie': browserCookie('', '; Max-Age=0') })
}

const LOGGED_OUT = { error: 'user_loggedout', error_description: 'user' }

type Choice = Offer & { readonly doctype: string; readonly document: LockerDocument | undefined }

/** What the citizen can tick: documents in the locker, and types asked for by name that are not there yet. */
function choicesFor(flow: Flow, persona: Persona, world: World): Choice[] {
  if (asksForNoDocument(flow)) return []
  const locker = world.locker(persona)
  const wanted = flow.doctypes ?? [...new Set(locker.map(({ doctype }) => doctype))]
  return wanted.flatMap((doctype) => {
    const there = locker.filter((document) => document.doctype === doctype)
    return there.length > 0 ? there.map(inLocker) : [notInLocker(doctype)]
  })
}

function inLocker(document: LockerDocument, index: number): Choice {
  const { doctype, name, issuer } = document
  return { value: index === 0 ? doctype : `${doctype}.${index + 1}`, name, issuer, inLocker: true, doctype, document }
}

function notInLocker(doctype: string): Choice {
  const known = DOCTYPES[doctype as Doctype]
  const { name, issuer } = known ?? { name: doctype, issuer: '' }
  return { value: doctype, name, issuer, inLocker: false, doctype, document: undefined }
}

/** The granted scope names each consented document by its URI, or its type when it must still be pulled (§5). */
function issueCode(flow: Flow, persona: Persona, choices: readonly Choice[], world: World, quirks: Quirks): string {
  const none = quirks.take('scope-without-documents', { persona: persona.id })
  const consented = (none ? [] : choices).map(({ document, doctype }) => {
    if (quirks.take('scope-partners', { persona: persona.id, doctype })) return `partners.${doctype}`
    return document ? `issued/${document.uri}` : `file.partners/${doctype}`
  })
  const grant = {
    client: flow.client,
    persona,
    scopes: [...flow.scopes, ...consented],
    purpose: flow.purpose,
    acr: flow.acr,
    authenticatedAt: flow.authenticatedAt,
    consentValidTill: flow.consentValidTill,
    quirks: flow.quirks,
    revoked: false,
  }
  return world.issueCode({ grant, redirectUri: flow.redirectUri, codeChallenge: flow.codeChallenge })
}

/** A magic login: quirks by name, for this journey and its tokens alone. */
function readMagic(text: string): readonly QuirkRule[] | undefined {
  try {
    return parseQuirkNames(text)
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

function wrongPin(flow: Flow, world: World): SimResponse {
  flow.wrongPins += 1
  if (flow.wrongPins < WRONG_PINS_ALLOWED)
    return signInPage(flow, world.people, 'That is not the PIN of the person you chose.')
  world.endFlow(flow)
  return errorPage('too_many_attempts', 'The PIN was wrong too often.', 403)
}

function stateFor(flow: Flow, quirks: Quirks, about: { persona: string }): string {
  return quirks.take('wrong-state', about) ? randomHex(16) : flow.state
}

function sendBack(
  flow: Flow,
  parameters: Record<string, string>,
  quirks?: Quirks,
  about: { persona?: string } = {},
): SimResponse {
  const url = withQuery(flow.redirectUri, parameters)
  if (quirks?.take('callback-code-and-error', about)) url.searchParams.set('error', 'access_denied')
  if (quirks?.take('callback-parameters-twice', about))
    for (const [name, value] of [...url.searchParams]) url.searchParams.append(name, value)
  return redirect(url)
}

function withQuery(target: string, parameters: Record<string, string>): URL {
  const url = new URL(target)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

function flowOf(request: SimRequest, world: World): Flow | undefined {
  return world.findFlow(request.params.flow, browserOf(request))
}

function journeyOver(): SimResponse {
  return errorPage('session_expired', 'This sign-in is over, or began in another browser.')
}
