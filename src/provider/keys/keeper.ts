import type { Clock } from '../../clock.ts'
import { AdminError, KeyError } from '../../errors.ts'
import type { SigningAlg, SigningKeyStore, StoredSigningKey } from '../stores.ts'
import { signingAlgs } from './algorithms.ts'
import type { KeyHolder } from './key-holder.ts'
import { type KeySchedule, PROPAGATION_SECONDS, retirementSeconds } from './schedule.ts'

export interface KeyKeeperParts {
  readonly store: SigningKeyStore
  /** makes the keys that are made from now on */
  readonly holder: KeyHolder
  readonly schedule: KeySchedule
  readonly clock: Clock
  /** waits, in seconds: for an emergency without a published key at hand */
  readonly pause: (seconds: number) => Promise<void>
  /** the keys have changed through this very instance */
  readonly onChange: () => void
}

/** A signing key as an operator may see it. Times are ISO 8601. */
export interface ShownKey {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: StoredSigningKey['state']
  readonly holder: string
  readonly publishedAt: string
  readonly signsFrom?: string
  readonly signedUntil?: string
  readonly publishedUntil?: string
}

export interface RotateRequest {
  readonly alg?: string | undefined
  /** the current key may be in the wrong hands: it is taken away at once, and with it every token's proof */
  readonly now?: boolean | undefined
}

/**
 * The life of signing keys: next, current, retired, gone; for each algorithm by itself. What happens is decided by one
 * compare-and-set in the store, so any number of instances may take their turn at the same time.
 */
