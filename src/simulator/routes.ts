import { setTimeout as sleep } from 'node:timers/promises'
import { apaar } from './apaar.ts'
import { authorize, browserOf } from './authorize.ts'
import { deviceCode } from './device.ts'
import { formOf, onTheWire, refuse, type SimRequest, type SimResponse } from './http.ts'
import { doctypes, issuers, parameters, statistics } from './meta.ts'
import { errorPage, homePage, ICON, ICON_PATH, STYLE_PATH } from './pages.ts'
import type { Persona } from './persona.ts'
import { pull } from './pull.ts'
import { NAMED_FAULTS, type NamedFault, type NamedFaultRow } from './quirks.ts'
import { certificateXml, eAadhaarXml, file, grantOf, issued, user } from './resources.ts'
import {
  type About,
  type Endpoint,
  type FaultRule,
  type QuirkRule,
  type Quirks,
  toQuirkRule,
  withOwn,
} from './rules.ts'
import { decideConsent, logout, showConsent, showSignIn, signIn } from './sign-in.ts'
import { revoke, token } from './token.ts'
import { upload, uploaded } from './uploads.ts'
import type { World } from './world.ts'

type Handler = (request: SimRequest, world: World, quirks: Quirks) => SimResponse | Promise<SimResponse>

interface Route {
  readonly method: 'GET' | 'POST'
  readonly pattern: RegExp
  /** how the request log and faults name it */
  readonly endpoint: Endpoint
  readonly handle: Handler
}

/** A folder by its id; the root without one. The issued list lives beside it. */
const FILES = /^\/public\/oauth2\/1\/files(?:\/(?<id>(?!issued$)[^/]*))?$/

const ROUTES: readonly Route[] = [
  { method: 'GET', pattern: /^\/public\/oauth2\/[12]\/authorize$/, endpoint: 'authorize', handle: authorize },
  { method: 'GET', pattern: /^\/signin\/logout\/Y$/, endpoint: 'logout', handle: logout },
  { method: 'GET', pattern: /^\/signin\/(?<flow>[0-9a-f]{32})$/, endpoint: 'signin', handle: showSignIn },
  { method: 'POST', pattern: /^\/signin\/(?<flow>[0-9a-f]{32})$/, endpoint: 'signin', handle: signIn },
  { method: 'GET', pattern: /^\/consent\/(?<flow>[0-9a-f]{32})$/, endpoint: 'consent', handle: showConsent },
  { method: 'POST', pattern: /^\/consent\/(?<flow>[0-9a-f]{32})$/, endpoint: 'consent', handle: decideConsent },
  { method: 'POST', pattern: /^\/public\/oauth2\/(?<version>[12])\/token$/, endpoint: 'token', handle: token },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/revoke$/, endpoint: 'revoke', handle: revoke },
  { method: 'GET', pattern: /^\/public\/oauth2\/1\/user$/, endpoint: 'user', handle: user },
  { method: 'GET', pattern: /^\/public\/oauth2\/(?<version>[12])\/files\/issued$/, endpoint: 'issued', handle: issued },
  { method: 'GET', pattern: /^\/public\/oauth2\/[123]\/xml\/eaadhaar$/, endpoint: 'eaadhaar', handle: eAadhaarXml },
  { method: 'GET', pattern: /^\/public\/oauth2\/1\/xml\/(?<uri>[^/]*)$/, endpoint: 'xml', handle: certificateXml },
  { method: 'GET', pattern: /^\/public\/oauth2\/1\/file\/(?<uri>[^/]*)$/, endpoint: 'file', handle: file },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/pull\/pulldocument$/, endpoint: 'pull', handle: pull },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/pull\/issuers$/, endpoint: 'issuers', handle: issuers },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/pull\/doctype$/, endpoint: 'doctypes', handle: doctypes },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/pull\/parameters$/, endpoint: 'parameters', handle: parameters },
  { method: 'POST', pattern: /^\/public\/statistics\/1\/counts$/, endpoint: 'statistics', handle: statistics },
  { method: 'GET', pattern: FILES, endpoint: 'uploaded', handle: uploaded },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/file\/upload$/, endpoint: 'upload', handle: upload },
  { method: 'GET', pattern: /^\/public\/oauth2\/1\/apaar$/, endpoint: 'apaar', handle: apaar },
  { method: 'POST', pattern: /^\/public\/oauth2\/1\/code$/, endpoint: 'device', handle: deviceCode },
]

