import type { Provider } from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { LogoutDelivery, LogoutStore } from './stores.ts'

/** The engine's own call: signs a logout token and posts it, once, within 2.5 s. */
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

const LEASE = 30
const FIRST_PAUSE = 5
const LONGEST_PAUSE = 3600

export interface LogoutDeliveryParts {
  readonly store: LogoutStore
  /** the engine in use: it signs with the key of the moment */
  readonly provider: () => Provider
  /** an app could not be told this time */
  readonly warn: (clientId: string, error: unknown) => void
  readonly clock: Clock
  /** 0 up to 1 */
  readonly random: () => number
}

/** Tells relying apps that a person signed out, again and again for a day, with pauses that grow. */
export function createLogoutDeliveries({ store, provider, warn, clock, random }: LogoutDeliveryParts) {
  /** Takes `limit` at most that are due. @returns how many it took */
  async function deliverDue(limit: number): Promise<number> {
    const due = await store.takeDue(clock(), clock() + LEASE, limit)
    await Promise.all(due.map(deliver))
    return due.length
  }

  async function deliver(delivery: LogoutDelivery): Promise<void> {
    const client = await provider().Client.find(delivery.clientId)
    if (!client?.backchannelLogoutUri) return undeliverable(delivery, 'client')
    if (await tell(client, delivery)) return settle(delivery, { type: 'logout.delivered', attempts: delivery.attempts })
    const dueAt = clock() + pauseAfter(delivery.attempts)
    if (dueAt < delivery.endsAt) await store.postpone(delivery.id, dueAt)
    else await undeliverable(delivery, 'refused')
  }

  /** Each time a new token: `iat`, `exp` and `jti` are of now (§2.4). */
  async function tell(client: EngineClient, { accountId, sid }: LogoutDelivery): Promise<boolean> {
    const call = tellers.get(provider())
    if (!call) throw new TypeError('the engine in use was not built by createIssuer')
    try {
      await call.call(client, accountId, sid)
      return true
    } catch (error) {
      // Whatever it is, it is the app's to mend, and is tried again.
      warn(client.clientId, error)
      return false
    }
  }

  /** Doubles up to an hour; spread, so that apps that failed together are not asked together. */
  const pauseAfter = (attempts: number): number =>
    Math.ceil(Math.min(FIRST_PAUSE * 2 ** attempts, LONGEST_PAUSE) * (0.5 + random() / 2))

  const undeliverable = (delivery: LogoutDelivery, reason: 'client' | 'refused') =>
    settle(delivery, { type: 'logout.undeliverable', attempts: delivery.attempts, reason })

  const settle = ({ id, clientId, accountId }: LogoutDelivery, body: Parameters<LogoutStore['settle']>[1]['body']) =>
    store.settle(id, { body, clientId, accountId })

  return { deliverDue }
}

export type LogoutDeliveries = ReturnType<typeof createLogoutDeliveries>
