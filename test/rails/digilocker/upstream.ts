import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DocumentError, type ErrorCode } from '../../../src/errors.ts'
import { createDigiLockerRail, type DigiLockerDeps } from '../../../src/rails/digilocker/rail.ts'
import { type DigiLockerSettings, digiLockerSettings } from '../../../src/rails/digilocker/settings.ts'
import type { DocumentNeed, DocumentOutcome, RailIdentity, RailRequest } from '../../../src/rails/rail.ts'

/** Values that must never be seen in an error, an event or a warning. */
export const CANARY = {
  code: 'c0de-canary-5f1e',
  accessToken: 'aaaacanary0000000000000000000000000access',
  refreshToken: 'bbbbcanary000000000000000000000000refresh',
  clientSecret: 'secret-canary-77',
  pan: 'CANRY0000A',
  name: 'Kanari Devi',
} as const

export const NOW = 1_768_000_000
export const CLIENT = { clientId: 'ABCDEFGH', clientSecret: CANARY.clientSecret }
export const SUBJECT = '0f6e7a30-0000-4000-8000-000000000001'
export const PAN_URI = `in.gov.pan-PANCR-${CANARY.pan}`
export const LICENCE_URI = 'in.gov.transport-DRVLC-XX00-20000000000'
export const AADHAAR_URI = 'in.gov.uidai-ADHAR-00000000000000000000000000000000'

export type Named = 'token' | 'refresh' | 'revoke' | 'pull' | 'user' | 'issued' | 'xml' | 'file' | 'eaadhaar' | 'jwks'

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}
export type Answerer = Reply | ((request: Received, response: ServerResponse) => Reply | undefined)

export interface Received {
  readonly endpoint: Named | undefined
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
export const error = (status: number, word: string, headers: Record<string, string> = {}): Reply =>
  json({ error: word, error_description: `${CANARY.name} ${CANARY.pan}` }, status, headers)
export const html = (status: number): Reply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: `<html><body>${CANARY.name}</body></html>`,
})
export const xml = (doctype: string, type = 'application/xml', headers: Record<string, string> = {}): Reply => ({
  headers: { 'content-type': type, ...headers },
  body: document(doctype),
})
export const pdf = (content = `SIGNED ${CANARY.name}`, headers: Record<string, string> = {}): Reply => ({
  headers: { 'content-type': 'application/pdf', ...headers },
  body: `%PDF-1.7 ${content}`,
})
export const document = (doctype: string): string => `<Certificate type="${doctype}" name="${CANARY.name}"/>`
export const hmacOf = (body: string | Uint8Array, secret: string): string =>
  createHmac('sha256', secret).update(body).digest('base64')

export const tokenBody = {
  access_token: CANARY.accessToken,
  refresh_token: CANARY.refreshToken,
  expires_in: 3600,
  token_type: 'Bearer',
  scope: `files.issueddocs userdetails issued/${PAN_URI} issued/${LICENCE_URI} issued/${AADHAAR_URI} picture`,
  consent_valid_till: String(NOW + 30 * 86_400),
  digilockerid: SUBJECT,
  name: CANARY.name,
  dob: '31121990',
  gender: 'F',
  eaadhaar: 'Y',
  mobile: '9000000000',
}
export const userBody = {
  digilockerid: SUBJECT,
  name: CANARY.name,
  dob: '31121990',
  gender: 'F',
  eaadhaar: 'Y',
  reference_key: 'f'.repeat(64),
}
export const item = (uri: string, mime: unknown): Record<string, unknown> => ({
  name: 'A document',
  type: 'file',
  size: '',
  date: '02/11/2019',
  parent: '',
  mime,
  uri,
  doctype: uri.split('-')[1],
  description: '',
  issuerid: uri.split('-')[0],
  issuer: '',
})
export const BOTH = ['application/pdf', 'application/xml']
export const issuedBody = {
  items: [item(PAN_URI, BOTH), item(LICENCE_URI, BOTH), item(AADHAAR_URI, ['application/pdf'])],
}

/** A scriptable upstream over real HTTP. Answers are what a healthy DigiLocker says, until told otherwise. */
export class Upstream {
  readonly requests: Received[] = []
  readonly #server = createServer((request, response) => this.#answer(request, response))
  #answers = new Map<Named, Answerer[]>()

  async start(): Promise<URL> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this.url
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
  }

  /** Answers this endpoint so, in turn; the last stays. */
  on(endpoint: Named, ...answers: Answerer[]): this {
    this.#answers.set(endpoint, answers)
    return this
  }

  reset(): void {
    this.#answers = new Map()
    this.requests.length = 0
  }

  count(endpoint: Named): number {
    return this.requests.filter((request) => request.endpoint === endpoint).length
  }

  last(endpoint: Named): Received {
    const found = this.requests.findLast((request) => request.endpoint === endpoint)
    if (!found) throw new Error(`no request to ${endpoint}`)
    return found
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? ''
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const received: Received = {
      endpoint: endpointOf(path, form),
      method: request.method ?? '',
      path,
      headers: request.headers,
      form,
    }
    this.requests.push(received)
    const queue = (received.endpoint && this.#answers.get(received.endpoint)) ?? [healthy(received)]
    const answer = (queue.length > 1 ? queue.shift() : queue[0]) as Answerer
    const reply = typeof answer === 'function' ? answer(received, response) : answer
    if (reply) response.writeHead(reply.status ?? 200, { ...reply.headers }).end(reply.body)
  }
}