/** Pages that people see: what goes wrong there is shown, not returned as JSON. */
const BROWSER_ENDPOINTS: readonly Endpoint[] = ['authorize', 'signin', 'consent', 'logout']

/**
 * Answers one request to the public port: finds the route, applies a fault if one is set, logs name and status.
 * @param closing aborts delays when the simulator closes
 */
export async function answer(
  request: SimRequest,
  world: World,
  style: string,
  closing: AbortSignal,
): Promise<SimResponse> {
  if (request.method === 'GET' && request.path === '/') return homePage(world.people)
  if (request.method === 'GET' && request.path === STYLE_PATH) return asset(style, 'text/css; charset=utf-8')
  if (request.method === 'GET' && request.path === ICON_PATH) return asset(ICON, 'image/svg+xml; charset=utf-8')
  const candidates = ROUTES.filter(({ pattern }) => pattern.test(request.path))
  const route = candidates.find(({ method }) => method === request.method)
  if (route === undefined) return candidates.length > 0 ? notAllowed(candidates) : notFound()
  const params = decodeParams(route.pattern.exec(request.path)?.groups)
  if (params === undefined) return refuse(400, 'invalid_request', 'The path is malformed.')
  return answerRoute(route, { ...request, params }, world, closing)
}

async function answerRoute(
  route: Route,
  request: SimRequest,
  world: World,
  closing: AbortSignal,
): Promise<SimResponse> {
  const endpoint = endpointOf(route, request)
  const { about, own } = aboutOf(endpoint, request, world)
  const quirks = withOwn(world.rules, own)
  const fault = world.rules.takeFault(endpoint, about) ?? namedFault(endpoint, about, quirks)
  if (fault?.delayMs) await sleep(fault.delayMs, undefined, { ref: false, signal: closing })
  const response =
    fault?.status === undefined ? await route.handle(request, world, quirks) : faultResponse(fault, fault.status)
  const sent = fault?.wire ? onTheWire(response, fault.wire) : response
  world.record({ endpoint, status: response.status, ...(about.doctype ? { doctype: about.doctype } : {}) })
  return sent
}

function endpointOf(route: Route, request: SimRequest): Endpoint {
  return route.endpoint === 'token' && formOf(request)?.get('grant_type') === 'refresh_token'
    ? 'refresh'
    : route.endpoint
}

/** Whose request it is and for which type of document, as far as it shows. */
function aboutOf(endpoint: Endpoint, request: SimRequest, world: World): { about: About; own: readonly QuirkRule[] } {
  const form = formOf(request)
  const grant =
    grantOf(request, world) ??
    world.findCode(form?.get('code') ?? '')?.grant ??
    world.findDevice(form?.get('device_code') ?? '')?.grant ??
    world.findByRefreshToken(form?.get('refresh_token') ?? '')
  const named = FORM_NAMES_DOCTYPE.includes(endpoint) ? form?.get('doctype') : request.params.uri?.split('-')[1]
  const doctype = endpoint === 'eaadhaar' ? 'ADHAR' : named
  const journey = grant ?? world.findFlow(request.params.flow, browserOf(request))
  const own = [...personaQuirks(journey?.persona), ...(journey?.quirks ?? [])]
  const about = {
    persona: journey?.persona?.id,
    doctype: doctype && /^[A-Z]{3,8}$/.test(doctype) ? doctype : undefined,
  }
  return { about, own }
}

