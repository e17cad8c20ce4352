import { setTimeout as pause } from 'node:timers/promises'
import { Agent, type Dispatcher, request } from 'undici'
import type { Clock } from '../../clock.ts'
import { type ErrorCode, RailError } from '../../errors.ts'
import type { Guard } from './guard.ts'
import type { DigiLockerSettings, Operation } from './settings.ts'

export interface Call {
  readonly operation: Operation
  readonly url: URL
  /** the issuer's repository that DigiLocker asks in turn; absent where DigiLocker answers by itself */
  readonly repository?: string
  readonly headers?: Readonly<Record<string, string>>
  /** present: a POST of this form. Absent: a GET */
  readonly form?: URLSearchParams
  readonly timeoutMs: number
  /** bytes */
  readonly maxBytes: number
}

export interface Answer {
  readonly status: number
  /** lower case, without parameters; empty when none was sent */
  readonly contentType: string
  readonly hmac: string | undefined
  readonly retryAfter: string | undefined
  readonly body: Uint8Array
}

/** One upstream call, as an operator may count it. Holds no address, since addresses hold document URIs. */
export interface CallEvent {
  readonly operation: Operation
  readonly outcome: 'answered' | 'not-sent' | ErrorCode
  readonly status?: number | undefined
}

/** A failure below the API: no answer, or one that is not ours to read. */
export class TransportError extends RailError {
  readonly again: boolean
  readonly tooLarge: boolean
  readonly notSent: boolean
  constructor(code: ErrorCode, message: string, kind: { again?: boolean; tooLarge?: boolean; notSent?: boolean } = {}) {
    super(code, message)
    this.again = kind.again ?? false
    this.tooLarge = kind.tooLarge ?? false
    this.notSent = kind.notSent ?? false
  }
}

export type Send = (call: Call) => Promise<Answer>

export interface HttpDeps {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly randomBytes: (size: number) => Uint8Array
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined
  readonly onCall?: ((event: CallEvent) => void) | undefined
  readonly guard: Guard
}

/** Connections of this rail alone. Never the global dispatcher: oidc-provider builds its own guarded agent from that one. */
export function createAgent(settings: DigiLockerSettings): Agent {
  return new Agent({
    allowH2: false,
    connect: { timeout: settings.timeoutsMs.connect },
    keepAliveTimeout: 10_000,
  })
}

/**
 * Sends one call and reads its whole answer, whatever the status below 300 or above 399.
 * Redirects are not followed, compression is not taken, the body is counted while it streams (security.md UP-9).
 * A GET that met a passing failure is sent once more, while retries are few; a POST never is, for its code or token may be spent.
 * @throws TransportError RAIL_TIMEOUT, RAIL_UNAVAILABLE, RAIL_RESPONSE_INVALID
 */
export function createSend(settings: DigiLockerSettings, deps: HttpDeps): Send {
  const once = (call: Call): Promise<Answer> => observed(call, deps)
  const budget = createRetryBudget(settings.retry)
  return async (call) => {
    if (call.form) return once(call)
    budget.earn()
    try {
      const answer = await once(call)
      const waitMs = PASSING.has(answer.status) ? retryDelay(answer.retryAfter, settings, deps) : undefined
      if (waitMs === undefined || !budget.spend()) return answer
      await (deps.sleep ?? pause)(waitMs)
    } catch (error) {
      if (!(error instanceof TransportError && error.again && budget.spend())) throw error
      await (deps.sleep ?? pause)(jittered(settings.retry.delayMs, deps))
    }
    return once(call)
  }
}

