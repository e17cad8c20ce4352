import { endOfIndianDay } from './dates.ts'
import { DOCTYPES } from './documents.ts'
import { cookieOf, redirect, type SimRequest, type SimResponse } from './http.ts'
import { errorPage } from './pages.ts'
import { type Flow, randomHex, type SimulatorClient, type World } from './world.ts'

const BROWSER_COOKIE = 'digilocker_simulator'
const CONSENT_DAYS = 30
const PLAIN_TEXT = /^[A-Za-z0-9 _]{1,200}$/

/** A request that DigiLocker answers with its own error page. */
class Refused extends Error {
  readonly code: string
  constructor(code: string, explanation: string) {
    super(explanation)
    this.code = code
  }
}

/**
 * GET /public/oauth2/{1,2}/authorize. A configuration error ends on DigiLocker's own page and never redirects; a good
 * request goes on to sign-in, or straight to consent in a browser that is signed in.
 * @see digilocker-api.md §4 (v2.4)
 */
export function authorize(request: SimRequest, world: World): SimResponse {
  const browser = browserOf(request) ?? randomHex(16)
  try {
    const flow = startFlow(request.query, browser, world)
    const next = flow.persona === undefined ? 'signin' : 'consent'
    return redirect(`/${next}/${flow.id}`, { 'set-cookie': browserCookie(browser) })
  } catch (error) {
    if (error instanceof Refused) return errorPage(error.code, error.message)
    throw error
  }
}

/** The browser's own mark, if it has one of ours. */
export function browserOf(request: SimRequest): string | undefined {
  const value = cookieOf(request, BROWSER_COOKIE)
  return value && /^[0-9a-f]{32}$/.test(value) ? value : undefined
}

/** Host-only, and Lax: the relying party sends people here by a top-level GET. Not Secure: the simulator speaks http. */
export function browserCookie(value: string, attributes = ''): string {
  return `${BROWSER_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Lax${attributes}`
}

function startFlow(query: URLSearchParams, browser: string, world: World): Flow {
  const client = checkClient(query, world)
  const redirectUri = checkRedirectUri(query, client)
  checkNoRepeats(query)
  checkOneOf(query, 'response_type', ['code'])
  const asked = {
    browser,
    client,
    redirectUri,
    state: required(query, 'state'),
    codeChallenge: checkPkce(query),
    purpose: checkPlainText(query, 'purpose'),
    serviceName: checkPlainText(query, 'service_name'),
    scopes: checkScopes(query, client),
    doctypes: checkDoctypes(query, client),
    acr: words(query.get('acr')),
    consentValidTill: checkConsentEnd(query, world.now()),
  }
  checkPrompt(query)
  const signedIn = query.get('prompt') === null ? world.signedInOn(browser) : undefined
  return world.startFlow(asked, signedIn)
}

function checkClient(query: URLSearchParams, world: World): SimulatorClient {
  const client = world.clients.get(query.get('client_id') ?? '')
  if (client === undefined) throw new Refused('invalid_client_id', 'The client id is missing or not registered.')
  return client
}

/** Byte for byte as registered. */
function checkRedirectUri(query: URLSearchParams, client: SimulatorClient): string {
  const given = query.get('redirect_uri') ?? ''
  if (client.redirectUris.includes(given)) return given
  throw new Refused('redirect_uri_mismatch', 'The redirect_uri is missing or is not registered for this client.')
}

function checkNoRepeats(query: URLSearchParams): void {
  const names = [...query.keys()]
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new Refused('invalid_request', 'A parameter is repeated.')
}

function checkOneOf(query: URLSearchParams, name: string, values: readonly string[]): void {
  if (!values.includes(required(query, name))) throw new Refused('invalid_request', `The ${name} is not supported.`)
}

/** S256 only; the challenge is 32 bytes in unpadded base64url (RFC 7636 §4.2). */
function checkPkce(query: URLSearchParams): string {
  const challenge = query.get('code_challenge')
  const method = query.get('code_challenge_method')
  if (!challenge || !method) {
    throw new Refused('invalid_request', 'code_challenge and code_challenge_method parameter is required')
  }
  if (method !== 'S256') throw new Refused('invalid_request', 'The code_challenge_method must be S256.')
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) throw new Refused('invalid_request', 'The code_challenge is malformed.')
  return challenge
}

function checkPlainText(query: URLSearchParams, name: string): string {
  const value = required(query, name)
  if (PLAIN_TEXT.test(value)) return value
  throw new Refused('invalid_request', `The ${name} may hold letters, digits, spaces and underscores only.`)
}

function checkScopes(query: URLSearchParams, client: SimulatorClient): readonly string[] {
  const asked = words(query.get('scope'))
  if (asked.some((scope) => !client.scopes.includes(scope))) {
    throw new Refused('invalid_scope', 'A scope is not known or not enabled for this client.')
  }
  return asked.length > 0 ? asked : client.scopes
}

function checkDoctypes(query: URLSearchParams, client: SimulatorClient): readonly string[] | undefined {
  const given = query.get('req_doctype')
  if (given === null) return undefined
  const asked = given.split(',')
  const approved = client.doctypes ?? Object.keys(DOCTYPES)
  if (asked.every((doctype) => approved.includes(doctype))) return asked
  throw new Refused('invalid_request', 'A document type in req_doctype is not approved for this client.')
}

function checkConsentEnd(query: URLSearchParams, now: number): number {
  const given = query.get('consent_valid_till')
  if (given === null) return endOfIndianDay(now, CONSENT_DAYS)
  if (/^\d{10}$/.test(given) && Number(given) > now) return Number(given)
  throw new Refused('invalid_request', 'The consent_valid_till must be a coming instant in UNIX seconds.')
}

function checkPrompt(query: URLSearchParams): void {
  if (query.has('prompt')) checkOneOf(query, 'prompt', ['login', 'login_mobile'])
  if (query.has('login_hint') && query.get('prompt') !== 'login_mobile') {
    throw new Refused('invalid_request', 'A login_hint needs prompt=login_mobile.')
  }
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name)
  if (value) return value
  throw new Refused('invalid_request', `The ${name} parameter is required.`)
}

function words(text: string | null): string[] {
  return (text ?? '').split(' ').filter((word) => word !== '')
}
