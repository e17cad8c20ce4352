import type { Provider } from 'oidc-provider'
import type { Clock } from '../clock.ts'
import { AppError } from '../errors.ts'
import { createAppRests, PER_APP, pauseAfter } from './app-rests.ts'
import type { LogoutDelivery, LogoutStore } from './stores.ts'

/** The engine's own call: signs a logout token and posts it, once, within 2.5 s, following no redirect. */
type Tell = (this: EngineClient, accountId: string, sid: string | undefined) => Promise<void>
type EngineClient = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>

const tellers = new WeakMap<Provider, Tell>()

/**
 * Puts a note in place of the engine's call inside the request: it is stored by the statement that ends the session, and
 * delivered by {@link createLogoutDeliveries} (OpenID Connect Back-Channel Logout 1.0 §2.5).
 */
export function noteLogouts(provider: Provider, note: LogoutStore['note']): void {
  const client = provider.Client.prototype as unknown as { backchannelLogout: Tell }
  tellers.set(provider, client.backchannelLogout)
  client.backchannelLogout = async function (accountId, sid) {
    note({ clientId: this.clientId, accountId, sid })
  }
}

/** Calls to apps at once, from one process. */
const SLOTS = 16
/** Seconds; a call takes 2.5 at most, and a signature that is made elsewhere 30 (`DWAR_TRANSIT_TIMEOUT_MS`). */
const LEASE = 60
const LONGEST_PAUSE = 3600
/**
 * 400 is the app's considered answer: the token is invalid, which no other try mends, or it could not sign her out (§2.8),
 * which may pass. So it is asked a few times, and not for a day.
 */
const TRIES_AT_400 = 3
const GIVEN_UP_AT_ONCE = 500

/** What came of one try, or of a delivery as a whole. */
export type LogoutOutcome =
  | { readonly kind: 'delivered' }
  /** `status`: it answered otherwise than 200 or 204; `unreachable`: it did not; `ours`: it was not asked, or that it was is not written down */
  | {
      readonly kind: 'failed'
      readonly reason: 'status' | 'unreachable' | 'ours'
      readonly clientId: string
      readonly status?: number
      readonly error?: unknown
    }
  /** It will not be told. */
  | { readonly kind: 'given-up'; readonly reason: GivenUp; readonly clientId: string; readonly attempts: number }

/** `client`: gone, or without an address; `refused`: it answers 400; `ended`: not told for a day */
export type GivenUp = 'client' | 'refused' | 'ended'

type Failure = Omit<Extract<LogoutOutcome, { kind: 'failed' }>, 'kind' | 'clientId'>

export interface LogoutDeliveryParts {
  readonly store: LogoutStore
  /** the engine in use: it signs with the key of the moment */
  readonly provider: () => Provider
  readonly onOutcome: (outcome: LogoutOutcome) => void
  readonly clock: Clock
  /** 0 up to 1 */
  readonly random: () => number
}

/**
 * Tells relying apps that a person signed out, again and again for a day, with pauses that grow. A few of each app at a time,
 * and one that cannot be reached rests for a while, so that none keeps the others waiting.
 */
