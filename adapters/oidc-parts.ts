import { hash } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { Clock } from '../src/clock.ts'
import type { DwarEvent } from '../src/privacy/event.ts'
import type { PresentedRefreshToken, RepeatTerms } from '../src/provider/refresh.ts'
import type { Vault } from '../src/vault/vault.ts'
import type { ClientCache } from './client-cache.ts'
import type { Database } from './database.ts'
import type { RequestMemo } from './request-memo.ts'
import type { Statement } from './statement.ts'

export interface OidcAdapterParts {
  readonly database: Database
  readonly vault: Vault
  readonly clients: ClientCache
  readonly clock: Clock
  readonly memo: RequestMemo
  /** the event of an interaction that is stored for the first time: it is appended by the same statement */
  readonly interactionStarted?: ((uid: string, payload: AdapterPayload) => DwarEvent) | undefined
  /** on which terms the refresh token that this request presents may be used again; absent: on none */
  readonly repeatTerms?: ((token: PresentedRefreshToken) => Promise<RepeatTerms | undefined>) | undefined
  /** the engine's `clockTolerance`: rows are found until they have been expired for so long */
  readonly clockToleranceSeconds: number
}

/** What the payload of a model is once it is stored. */
export type Payload = Record<string, unknown>

/** Bearer values are the tokens themselves: only their SHA-256 is kept. They are random, so no key is needed. */
export function hashId(id: string): Buffer {
  return hash('sha256', id, 'buffer')
}

export function send<Row>(parts: OidcAdapterParts, { name, text }: Statement, values: unknown[]): Promise<Row[]> {
  return parts.database.hot<Row>(name, text, values)
}

/** From this time on an expired row is still found. Epoch seconds. */
export function expiryFloor({ clock, clockToleranceSeconds }: OidcAdapterParts): number {
  return clock() - clockToleranceSeconds
}

/** When a payload ends, in epoch seconds: it says so itself, or else by the lifetime it came with. */
export function expiryOf(
  { clock }: OidcAdapterParts,
  { exp }: AdapterPayload,
  expiresIn: number | undefined,
): number | null {
  if (exp !== undefined) return exp
  return expiresIn === undefined ? null : clock() + expiresIn
}

/** `consumed` is a column, and `jti` is the bearer value. */
export function withoutBearer({ jti: _jti, consumed: _consumed, ...payload }: AdapterPayload): Payload {
  return payload
}