function endpointOf(path: string, form: URLSearchParams): Named | undefined {
  if (/\/oauth2\/[12]\/token$/.test(path)) return form.get('grant_type') === 'refresh_token' ? 'refresh' : 'token'
  if (path.endsWith('/1/pull/pulldocument')) return 'pull'
  if (path.endsWith('/1/revoke')) return 'revoke'
  if (path.endsWith('/1/user')) return 'user'
  if (path.endsWith('/2/files/issued')) return 'issued'
  if (path.endsWith('/xml/eaadhaar')) return 'eaadhaar'
  if (path.includes('/1/xml/')) return 'xml'
  if (path.includes('/1/file/')) return 'file'
  return path === '/jwks' ? 'jwks' : undefined
}

function healthy({ endpoint, path }: Received): Reply {
  const doctype = /-([A-Z]{5})-/.exec(decodeURIComponent(path))?.[1] ?? 'ADHAR'
  const served = {
    token: json(tokenBody),
    refresh: json({ access_token: 'renewed-access', refresh_token: 'renewed-refresh', expires_in: 3600 }),
    pull: json({ uri: LICENCE_URI }),
    revoke: json({}),
    user: json(userBody),
    issued: json(issuedBody),
    xml: xml(doctype),
    file: pdf(),
    eaadhaar: xml('ADHAR'),
    jwks: json({ keys: [] }),
  }
  return endpoint ? served[endpoint] : { status: 404, body: 'no such place' }
}

/** Stands for the documents room: believes bytes that name the doctype, refuses the rest. */
export const believe: DigiLockerDeps['verify'] = (bytes, doctype) => {
  const text = Buffer.from(bytes).toString()
  if (text.includes('type="FORGED"')) throw new DocumentError('DOC_SIGNATURE_INVALID', 'forged')
  const found = /type="([A-Z]+)"/.exec(text)?.[1] ?? doctype
  return {
    fields: { doctype: found, documentIssuer: {} },
    verification: {
      profile: 'test',
      signerFingerprint: '0'.repeat(64),
      signerName: 'Test signer',
      signerBasis: 'pin',
      chain: [],
      revocation: 'unchecked',
      canonicalization: 'exclusive',
      judgedAt: NOW,
      crossChecked: true,
      reasons: [],
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      timeBasis: 'fetch',
      verifiedAt: NOW,
    },
  }
}

/** The same for PDFs: one that says who signed it is believed, unless it says that it is forged. */
export const believePdf: DigiLockerDeps['verifyPdf'] = (bytes) => {
  const text = Buffer.from(bytes).toString('latin1')
  if (text.includes('FORGED')) throw new DocumentError('DOC_DIGEST_MISMATCH', 'forged', { check: 'digest_mismatch' })
  return text.includes('SIGNED') ? { verdict: 'trusted', signer: '0'.repeat(64) } : { verdict: 'unsigned' }
}

export const REQUEST: RailRequest = {
  correlation: 'state-of-ours-0123456789',
  returnTo: new URL('https://op.test/callback/digilocker'),
  needs: [],
  purpose: 'Age check',
  serviceName: 'Demo shop',
  freshLogin: false,
}

export const need = (...anyOf: string[]): DocumentNeed => ({ anyOf })

export interface Stage {
  readonly settings?: Partial<DigiLockerSettings>
  readonly deps?: Partial<DigiLockerDeps>
  readonly needs?: readonly DocumentNeed[]
  readonly query?: string
  readonly request?: Partial<RailRequest>
}

export interface Told {
  readonly warnings: ErrorCode[]
  readonly events: unknown[]
  readonly waits: number[]
}

/** A rail against this upstream, and what it told besides its results. */
export function rig(upstream: Upstream, { settings, deps }: Stage = {}) {
  const told: Told = { warnings: [], events: [], waits: [] }
  const rail = createDigiLockerRail(digiLockerSettings({ baseUrl: upstream.url, ...settings }), {
    credentials: async () => CLIENT,
    verify: believe,
    verifyPdf: believePdf,
    keyedHash: (purpose, value) => createHmac('sha256', `key-of-${purpose}`).update(value).digest('hex'),
    clock: () => NOW,
    sleep: async (ms) => told.waits.push(ms),
    warn: (code) => told.warnings.push(code),
    onEvent: (event) => told.events.push(event),
    ...deps,
  })
  return { rail, told }
}

/** One whole journey: begin, then the callback. */
export async function travel(upstream: Upstream, stage: Stage = {}): Promise<{ identity: RailIdentity; told: Told }> {
  const { rail, told } = rig(upstream, stage)
  await using _ = rail
  const begun = await rail.begin({ ...REQUEST, needs: stage.needs ?? [], ...stage.request })
  if (begun.kind !== 'redirect') throw new Error('no redirect')
  const state = JSON.parse(JSON.stringify(begun.state)) as Record<string, unknown>
  const query = new URLSearchParams(stage.query ?? `code=${CANARY.code}&state=${REQUEST.correlation}`)
  const done = await rail.advance(state, { query })
  if (done.kind !== 'done') throw new Error('not done')
  return { identity: done.identity, told }
}

/** The failure of a journey. Fails itself when there was none. */
export async function failureOf(upstream: Upstream, stage: Stage = {}): Promise<Error & { code?: unknown }> {
  const outcome = await travel(upstream, stage).catch((caught: unknown) => caught)
  if (outcome instanceof Error) return outcome
  throw new Error('the journey did not fail')
}

/** Outcomes in one line each: `verified DRVLC`, `absent PANCR not-granted`, `pdf-only SSCER trusted`. */
export const summary = (documents: readonly DocumentOutcome[]): string[] =>
  documents.map((outcome) => {
    const reason = 'reason' in outcome ? [outcome.reason] : []
    const code = 'code' in outcome && outcome.code ? [outcome.code] : []
    const pdf = 'pdf' in outcome && outcome.pdf ? [outcome.pdf.verdict] : []
    return [outcome.kind, outcome.doctype, ...reason, ...pdf, ...code].join(' ')
  })