/** Lets a share of the calls be retries, so that trying again never doubles the load of an upstream that is failing. */
function createRetryBudget({ share, burst }: DigiLockerSettings['retry']) {
  let left = burst
  return {
    earn: () => {
      left = Math.min(burst, left + share)
    },
    spend: () => {
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}

/** Statuses that may be better in a moment; 530 is DigiLocker's own "issuer is down" (digilocker-api.md §12). */
const PASSING = new Set([429, 500, 502, 503, 504, 530])

/** @returns undefined when the upstream asks for more patience than a person at the browser has */
function retryDelay(retryAfter: string | undefined, settings: DigiLockerSettings, deps: HttpDeps): number | undefined {
  const asked = retryAfterMs(retryAfter, deps.clock())
  if (asked > settings.retry.maxRetryAfterMs) return undefined
  return Math.max(asked, jittered(settings.retry.delayMs, deps))
}

/** RFC 9110 §10.2.3: seconds or a date. What cannot be read asks for nothing. */
function retryAfterMs(value: string | undefined, now: number): number {
  if (value === undefined) return 0
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? 0 : Math.max(0, at - now * 1000)
}

/** Between one and two times `ms`, so that the callers of a recovering upstream do not come back in step. */
function jittered(ms: number, { randomBytes }: HttpDeps): number {
  return ms + Math.floor(((randomBytes(1)[0] ?? 0) / 256) * ms)
}

async function observed(call: Call, { dispatcher, onCall, guard }: HttpDeps): Promise<Answer> {
  const { operation } = call
  const ask = () =>
    exchange(call, dispatcher).catch((error: unknown) => {
      throw error instanceof TransportError ? error : networkFailure(call, error)
    })
  const answer = await guard(call, ask).catch((failure: unknown) => {
    const { code, notSent } = failure as TransportError
    onCall?.({ operation, outcome: notSent ? 'not-sent' : code })
    throw failure
  })
  onCall?.({ operation, outcome: 'answered', status: answer.status })
  return answer
}

async function exchange(call: Call, dispatcher: Dispatcher): Promise<Answer> {
  const { statusCode, headers, body } = await request(call.url, {
    dispatcher,
    method: call.form ? 'POST' : 'GET',
    headers: {
      'accept-encoding': 'identity',
      ...(call.form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...call.headers,
    },
    ...(call.form && { body: call.form.toString() }),
    headersTimeout: call.timeoutMs,
    bodyTimeout: call.timeoutMs,
    signal: AbortSignal.timeout(call.timeoutMs), // the whole call: a body that drips never trips the two above
  })
  body.on('error', keepQuiet)
  const header = (name: string): string | undefined => {
    const value = headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
  try {
    refuseRedirect(call, statusCode)
    refuseCompression(call, header('content-encoding'))
    return {
      status: statusCode,
      contentType: (header('content-type') ?? '').split(';', 1).join('').trim().toLowerCase(),
      hmac: header('hmac'),
      retryAfter: header('retry-after'),
      body: await readCapped(call, body),
    }
  } finally {
    body.destroy() // nothing more is wanted from a body that was refused half-way
  }
}

/** A body destroyed before its end emits an error; without a listener that would end the process. Readers hear it by themselves. */
const keepQuiet = (): undefined => undefined

/** The API never redirects; a hop would carry our secret, or the person's token, to whoever is named there. */
function refuseRedirect(call: Call, status: number): void {
  if (status >= 300 && status < 400)
    throw new TransportError('RAIL_UNAVAILABLE', `${call.operation}: the upstream answered with a redirect`)
}

/** We asked for none. Decompressing would put a bomb behind the cap, and the hmac is over unknown bytes then (§18 question 4). */
function refuseCompression(call: Call, encoding: string | undefined): void {
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new TransportError('RAIL_RESPONSE_INVALID', `${call.operation}: the answer is compressed`)
}

async function readCapped(call: Call, body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > call.maxBytes) {
      const message = `${call.operation}: the answer is over ${call.maxBytes} bytes`
      throw new TransportError('RAIL_RESPONSE_INVALID', message, { tooLarge: true })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

/** Takes only the error's code or name along, not the error: undici's parser errors carry the bytes that were received. */
function networkFailure(call: Call, error: unknown): TransportError {
  const { name, code } = error as { name?: unknown; code?: unknown }
  if (name === 'TimeoutError' || TIMEOUTS.has(String(code)))
    return new TransportError('RAIL_TIMEOUT', `${call.operation}: no whole answer in ${call.timeoutMs} ms`)
  const word = [code, name].find((one) => typeof one === 'string' && /^\w{2,40}$/.test(one)) ?? 'unknown'
  const message = `${call.operation}: the upstream could not be reached (${word})`
  return new TransportError('RAIL_UNAVAILABLE', message, { again: true })
}