export function createKeyKeeper(parts: KeyKeeperParts) {
  const { store, holder, schedule, clock } = parts

  /** A current key for every algorithm: made at the very first start. @throws KeyError KEY_HOLDER_UNAVAILABLE */
  async function ensureCurrent(): Promise<void> {
    const stored = await store.list()
    await Promise.all(signingAlgs.filter((alg) => !find(stored, alg, 'current')).map((alg) => makeFirst(alg)))
  }

  /** What the clock asks for. Each algorithm for itself: one that fails does not stop the others. */
  async function turn(): Promise<void> {
    const stored = await store.list()
    const done = await Promise.allSettled([
      ...signingAlgs.map((alg) => turnOf(alg, stored)),
      ...stored.filter(({ state }) => state === 'retired').map(removeIfEnded),
    ])
    const failed = done.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
  }

  async function turnOf(alg: SigningAlg, stored: readonly StoredSigningKey[]): Promise<void> {
    const current = find(stored, alg, 'current')
    const next = find(stored, alg, 'next')
    if (!next) await make(alg, 'next')
    else if (current && isDue(current, next))
      await activate(current, next, next.dueAt === undefined ? 'schedule' : 'operator')
  }

  const isDue = (current: StoredSigningKey, next: StoredSigningKey): boolean =>
    readyAt(next) <= clock() && (next.dueAt ?? signsSince(current) + schedule.rotateEverySeconds) <= clock()

  const readyAt = (next: StoredSigningKey): number => next.createdAt + schedule.leadSeconds

  /**
   * Rotates by hand: at once where the next key has been published for long enough, else as soon as it has. With `now`
   * the current key is withdrawn, and the next signs as soon as every instance of ours publishes it.
   * @throws AdminError REQUEST_INVALID; KeyError KEY_HOLDER_UNAVAILABLE
   */
  async function rotate({ alg, now = false }: RotateRequest = {}): Promise<ShownKey[]> {
    for (const one of chosen(alg)) await (now ? withdraw(one) : advance(one))
    return list()
  }

  async function advance(alg: SigningAlg): Promise<void> {
    const { current, next } = await standing(alg)
    if (readyAt(next) <= clock()) await activate(current, next, 'operator')
    else await changed(store.schedule(next.kid, readyAt(next)))
  }

  async function withdraw(alg: SigningAlg): Promise<void> {
    const { current, next } = await standing(alg)
    const wait = next.createdAt + PROPAGATION_SECONDS - clock()
    if (wait > 0) await parts.pause(wait)
    const { kid } = current
    const won = await store.activate({ current: kid, next: next.kid, at: clock(), endsAt: undefined }, [
      { body: { type: 'signing_key.removed', kid, alg, reason: 'withdrawn' } },
      { body: { type: 'signing_key.activated', kid: next.kid, alg, by: 'operator' } },
    ])
    parts.onChange()
    if (!won)
      throw new AdminError('REQUEST_INVALID', `the ${alg} keys were changed by somebody else meanwhile: look again`)
    await make(alg, 'next')
  }

  /** The current and the next key; the next is made where there is none. */
  async function standing(alg: SigningAlg): Promise<{ current: StoredSigningKey; next: StoredSigningKey }> {
    const stored = await store.list()
    const current = find(stored, alg, 'current')
    if (!current) throw new AdminError('REQUEST_INVALID', `there is no current ${alg} key`)
    if (!find(stored, alg, 'next')) await make(alg, 'next')
    const next = find(await store.list(), alg, 'next')
    if (!next)
      throw new AdminError('REQUEST_INVALID', `there is no ${alg} key after the current one: put one into the key file`)
    return { current, next }
  }

  async function makeFirst(alg: SigningAlg): Promise<void> {
    if (!(await make(alg, 'current')))
      throw new KeyError('KEY_HOLDER_UNAVAILABLE', `there is no ${alg} key to begin with that was not used before`)
  }

  /** @returns whether there was one to be had */
  async function make(alg: SigningAlg, state: 'next' | 'current'): Promise<boolean> {
    const made = await holder.make(alg, await store.usedKids(alg))
    if (!made) return false
    const key = { ...made, alg, state, holder: holder.kind, createdAt: clock() }
    const body = { type: 'signing_key.created', kid: made.kid, alg, holder: holder.kind } as const
    await changed(store.insertIfNone(key, { body }))
    return true
  }

  async function activate(
    current: StoredSigningKey,
    next: StoredSigningKey,
    by: 'schedule' | 'operator',
  ): Promise<void> {
    const at = clock()
    const { alg } = current
    const won = await changed(
      store.activate({ current: current.kid, next: next.kid, at, endsAt: at + retirementSeconds }, [
        { body: { type: 'signing_key.retired', kid: current.kid, alg, by } },
        { body: { type: 'signing_key.activated', kid: next.kid, alg, by } },
      ]),
    )
    // The one after it is published from now on, so that an emergency finds one that everybody knows.
    if (won) await make(alg, 'next')
  }

  async function removeIfEnded({ kid, alg, endsAt }: StoredSigningKey): Promise<void> {
    const now = clock()
    if (endsAt === undefined || endsAt > now) return
    await changed(store.removeEnded(kid, now, { body: { type: 'signing_key.removed', kid, alg, reason: 'ended' } }))
  }

  async function changed<T>(change: Promise<T>): Promise<T> {
    const result = await change
    parts.onChange()
    return result
  }

  async function list(): Promise<ShownKey[]> {
    const stored = await store.list()
    return stored.toSorted(inOrder).map((key) => show(key, stored))
  }

  function show(key: StoredSigningKey, stored: readonly StoredSigningKey[]): ShownKey {
    const { kid, alg, state, holder: heldBy } = key
    const current = find(stored, alg, 'current')
    const planned = key.dueAt ?? (current ? signsSince(current) + schedule.rotateEverySeconds : undefined)
    const signsFrom = state === 'next' ? planned && Math.max(planned, readyAt(key)) : signsSince(key)
    return {
      kid,
      alg,
      state,
      holder: heldBy,
      publishedAt: iso(key.createdAt),
      ...(signsFrom !== undefined && { signsFrom: iso(signsFrom) }),
      ...(key.retiredAt !== undefined && { signedUntil: iso(key.retiredAt) }),
      ...(key.endsAt !== undefined && { publishedUntil: iso(key.endsAt) }),
    }
  }

  return { ensureCurrent, turn, rotate, list }
}

export type KeyKeeper = ReturnType<typeof createKeyKeeper>

/** Keys of the first release have no such time: they sign since they were made. */
export const signsSince = ({ activatedAt, createdAt }: StoredSigningKey): number => activatedAt ?? createdAt

/**
 * The order in which they are shown and published: `current` signs and stands first; `next` and `retired` are only
 * published, so that tokens made before and after a change verify.
 */
export const inOrder = (a: StoredSigningKey, b: StoredSigningKey): number => rank(a) - rank(b)

const rank = ({ state, alg }: StoredSigningKey): number =>
  ['current', 'next', 'retired'].indexOf(state) * signingAlgs.length + signingAlgs.indexOf(alg)

const find = (keys: readonly StoredSigningKey[], alg: SigningAlg, state: StoredSigningKey['state']) =>
  keys.find((key) => key.alg === alg && key.state === state)

function chosen(alg: string | undefined): readonly SigningAlg[] {
  const found = signingAlgs.filter((one) => alg === undefined || one === alg)
  if (found.length === 0) throw new AdminError('REQUEST_INVALID', `alg must be one of ${signingAlgs.join(', ')}`)
  return found
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString()
