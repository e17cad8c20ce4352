import type { z } from 'zod'
import { DocumentError, type ErrorCode, RailError } from '../../errors.ts'
import type { RailCredentials } from '../rail.ts'
import { type Answer, type Call, type Send, TransportError } from './http.ts'
import { type IssuedDocument, repositoryOf } from './issued.ts'
import { type ClientAuth, type DigiLockerSettings, endpointUrl, type Operation } from './settings.ts'
import {
  errorAnswer,
  issuedAnswer,
  parseJson,
  pullAnswer,
  type TokenAnswer,
  tokenAnswer,
  type UserAnswer,
  userAnswer,
} from './wire.ts'

export interface CodeExchange {
  readonly code: string
  readonly codeVerifier: string
  /** the very text that the authorize request carried */
  readonly redirectUri: string
}

/** What an issuer is asked for; it also gets number, name and birth date of the person from DigiLocker (§11). */
export interface Pull {
  readonly orgId: string
  readonly doctype: string
  readonly fields: Readonly<Record<string, string>>
}

export type PullAnswer =
  | { readonly kind: 'there'; readonly uri: string }
  /** it was in the locker all along */
  | { readonly kind: 'was-there' }
  /** the issuer looks by hand; the document may come later */
  | { readonly kind: 'pending' }

/** A document's bytes as received, with the transport proof that came along. */
export interface ServedDocument {
  readonly body: Uint8Array
  /** the `hmac` header */
  readonly hmac: string | undefined
}

/**
 * DigiLocker's API, one method an endpoint (digilocker-api.md §3). Errors carry a code and the name of the call, never
 * an address, a body or anything else that the upstream sent.
 */
export interface DigiLockerClient {
  /** Spends the code: sent once, whatever happens. @throws RailError also RAIL_CODE_REFUSED, RAIL_MISCONFIGURED */
  exchangeCode(exchange: CodeExchange, credentials: RailCredentials): Promise<TokenAnswer>
  /** @throws RailError */
  user(accessToken: string): Promise<UserAnswer>
  /** @throws RailError */
  issued(accessToken: string): Promise<IssuedDocument[]>
  /** The certificate XML at this URI. @throws RailError; DocumentError DOC_TOO_LARGE */
  certificate(accessToken: string, uri: string): Promise<ServedDocument>
  /** The PDF at this URI. @throws RailError also RAIL_RESPONSE_INVALID for bytes that are none; DocumentError DOC_TOO_LARGE */
  file(accessToken: string, uri: string): Promise<ServedDocument>
  /** @throws RailError also RAIL_AADHAAR_NOT_LINKED; DocumentError DOC_TOO_LARGE */
  eAadhaar(accessToken: string): Promise<ServedDocument>
  /** Spends the refresh token: sent once. @throws RailError also RAIL_UNAUTHORIZED when it is good no longer */
  refresh(refreshToken: string, credentials: RailCredentials): Promise<TokenAnswer>
  /** Has the document put into the locker by its issuer. Sent once. @throws RailError also RAIL_NOT_FOUND, RAIL_AADHAAR_NOT_LINKED */
  pull(accessToken: string, pull: Pull): Promise<PullAnswer>
  /** Ends the whole upstream grant that the token belongs to (§6.4). @throws RailError */
  revoke(token: string, hint: 'access_token' | 'refresh_token', credentials: RailCredentials): Promise<void>
  /** The configured key set, as it came. @throws RailError */
  keySet(url: URL): Promise<Uint8Array>
}