/** Where the form says which type of document it is about; elsewhere its address does. */
const FORM_NAMES_DOCTYPE: readonly Endpoint[] = ['pull', 'parameters']

const personaQuirks = (persona: Persona | undefined): QuirkRule[] =>
  (persona?.quirks ?? []).map(({ quirk, doctype }) => toQuirkRule(quirk, doctype))

/** A fault that has a name, so that it can follow a person or a journey. */
function namedFault(endpoint: Endpoint, about: About, quirks: Quirks): FaultRule | undefined {
  const candidates = Object.entries<NamedFaultRow>(NAMED_FAULTS).filter(([, row]) => row.endpoints.includes(endpoint))
  const found = candidates.find(([name]) => quirks.take(name as NamedFault, about))
  return found && { endpoint, ...found[1].fault }
}

const DEFAULT_ERRORS: Record<number, string> = {
  401: 'invalid_token',
  403: 'insufficient_scope',
  404: 'invalid_uri',
  429: 'too_many_requests',
  500: 'unexpected_error',
  503: 'repository_service_inactive',
  530: 'repository_service_unresponsive',
}

const META_ERRORS: Record<number, string> = {
  400: 'invalid_parameter',
  401: 'invalid_client_id',
  530: 'unexpected_error',
}

/** Where an endpoint has words of its own (digilocker-api.md §12). */
const ENDPOINT_ERRORS: Partial<Record<Endpoint, Record<number, string>>> = {
  user: { 530: 'unexpected_error' },
  issued: { 530: 'partner_service_unresponsive' },
  uploaded: { 404: 'invalid_id', 530: 'unexpected_error' },
  upload: { 530: 'unexpected_error' },
  apaar: { 404: 'apaar_not_available', 530: 'unexpected_error' },
  eaadhaar: { 404: 'aadhaar_not_available' },
  device: { 500: 'otp_error' },
  issuers: META_ERRORS,
  doctypes: META_ERRORS,
  parameters: META_ERRORS,
  statistics: META_ERRORS,
}

function faultResponse(fault: FaultRule, status: number): SimResponse {
  const retry: Record<string, string> =
    fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) }
  const error = fault.error ?? ENDPOINT_ERRORS[fault.endpoint]?.[status] ?? DEFAULT_ERRORS[status] ?? 'unexpected_error'
  const inBrowser = BROWSER_ENDPOINTS.includes(fault.endpoint)
  const response = faultBody(fault.body ?? (inBrowser ? 'html' : 'json'), status, error)
  return { ...response, headers: { ...response.headers, ...retry } }
}

function faultBody(kind: 'json' | 'html' | 'empty', status: number, error: string): SimResponse {
  if (kind === 'html') return errorPage(error, 'The simulator was told to fail here.', status)
  if (kind === 'empty') return { status, headers: {}, body: '' }
  return refuse(status, error, 'The simulator was told to fail here.')
}

function asset(body: string, type: string): SimResponse {
  const headers = { 'content-type': type, 'x-content-type-options': 'nosniff' }
  return { status: 200, headers: { ...headers, 'cache-control': 'max-age=3600' }, body }
}

function notAllowed(candidates: readonly Route[]): SimResponse {
  const refusal = refuse(405, 'invalid_request', 'This method is not allowed here.')
  return { ...refusal, headers: { ...refusal.headers, allow: candidates.map(({ method }) => method).join(', ') } }
}

const notFound = () => errorPage('not_found', 'There is nothing at this address.', 404)

function decodeParams(groups: Record<string, string> | undefined): Record<string, string> | undefined {
  try {
    const given = Object.entries(groups ?? {}).filter(([, value]) => value !== undefined) // a group may be optional
    return Object.fromEntries(given.map(([name, value]) => [name, decodeURIComponent(value)]))
  } catch {
    return undefined // malformed percent-encoding
  }
}
