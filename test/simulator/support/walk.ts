import { createHash, randomBytes } from 'node:crypto'
import type { Simulator } from '../../../src/simulator/simulator.ts'
import type { SimulatorClient } from '../../../src/simulator/world.ts'

/** A client that may use `/1/token`, and one that must use `/2/token`. */
export const PLAIN: SimulatorClient = {
  clientId: 'PLAINAPP',
  clientSecret: 'plain-test-secret',
  redirectUris: ['https://rp.test/callback'],
  scopes: ['files.issueddocs', 'userdetails', 'picture'],
  openid: false,
}
export const OIDC: SimulatorClient = {
  ...PLAIN,
  clientId: 'OIDCAPP',
  clientSecret: 'oidc-test-secret',
  scopes: ['openid', 'files.issueddocs', 'userdetails'],
  openid: true,
}

/** A browser without JavaScript: keeps cookies, follows what it is told to, fills forms. */
export class Browser {
  readonly #cookies = new Map<string, string>()

  async open(url: URL | string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = new Headers(init.headers)
    if (cookie) headers.set('cookie', cookie)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=')
      if (/max-age=0/i.test(line)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }

  post(url: URL | string, form: URLSearchParams): Promise<Response> {
    return this.open(url, { method: 'POST', body: form })
  }
}

export interface Journey {
  persona?: string
  pin?: string
  decision?: 'allow' | 'deny'
  /** values of the checkboxes to leave ticked; absent: all */
  documents?: string[]
  client?: SimulatorClient
  /** authorize parameters to change; undefined drops one */
  change?: Record<string, string | undefined>
  version?: 1 | 2
  /** quirks, typed at the sign-in */
  wrong?: string
}

export const VERIFIER = randomBytes(32).toString('base64url')
export const STATE = randomBytes(16).toString('base64url')

export function authorizeUrl(simulator: Simulator, journey: Journey = {}): URL {
  const client = journey.client ?? PLAIN
  const parameters: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUris[0],
    state: STATE,
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    purpose: 'kyc check',
    service_name: 'Test Service',
    ...journey.change,
  }
  const url = new URL(`/public/oauth2/${journey.version ?? 1}/authorize`, simulator.url)
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

/** Walks sign-in and consent and returns where the simulator sends the browser back to. */
export async function walkToCallback(simulator: Simulator, journey: Journey = {}, browser = new Browser()) {
  const start = await browser.open(authorizeUrl(simulator, journey))
  if (start.status !== 303) throw new Error(`authorize answered ${start.status}`)
  let at = next(start, simulator.url)
  if (at.pathname.startsWith('/signin/')) at = next(await signIn(browser, at, journey), at)
  const consent = await browser.open(at)
  const page = await consent.text()
  const form = new URLSearchParams({ flow: hidden(page, 'flow'), decision: journey.decision ?? 'allow' })
  for (const value of journey.documents ?? checkboxes(page)) form.append('document', value)
  return next(await browser.post(at, form), at)
}

export async function signIn(browser: Browser, at: URL, journey: Journey): Promise<Response> {
  const persona = journey.persona ?? 'asha'
  const page = await (await browser.open(at)).text()
  const pin = journey.pin ?? pinOf(page, persona)
  const { wrong = '' } = journey
  return browser.post(at, new URLSearchParams({ flow: hidden(page, 'flow'), persona, pin, wrong }))
}

export function exchange(simulator: Simulator, code: string, client = PLAIN, change: Record<string, string> = {}) {
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirectUris[0] ?? '',
    code_verifier: VERIFIER,
    client_id: client.clientId,
    client_secret: client.clientSecret,
    ...change,
  })
  return post(simulator, `/public/oauth2/${client.openid ? 2 : 1}/token`, form)
}

export function post(simulator: Simulator, path: string, form: URLSearchParams, headers: Record<string, string> = {}) {
  return fetch(new URL(path, simulator.url), { method: 'POST', body: form, headers })
}

/** A whole login: the token response of a fresh grant. */
export async function login(simulator: Simulator, journey: Journey = {}): Promise<TokenReply> {
  const callback = await walkToCallback(simulator, journey)
  const reply = await exchange(simulator, callback.searchParams.get('code') ?? '', journey.client)
  if (!reply.ok) throw new Error(`token answered ${reply.status}`)
  return (await reply.json()) as TokenReply
}

export interface TokenReply {
  access_token: string
  refresh_token?: string
  id_token?: string
  scope: string
  [member: string]: unknown
}

export function get(simulator: Simulator, path: string, accessToken: string): Promise<Response> {
  return fetch(new URL(path, simulator.url), { headers: { authorization: `Bearer ${accessToken}` } })
}

export const grantedUris = (scope: string) =>
  scope.split(' ').flatMap((token) => (token.startsWith('issued/') ? [token.slice('issued/'.length)] : []))

export const uriOf = (scope: string, doctype: string) =>
  grantedUris(scope).find((uri) => uri.split('-')[1] === doctype) ?? ''

export const xmlPath = (uri: string) => `/public/oauth2/1/xml/${encodeURIComponent(uri)}`
export const filePath = (uri: string) => `/public/oauth2/1/file/${encodeURIComponent(uri)}`
export const EAADHAAR = '/public/oauth2/3/xml/eaadhaar'
export const ISSUED = '/public/oauth2/2/files/issued'
export const USER = '/public/oauth2/1/user'

export const hidden = (page: string, name: string) =>
  new RegExp(`type="hidden" name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? ''
export const checkboxes = (page: string) =>
  [...page.matchAll(/type="checkbox" name="document" value="([^"]*)"/g)].map(([, value]) => value ?? '')

const next = (response: Response, base: URL) => new URL(response.headers.get('location') ?? '/nowhere', base)
const pinOf = (page: string, persona: string) =>
  new RegExp(`value="${persona}"[\\s\\S]*?<code>(\\d{6})</code>`).exec(page)?.[1] ?? ''