export function createClient(settings: DigiLockerSettings, send: Send): DigiLockerClient {
  const { timeoutsMs, bodyCaps } = settings

  const json = (
    operation: 'token' | 'refresh' | 'revoke' | 'user' | 'issued',
    parts: Pick<Call, 'form' | 'headers'>,
  ): Promise<Answer> =>
    succeed(send, {
      ...parts,
      operation,
      url: endpointUrl(operation, settings),
      timeoutMs: timeoutsMs[operation === 'refresh' ? 'token' : operation],
      maxBytes: bodyCaps.json,
    })

  const document = (operation: 'xml' | 'eAadhaar' | 'file', accessToken: string, uri?: string): Promise<Answer> => {
    const isFile = operation === 'file'
    const call = {
      operation,
      url: endpointUrl(operation, settings, uri),
      repository: uri === undefined ? AADHAAR_REPOSITORY : repositoryOf(uri),
      headers: { accept: isFile ? 'application/pdf' : 'application/xml', ...bearer(accessToken) },
      timeoutMs: timeoutsMs.document,
      maxBytes: isFile ? bodyCaps.file : bodyCaps.document,
    }
    return succeed(send, call).catch(asDocumentFault)
  }

  const xml = async (operation: 'xml' | 'eAadhaar', accessToken: string, uri?: string): Promise<ServedDocument> => {
    const { contentType, body, hmac } = await document(operation, accessToken, uri)
    refuseOtherThanXml(operation, contentType)
    return { body, hmac }
  }

  const get = (operation: 'user' | 'issued', accessToken: string): Promise<Answer> =>
    json(operation, { headers: { accept: 'application/json', ...bearer(accessToken) } })

  return {
    exchangeCode: async ({ code, codeVerifier, redirectUri }, credentials) => {
      const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier }
      const request = authenticated(settings.clientAuth.token, credentials, fields)
      return readJson('token', await json('token', request), tokenAnswer)
    },
    refresh: async (refreshToken, credentials) => {
      const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
      const request = authenticated(settings.clientAuth.refresh, credentials, fields)
      return readJson('refresh', await json('refresh', request), tokenAnswer)
    },
    pull: async (accessToken, { orgId, doctype, fields }) => {
      const answer = await send({
        operation: 'pull',
        url: endpointUrl('pull', settings),
        headers: { accept: 'application/json', ...bearer(accessToken) },
        form: new URLSearchParams({ ...fields, orgid: orgId, doctype, consent: 'Y' }),
        timeoutMs: timeoutsMs.pull,
        maxBytes: bodyCaps.json,
      })
      return readPull(answer)
    },
    user: async (accessToken) => readJson('user', await get('user', accessToken), userAnswer),
    issued: async (accessToken) => readJson('issued', await get('issued', accessToken), issuedAnswer),
    certificate: (accessToken, uri) => xml('xml', accessToken, uri),
    file: async (accessToken, uri) => {
      const answer = await document('file', accessToken, uri)
      refuseOtherThanPdf(answer)
      return { body: answer.body, hmac: answer.hmac }
    },
    eAadhaar: (accessToken) => xml('eAadhaar', accessToken),
    revoke: async (token, hint, credentials) => {
      const request = authenticated(settings.clientAuth.revoke, credentials, { token, token_type_hint: hint })
      await json('revoke', request) // only its status means anything (§6.4)
    },
    keySet: async (url) => {
      const call = { operation: 'jwks' as const, url, timeoutMs: timeoutsMs.token, maxBytes: bodyCaps.json }
      return (await succeed(send, call)).body
    },
  }
}

/** Where DigiLocker has e-Aadhaar from, which has an endpoint and no URI. */
const AADHAAR_REPOSITORY = 'in.gov.uidai'

const bearer = (accessToken: string): { authorization: string } => ({ authorization: `Bearer ${accessToken}` })

/** Id and secret stand raw in the Basic header, as every known client sends them (digilocker-api.md §6.2). */
function authenticated(
  auth: ClientAuth,
  { clientId, clientSecret }: RailCredentials,
  fields: Record<string, string>,
): Pick<Call, 'form' | 'headers'> {
  const headers = { accept: 'application/json' }
  if (auth === 'basic') {
    const pair = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    return { form: new URLSearchParams(fields), headers: { ...headers, authorization: `Basic ${pair}` } }
  }
  const secret = auth === 'post' ? { client_secret: clientSecret } : undefined
  return { form: new URLSearchParams({ ...fields, client_id: clientId, ...secret }), headers }
}

async function succeed(send: Send, call: Call): Promise<Answer> {
  const answer = await send(call)
  if (answer.status === 200 || (call.operation === 'revoke' && answer.status < 300)) return answer
  const code = codeOf(call.operation, answer)
  throw new RailError(code, `${call.operation}: the upstream answered ${answer.status}`)
}

/** Two of its errors are answers: the document was there already, or will come (digilocker-api.md §11). */
function readPull(answer: Answer): PullAnswer {
  if (answer.status === 200) return { kind: 'there', uri: readJson('pull', answer, pullAnswer).uri }
  const word = isMarkup(answer) ? undefined : errorWord(answer.body)
  if (word === 'uri_exists') return { kind: 'was-there' }
  if (word === 'pull_response_pending') return { kind: 'pending' }
  throw new RailError(codeOf('pull', answer), `pull: the upstream answered ${answer.status}`)
}

