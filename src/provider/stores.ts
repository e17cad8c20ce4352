import type { JsonWebKey } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { Consent } from '../privacy/consent.ts'
import type { DwarEvent } from '../privacy/event.ts'
import type { WrappedDataKey } from '../vault/store.ts'

export interface Account {
  readonly id: string
}

export interface AccountStore {
  /** @param key HMAC of the upstream's stable subject under a key of ours, 32 bytes */
  findByKey(key: Uint8Array): Promise<Account | undefined>
  find(id: string): Promise<Account | undefined>
}

/** What an upstream let us have, sealed. Times are epoch seconds. */
export interface StoredUpstreamSession {
  /** the journey's */
  readonly id: string
  readonly rail: string
  readonly sealed: Uint8Array
  /** rises with every renewal of its tokens */
  readonly generation: number
  readonly accessEndsAt: number
  readonly endsAt: number
}

/** One that is opened together with the outcome of its journey. */
export type NewUpstreamSession = Omit<StoredUpstreamSession, 'id' | 'generation'>

export interface UpstreamSessionStore {
  /** undefined when it has ended */
  find(id: string, now: number): Promise<StoredUpstreamSession | undefined>
  /** Of racing callers one gets the right to renew this generation, until `until`. */
  lease(id: string, generation: number, now: number, until: number): Promise<boolean>
  /** Gives the right back without a renewal. */
  release(id: string, generation: number): Promise<void>
  /** Puts renewed tokens in place of this generation's. */
  replace(id: string, generation: number, renewed: { sealed: Uint8Array; accessEndsAt: number }): Promise<void>
  end(id: string, now: number): Promise<void>
  /** Those that have ended, by time or with their grant, `limit` at most; nobody else gets them until `until`. */
  takeEnded(now: number, until: number, limit: number): Promise<StoredUpstreamSession[]>
  remove(id: string): Promise<void>
}

/** A relying app that must be told that a person's session with it has ended. */
export interface LogoutNotice {
  readonly clientId: string
  readonly accountId: string
  /** the session as that app knows it */
  readonly sid: string | undefined
}

export interface LogoutDelivery extends LogoutNotice {
  readonly id: string
  /** this one included; rises each time it is taken, and so says who has it */
  readonly attempts: number
}

export interface LogoutStore {
  /** Kept by the very statement that ends the session in the running request; without that end there is nothing to tell. */
  note(notice: LogoutNotice): void
  /**
   * Those that are due and not past their end, `limit` at most; nobody else gets them until `until`. Of each app no more than
   * are left of `perApp` when what it is `busy` with is taken away; those of whom fewest are under way come first.
   */
  takeDue(
    now: number,
    until: number,
    limit: number,
    perApp: number,
    busy: Readonly<Record<string, number>>,
  ): Promise<LogoutDelivery[]>
  /** Gives it back, due at `dueAt`, unless somebody else has taken it since. */
  postpone(delivery: LogoutDelivery, dueAt: number): Promise<void>
  /**
   * Removes it and appends what came of it with its account and client, in one statement. Says false, and does neither, when
   * somebody else has taken or settled it since.
   */
  settle(delivery: LogoutDelivery, event: Pick<DwarEvent, 'body'>): Promise<boolean>
  /** Those that are past their end and with nobody, `limit` at most. */
  findEnded(now: number, limit: number): Promise<LogoutDelivery[]>
}