export function createLogoutDeliveries({ store, provider, onOutcome, clock, random }: LogoutDeliveryParts) {
  const rests = createAppRests(clock, random)
  const open = new Set<Promise<void>>()
  let working: Promise<void> | undefined
  let bell = Promise.withResolvers<void>()
  let stopped = false

  /** Starts what is due and there is room for. @returns when all that is due has been tried */
  function deliverDue(): Promise<void> {
    bell.resolve()
    working ??= work().finally(() => {
      working = undefined
    })
    return working
  }

  async function work(): Promise<void> {
    try {
      for (;;) {
        bell = Promise.withResolvers()
        await fill()
        if (open.size === 0) return
        await Promise.race([bell.promise, ...open])
      }
    } finally {
      await Promise.all(open)
    }
  }

  async function fill(): Promise<void> {
    const room = stopped ? 0 : SLOTS - open.size
    if (room === 0) return
    for (const delivery of await store.takeDue(clock(), clock() + LEASE, room, PER_APP, rests.busy())) start(delivery)
  }

  function start(delivery: LogoutDelivery): void {
    rests.began(delivery.clientId)
    const done = deliver(delivery).finally(() => {
      rests.ended(delivery.clientId)
      open.delete(done)
    })
    open.add(done)
  }

  /** Whatever happens to one delivery is its own matter. */
  async function deliver(delivery: LogoutDelivery): Promise<void> {
    const failure = await attempt(delivery).catch((error: unknown): Failure => ({ reason: 'ours', error }))
    if (!failure) return
    fail(delivery, failure)
    if (failure.status === 400) rests.reached(delivery.clientId)
    else if (failure.reason !== 'ours') rests.missed(delivery.clientId)
    const dueAt = clock() + pauseAfter(delivery.attempts, LONGEST_PAUSE, random)
    // Where it cannot be given back its lease ends by itself.
    await store.postpone(delivery, dueAt).catch((error: unknown) => fail(delivery, { reason: 'ours', error }))
  }

  async function attempt(delivery: LogoutDelivery): Promise<Failure | undefined> {
    const engine = provider()
    const client = await engine.Client.find(delivery.clientId)
    if (!client?.backchannelLogoutUri) {
      rests.reached(delivery.clientId)
      await giveUp(delivery, 'client')
      return undefined
    }
    const failure = await tell(engine, client, delivery)
    if (!failure) {
      await delivered(delivery)
      return undefined
    }
    if (failure.status !== 400 || delivery.attempts < TRIES_AT_400) return failure
    await giveUp(delivery, 'refused')
    return undefined
  }

  async function delivered(delivery: LogoutDelivery): Promise<void> {
    rests.reached(delivery.clientId)
    if (await settle(delivery, { type: 'logout.delivered', attempts: delivery.attempts }))
      onOutcome({ kind: 'delivered' })
  }

  async function giveUp(delivery: LogoutDelivery, reason: GivenUp): Promise<void> {
    const { clientId, attempts } = delivery
    if (await settle(delivery, { type: 'logout.undeliverable', attempts, reason }))
      onOutcome({ kind: 'given-up', reason, clientId, attempts })
  }

  const settle = (delivery: LogoutDelivery, body: Parameters<LogoutStore['settle']>[1]['body']) =>
    store.settle(delivery, { body })

  const fail = ({ clientId }: LogoutDelivery, failure: Failure) => onOutcome({ kind: 'failed', clientId, ...failure })

  /** Gives up what could not be told for a day. One that cannot even be given up is reported each time. */
  async function giveUpEnded(): Promise<void> {
    for (const delivery of await store.findEnded(clock(), GIVEN_UP_AT_ONCE))
      await giveUp(delivery, 'ended').catch((error: unknown) => fail(delivery, { reason: 'ours', error }))
  }

  return {
    deliverDue,
    giveUpEnded,
    /** Nothing is begun any more. */
    stop() {
      stopped = true
    },
  }
}

export type LogoutDeliveries = ReturnType<typeof createLogoutDeliveries>

/** Each time a new token: `iat`, `exp` and `jti` are of now (§2.4). */
async function tell(engine: Provider, client: EngineClient, { accountId, sid }: LogoutDelivery) {
  const call = tellers.get(engine)
  if (!call) throw new TypeError('the engine in use was not built by createIssuer')
  try {
    await call.call(client, accountId, sid)
    return undefined
  } catch (error) {
    return toFailure(error)
  }
}

function toFailure(error: unknown): Failure {
  // Such as a key that its holder does not lend: the app was not asked.
  if (error instanceof AppError) return { reason: 'ours', error }
  const response = error instanceof Error && 'response' in error ? error.response : undefined
  return response instanceof Object && 'status' in response
    ? { reason: 'status', status: Number(response.status) }
    : { reason: 'unreachable', error }
}