/** What DigiLocker's own words for an error mean for us (digilocker-api.md §6.5 and §12). */
const TOKEN_WORDS: Readonly<Record<string, ErrorCode>> = {
  invalid_grant: 'RAIL_CODE_REFUSED',
  invalid_client: 'RAIL_MISCONFIGURED',
  invalid_client_id: 'RAIL_MISCONFIGURED',
  invalid_grant_type: 'RAIL_MISCONFIGURED',
  unsupported_grant_type: 'RAIL_MISCONFIGURED',
  unauthorized_client: 'RAIL_MISCONFIGURED',
  redirect_uri_mismatch: 'RAIL_MISCONFIGURED',
}
/** A refresh token that is good no longer is no fault of the journey: the person is asked again. */
const REFRESH_WORDS: Readonly<Record<string, ErrorCode>> = { ...TOKEN_WORDS, invalid_grant: 'RAIL_UNAUTHORIZED' }
const BEARER_WORDS: Readonly<Record<string, ErrorCode>> = {
  invalid_token: 'RAIL_UNAUTHORIZED',
  insufficient_scope: 'RAIL_FORBIDDEN',
  invalid_uri: 'RAIL_NOT_FOUND',
  aadhaar_not_linked: 'RAIL_AADHAAR_NOT_LINKED',
  aadhaar_not_available: 'RAIL_AADHAAR_NOT_AVAILABLE',
  record_not_found: 'RAIL_NOT_FOUND',
  invalid_orgid: 'RAIL_MISCONFIGURED',
  invalid_doctype: 'RAIL_MISCONFIGURED',
}
const STATUSES: Readonly<Record<number, ErrorCode>> = {
  401: 'RAIL_UNAUTHORIZED',
  403: 'RAIL_FORBIDDEN',
  404: 'RAIL_NOT_FOUND',
}

/** 530 is DigiLocker's "issuer is down"; a page of HTML is a gateway speaking, so its 403 or 404 is no word on consent. */
function codeOf(operation: Operation, answer: Answer): ErrorCode {
  if (answer.status === 429) return 'RAIL_RATE_LIMITED'
  if (answer.status >= 500 || isMarkup(answer)) return 'RAIL_UNAVAILABLE'
  const word = errorWord(answer.body)
  const words = wordsOf(operation)
  const said = word !== undefined && Object.hasOwn(words, word) ? words[word] : undefined
  return said ?? STATUSES[answer.status] ?? 'RAIL_RESPONSE_INVALID'
}

function wordsOf(operation: Operation): Readonly<Record<string, ErrorCode>> {
  if (operation === 'refresh') return REFRESH_WORDS
  return operation === 'token' || operation === 'revoke' ? TOKEN_WORDS : BEARER_WORDS
}

function errorWord(body: Uint8Array): string | undefined {
  const parsed = errorAnswer.safeParse(parseJson(body))
  return parsed.success ? parsed.data : undefined
}

/** @throws RailError RAIL_UNAVAILABLE for a page instead of an answer, RAIL_RESPONSE_INVALID for one we cannot read */
function readJson<T extends z.ZodType>(operation: Operation, answer: Answer, schema: T): z.output<T> {
  if (isMarkup(answer)) throw new RailError('RAIL_UNAVAILABLE', `${operation}: the upstream answered with a page`)
  const parsed = schema.safeParse(parseJson(answer.body))
  if (parsed.success) return parsed.data
  const members = new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'the whole'))
  throw new RailError('RAIL_RESPONSE_INVALID', `${operation}: cannot read ${[...members].join(', ')}`)
}

const isMarkup = ({ contentType, body }: Answer): boolean =>
  contentType === 'text/html' ||
  contentType === 'application/xhtml+xml' ||
  /^\s*</.test(Buffer.from(body.subarray(0, 64)).toString('latin1'))

const XML_TYPES = new Set(['', 'application/xml', 'text/xml', 'text/plain', 'application/octet-stream'])

/** XML comes as `text/plain` too (digilocker-api.md §10.4). The type proves nothing either way: the signature does. */
function refuseOtherThanXml(operation: Operation, contentType: string): void {
  if (XML_TYPES.has(contentType)) return
  const code = contentType === 'text/html' ? 'RAIL_UNAVAILABLE' : 'RAIL_RESPONSE_INVALID'
  throw new RailError(code, `${operation}: the answer is not XML`)
}

const PDF_HEADER = Buffer.from('%PDF-')

/** Files come as `application/octet-stream` too, and may be pictures: their first bytes say what they are (digilocker-api.md §10.3). */
function refuseOtherThanPdf(answer: Answer): void {
  if (PDF_HEADER.equals(answer.body.subarray(0, PDF_HEADER.length))) return
  throw new RailError(isMarkup(answer) ? 'RAIL_UNAVAILABLE' : 'RAIL_RESPONSE_INVALID', 'file: the answer is no PDF')
}

function asDocumentFault(error: unknown): never {
  if (error instanceof TransportError && error.tooLarge) throw new DocumentError('DOC_TOO_LARGE', error.message)
  throw error
}
