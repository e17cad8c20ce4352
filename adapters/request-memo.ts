import { AsyncLocalStorage } from 'node:async_hooks'
import Provider from 'oidc-provider'
import type { RepeatTerms } from '../src/provider/refresh.ts'
import type { LogoutNotice, RailAttempt } from '../src/provider/stores.ts'
import type { WrappedDataKey } from '../src/vault/store.ts'
import type { GrantedRow } from './consent-rows.ts'
import type { KeepAnswer } from './oidc-repeat.ts'
import type { PendingWrites } from './token-batch.ts'

/** A code or token with the grant, session and consent that hang together with it, as one statement read them. */
export interface TokenRow extends GrantedRow {
  readonly model: string
  readonly sealed_payload: Buffer
  readonly grant_id: string | null
  readonly session_uid: string | null
  readonly consumed: number | null
  readonly grant_payload: string | null
  readonly session_payload: string | null
}

/**
 * What one request has read, so that it is not read twice; and what it has revoked. Texts and sealed bytes, not
 * objects: the engine changes what it is given. A write drops what it makes old.
 */
export class RequestNotes {
  readonly tokens = new Map<string, Promise<TokenRow | undefined>>()
  readonly grants = new Map<string, string | undefined>()
  readonly sessionsByUid = new Map<string, string | undefined>()
  readonly consents = new Map<string, GrantedRow | undefined>()
  /** the newest journey of an interaction */
  readonly attempts = new Map<string, RailAttempt | undefined>()
  /** ids of accounts by their key, in hexadecimal */
  readonly accountsByKey = new Map<string, string | undefined>()
  readonly accounts = new Set<string>()
  readonly dataKeys = new Map<string, WrappedDataKey>()
  /** authorizations of each session as this request found them: the base for merging what it changed */
  readonly sessionBases = new Map<string, Record<string, unknown>>()
  /** uids of the sessions that this request has found, by the SHA-256 of their id in hexadecimal */
  readonly sessionsFound = new Map<string, string | undefined>()
  /** the former id, as SHA-256, of the session that is about to be stored under a new one */
  sessionRenamed?: Buffer
  /** codes and tokens that this request has spent */
  readonly consumed: { readonly model: string; readonly hash: Buffer }[] = []
  /** apps that a session goes on without: told of it by the statement that stores the session */
  readonly pendingLogouts: LogoutNotice[] = []
  readonly revocations = new Map<string, Promise<void>>()
  /** what is to be stored together when the request is done; absent where nobody will do that */
  writes?: PendingWrites
  /** the refresh token in use, where it may be repeated: SHA-256 in hexadecimal, its grant, and on which terms */
  repeatable?: { readonly key: string; readonly grantId: string; readonly terms: RepeatTerms }
  /** set by a refresh that won: its answer is stored with its tokens */
  keepAnswer?: KeepAnswer
  /** set by a use that came second: told instead of what the engine says */
  answer?: { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

  forgetFamilies(): void {
    this.tokens.clear()
    this.grants.clear()
    this.consents.clear()
  }
}

export interface RequestMemo {
  /** Notes of a request: that which is being served unless another is given. Undefined outside one (jobs, commands). */
  (request?: object): RequestNotes | undefined
  /** Serves a request of our own routes: what `work` reads is noted under it. */
  during<T>(request: object, work: () => T): T
}

/** @param engineRequest the object that stands for a request of the engine; its own context unless a test says otherwise */
export function createRequestMemo(engineRequest: () => object | undefined = () => Provider.ctx): RequestMemo {
  const byRequest = new WeakMap<object, RequestNotes>()
  const ours = new AsyncLocalStorage<object>()
  const notesOf = (request = engineRequest() ?? ours.getStore()) => {
    if (!request) return undefined
    const known = byRequest.get(request)
    if (known) return known
    const notes = new RequestNotes()
    byRequest.set(request, notes)
    return notes
  }
  return Object.assign(notesOf, { during: <T>(request: object, work: () => T) => ours.run(request, work) })
}