/** A client as stored: recognised metadata in stable key order, without its secret. */
export interface StoredClient {
  readonly id: string
  readonly metadata: Record<string, unknown>
  readonly sealedSecret: Uint8Array | undefined
  /** the secret before, which counts until `endsAt` */
  readonly previousSecret?: { readonly sealed: Uint8Array; readonly endsAt: number } | undefined
  /** epoch seconds */
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ClientStore {
  find(id: string): Promise<StoredClient | undefined>
  list(): Promise<StoredClient[]>
  /** Inserts or replaces, raises the version that all instances watch, and appends the event, in one transaction. */
  put(client: StoredClient, event: DwarEvent): Promise<void>
  /** Also revokes the client's grants. Says whether there was one. */
  remove(id: string, event: DwarEvent): Promise<boolean>
  /** Rises with every change of any client; instances compare it to know that their cache is old. */
  version(): Promise<number>
}

export type SigningAlg = 'RS256' | 'ES256' | 'EdDSA'

/** Who holds the private half: our vault, a file of the operator's, or a key management service. */
export type KeyHolderKind = 'sealed' | 'file' | 'transit'

export interface StoredSigningKey {
  readonly kid: string
  readonly alg: SigningAlg
  /** `next` is published, `current` signs, `retired` is published until nothing signed with it counts any more; then the row is gone */
  readonly state: 'next' | 'current' | 'retired'
  readonly holder: KeyHolderKind
  /** absent in rows that the first release made */
  readonly publicJwk: JsonWebKey | undefined
  readonly sealedPrivateJwk: Uint8Array | undefined
  /** epoch seconds, all of them; published since then */
  readonly createdAt: number
  /** of a next key: an operator wants it current from then on */
  readonly dueAt: number | undefined
  readonly activatedAt: number | undefined
  readonly retiredAt: number | undefined
  /** of a retired key: published until then */
  readonly endsAt: number | undefined
}

export type NewSigningKey = Pick<
  StoredSigningKey,
  'kid' | 'alg' | 'holder' | 'publicJwk' | 'sealedPrivateJwk' | 'createdAt'
> & { readonly state: 'next' | 'current' }

/** Every change raises the version that all instances watch, and appends its events, in one transaction. */
export interface SigningKeyStore {
  list(): Promise<StoredSigningKey[]>
  /** Of every key of that alg that there is or ever was. */
  usedKids(alg: SigningAlg): Promise<string[]>
  /** Inserts unless there is a key of that alg in that state already (another instance was faster). Says whether it did. */
  insertIfNone(key: NewSigningKey, event: DwarEvent): Promise<boolean>
  /**
   * Makes `next` current and retires `current` until `endsAt`, or takes it away at once where that is undefined. Of
   * racing callers one gets true: both keys must still stand as they were seen.
   */
  activate(
    change: {
      readonly current: string
      readonly next: string
      readonly at: number
      readonly endsAt: number | undefined
    },
    events: readonly DwarEvent[],
  ): Promise<boolean>
  /** An operator wants this next key current from then on. */
  schedule(kid: string, dueAt: number): Promise<void>
  /** Takes a retired key away when its time is over. Of racing callers one gets true. */
  removeEnded(kid: string, now: number, event: DwarEvent): Promise<boolean>
  /** Rises with every change of any key. */
  version(): Promise<number>
}

/** One journey to an upstream. Everything secret in it is hashed or sealed. */
export interface RailAttempt {
  /** UUIDv7 text */
  readonly id: string
  readonly rail: string
  readonly interactionUid: string
  readonly clientId: string
  readonly sealedState: Uint8Array
  /** epoch seconds */
  readonly expiresAt: number
  readonly usedAt: number | undefined
  /** what came of it, sealed: set after the upstream's answer was read, amended by errands */
  readonly sealedOutcome: Uint8Array | undefined
}

export interface AttemptStore {
  /**
   * Also ends what the interaction's former journeys left open at the upstream: nobody comes back to that. Says false, and
   * does nothing, when the interaction is over.
   */
  open(
    attempt: Omit<RailAttempt, 'usedAt' | 'sealedOutcome'> & { stateHash: Uint8Array; browserHash: Uint8Array },
    event: DwarEvent,
  ): Promise<boolean>
  /**
   * Marks the attempt used, once: of racing calls one gets it. Compare-and-set on state, browser, unused and unexpired.
   * When it fails, `refused` says why.
   */
  claim(
    stateHash: Uint8Array,
    browserHash: Uint8Array | undefined,
    now: number,
  ): Promise<
    { attempt: RailAttempt } | { refused: 'unknown' | 'browser' | 'used' | 'expired'; interactionUid?: string }
  >
  /** Keeps the outcome with what hangs on it and appends the events, all or nothing, once. */
  settle(id: string, settled: SettledAttempt, events: readonly DwarEvent[]): Promise<void>
  /** Puts an outcome in place of this very one, with its events. Says false when another was faster. */
  amend(id: string, before: Uint8Array, sealedOutcome: Uint8Array, events: readonly DwarEvent[]): Promise<boolean>
  /** The newest attempt of this interaction. */
  findByInteraction(interactionUid: string): Promise<RailAttempt | undefined>
  /** The newest unexpired attempt of this browser: for an upstream that came back without state. */
  findByBrowser(browserHash: Uint8Array, now: number): Promise<RailAttempt | undefined>
}

/** What came of a journey. */
export interface SettledAttempt {
  readonly sealedOutcome: Uint8Array
  /** epoch seconds: from here on the attempt lives until then */
  readonly expiresAt: number
  /** of who came back, as in {@link AccountStore} */
  readonly accountKey: Uint8Array | undefined
  /**
   * with which more may be got; kept even if the attempt is gone, since its tokens must be given back, and over from the
   * start if another journey of the same interaction has followed
   */
  readonly session: NewUpstreamSession | undefined
}

/** A model of the engine as it would be stored now. */
export interface Draft {
  readonly id: string
  readonly payload: AdapterPayload
  /** seconds */
  readonly expiresIn: number | undefined
}

/** What every decision ends: the interaction gets its result, and the journeys that led here are forgotten. */
export interface Decision {
  /** the engine's Interaction, with its result */
  readonly interaction: Draft
  readonly attemptId: string
  readonly event: DwarEvent
}

export interface Acceptance extends Decision {
  readonly account: {
    readonly id: string
    readonly key: Uint8Array
    /** of an account that does not exist yet, with the key that is made for it */
    readonly dataKey: WrappedDataKey | undefined
  }
  readonly grant: Draft
  readonly consent: Consent
  readonly sealedValues: Uint8Array
  /** epoch seconds: until then the upstream session lives, if there is one; undefined: it is given back now */
  readonly keepSessionUntil: number | undefined
}

/** Her yes to what was verified before. */
export interface EarlierAcceptance extends Omit<Acceptance, 'account' | 'attemptId' | 'keepSessionUntil'> {
  /** the consent whose values are shared again */
  readonly basedOn: string
}

/**
 * What a yes came to. `decided`: she had answered before, in another tab, or the login is over; `outdated`: what it rests
 * on has changed since it was looked for: the account was made or erased, the earlier consent withdrawn. Nothing is
 * written then.
 */
export type AcceptOutcome = 'accepted' | 'decided' | 'outdated'

/**
 * How a login ends on our pages. Each method is one statement: all of it is written, or nothing; and of all answers to
 * one interaction one is.
 */
export interface DecisionStore {
  /** Writes her yes: account, data key, grant, consent, values, event and result. */
  accept(acceptance: Acceptance): Promise<AcceptOutcome>
  /** Writes her yes to what was verified before: the same without a journey, under the account that she has. */
  acceptEarlier(acceptance: EarlierAcceptance): Promise<AcceptOutcome>
  /** Ends a journey without a consent: her no, or her way to her own page. Says false when it was answered before. */
  close(decision: Decision): Promise<boolean>
  /** Ends a login without a journey to decide on. Says false when she had answered before. */
  leave(interaction: Draft, event: DwarEvent): Promise<boolean>
}
