import type { Clock } from '../src/clock.ts'
import type { CountStore } from '../src/limits/limiter.ts'
import type { ConsentStore } from '../src/privacy/consent.ts'
import type { EventStore } from '../src/privacy/event.ts'
import type { SharingStore } from '../src/privacy/sharing.ts'
import type { PostedRequestStore } from '../src/provider/posted-requests.ts'
import type {
  AccountStore,
  AttemptStore,
  ClientStore,
  LogoutStore,
  SigningKeyStore,
  UpstreamSessionStore,
} from '../src/provider/stores.ts'
import type { RailCredentialStore } from '../src/rails/rail.ts'
import type { VaultStore } from '../src/vault/store.ts'
import { createAccountStore } from './account-store.ts'
import { createAttemptStore } from './attempt-store.ts'
import { type ClientCache, createClientCache } from './client-cache.ts'
import { createClientStore } from './client-store.ts'
import { createConsentStore } from './consent-store.ts'
import type { Database } from './database.ts'
import { createEventStore } from './event-store.ts'
import { createLogoutStore } from './logout-store.ts'
import { createPostedRequestStore } from './posted-request-store.ts'
import { createRailCredentialStore } from './rail-credential-store.ts'
import { createRateCountStore } from './rate-count-store.ts'
import { createReplayStore, type InsertReplay } from './replay-store.ts'
import { createRequestMemo, type RequestMemo } from './request-memo.ts'
import { createSharingStore } from './sharing-store.ts'
import { createSigningKeyStore } from './signing-key-store.ts'
import { createTokenBatch, type TokenBatch } from './token-batch.ts'
import { createUpstreamSessionStore } from './upstream-session-store.ts'
import { createVaultStore } from './vault-store.ts'
import { createVersionWatch, type VersionWatch } from './version-watch.ts'

/** Every store of ours over one database, joined as they belong together. */
export interface Storage {
  readonly memo: RequestMemo
  readonly dataKeys: VaultStore
  readonly events: EventStore
  readonly clients: ClientStore
  readonly clientCache: ClientCache
  readonly accounts: AccountStore
  readonly attempts: AttemptStore
  readonly consents: ConsentStore
  readonly sharings: SharingStore
  readonly upstreamSessions: UpstreamSessionStore
  readonly logouts: LogoutStore
  readonly postedRequests: PostedRequestStore
  readonly signingKeys: SigningKeyStore
  readonly railCredentials: RailCredentialStore
  readonly rateCounts: CountStore
  readonly insertReplay: InsertReplay
  /** one look a second at the versions of all that is cached */
  readonly versions: VersionWatch
  /** for `provider.use`: stores the tokens of a request in one statement */
  readonly tokenBatch: TokenBatch
}

export function createStorage(database: Database, clock: Clock, memo: RequestMemo = createRequestMemo()): Storage {
  const events = createEventStore(database, clock)
  const clients = createClientStore(database, events)
  const versions = createVersionWatch(database, clock)
  return {
    memo,
    events,
    clients,
    dataKeys: createVaultStore(database, memo),
    clientCache: createClientCache({ ...clients, version: () => versions.of('client') }, clock),
    versions,
    accounts: createAccountStore(database, memo),
    attempts: createAttemptStore(database, clock, memo),
    consents: createConsentStore({ database, clock, events, memo }),
    sharings: createSharingStore(database, events, clock),
    upstreamSessions: createUpstreamSessionStore(database),
    logouts: createLogoutStore(database, clock, memo),
    postedRequests: createPostedRequestStore(database),
    signingKeys: createSigningKeyStore(database, clock, events),
    railCredentials: createRailCredentialStore(database),
    rateCounts: createRateCountStore(database),
    insertReplay: createReplayStore(database),
    tokenBatch: createTokenBatch({ database, clock, memo }),
  }
}
