import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { AppError, type ErrorCode, RailError } from '../errors.ts'
import type { Rail, RailSession } from '../rails/rail.ts'
import type { Vault } from '../vault/vault.ts'
import type { NewUpstreamSession, StoredUpstreamSession, UpstreamSessionStore } from './stores.ts'

export interface UpstreamParts {
  readonly sessions: UpstreamSessionStore
  readonly vault: Vault
  readonly rails: ReadonlyMap<string, Rail>
  readonly clock: Clock
  /** keeps the tokens after consent, until the grant or the upstream's consent ends; else they are given back at once */
  readonly keepAfterConsent: boolean
  /** told of tokens that could not be given back */
  readonly warn: (code: ErrorCode) => void
  readonly sleep?: (ms: number) => Promise<unknown>
}

/** A token this close to its end is renewed first: a slow upstream must not outlast it. Seconds */
const MARGIN = 60
/** How long one instance may take to renew before another tries. Seconds; above the timeout of a token request */
const LEASE = 30
const WAIT_MS = 100
/** Given up after this time: the tokens have ended by themselves then. Seconds */
const GIVE_BACK_FOR = 86_400

const placeOf = (row: string) => ({ table: 'upstream_session', column: 'sealed', row })

/**
 * What the upstream let us have, from the callback to the end of its purpose: sealed, renewed by one caller for all, given
 * back when the person has decided, when she withdraws, and at the upstream's own end of consent at the latest.
 * Sealed under the system's key on purpose: after an erasure the tokens must still be given back.
 * @see digilocker-api.md §6.4; RFC 9700 §4.14
 */
export function createUpstream(parts: UpstreamParts) {
  const { sessions, vault, clock } = parts

  const seal = (id: string, session: RailSession) => vault.seal('system', placeOf(id), JSON.stringify(session))
  const unseal = async ({ id, sealed }: StoredUpstreamSession): Promise<RailSession> =>
    JSON.parse((await vault.open('system', placeOf(id), sealed)).toString('utf8')) as RailSession

  /** Seals what is to be stored with the outcome of its journey. @param endsAt epoch seconds: when nobody will come for it any more */
  async function draft(id: string, rail: string, session: RailSession, endsAt: number): Promise<NewUpstreamSession> {
    return {
      rail,
      sealed: await seal(id, session),
      accessEndsAt: session.tokens.expiresAt,
      endsAt: Math.min(endsAt, session.endsAt ?? endsAt),
    }
  }

  /**
   * Acts with a session whose access token is good: renewed before its end, and once more when the upstream says that it
   * is good no longer. Of callers in any number of processes one renews, the others wait for what it got.
   * @throws RailError RAIL_EXPIRED when the session has ended, RAIL_UNAUTHORIZED when only the person can go on
   */
  async function use<T>(id: string, act: (rail: Rail, session: RailSession) => Promise<T>): Promise<T> {
    const first = await fresh(id)
    try {
      return await act(railOf(first.rail), await unseal(first))
    } catch (error) {
      if (!(error instanceof RailError && error.code === 'RAIL_UNAUTHORIZED')) throw error
      const second = await fresh(id, first.generation + 1)
      return act(railOf(second.rail), await unseal(second))
    }
  }

  /** @param generation the least that will do: a later one has been renewed by somebody */
  async function fresh(id: string, generation = 0): Promise<StoredUpstreamSession> {
    const giveUpAt = clock() + LEASE
    for (let round = 0; round < (LEASE * 1000) / WAIT_MS && clock() <= giveUpAt; round += 1) {
      const stored = await sessions.find(id, clock())
      if (!stored) throw new RailError('RAIL_EXPIRED', 'the upstream session has ended')
      if (stored.generation >= generation && stored.accessEndsAt - clock() > MARGIN) return stored
      if (await sessions.lease(id, stored.generation, clock(), clock() + LEASE)) await renew(stored)
      else await (parts.sleep ?? pause)(WAIT_MS)
    }
    throw new RailError('RAIL_TIMEOUT', 'the upstream session was not renewed in time')
  }

  async function renew(stored: StoredUpstreamSession): Promise<void> {
    const session = await unseal(stored)
    try {
      const tokens = await railOf(stored.rail).refresh(session.tokens)
      const sealed = await seal(stored.id, { ...session, tokens })
      await sessions.replace(stored.id, stored.generation, { sealed, accessEndsAt: tokens.expiresAt })
    } catch (error) {
      // Good no longer: there is nothing left to give back either.
      if (error instanceof RailError && error.code === 'RAIL_UNAUTHORIZED') await sessions.remove(stored.id)
      else await sessions.release(stored.id, stored.generation)
      throw error
    }
  }

  /** After her yes: how long it is kept. @param endsAt epoch seconds, of what she agreed to */
  const keepUntil = (endsAt: number): number | undefined => (parts.keepAfterConsent ? endsAt : undefined)

  /** Nothing more is wanted of it: `giveBackEnded` does the rest. */
  const end = (id: string): Promise<void> => sessions.end(id, clock())

  /** Gives back what has ended, `limit` at most. What the upstream does not take now is tried again for a day. */
  async function giveBackEnded(limit: number): Promise<number> {
    const ended = await sessions.takeEnded(clock(), clock() + LEASE, limit)
    await Promise.all(ended.map(giveBack))
    return ended.length
  }

  async function giveBack(stored: StoredUpstreamSession): Promise<void> {
    try {
      await railOf(stored.rail).giveBack((await unseal(stored)).tokens)
    } catch (error) {
      parts.warn(error instanceof AppError ? error.code : 'UNEXPECTED')
      if (isPassing(error) && clock() < stored.endsAt + GIVE_BACK_FOR) return
    }
    await sessions.remove(stored.id)
  }

  function railOf(id: string): Rail {
    const rail = parts.rails.get(id)
    if (!rail) throw new RailError('RAIL_MISCONFIGURED', 'there is no such rail')
    return rail
  }

  return { draft, use, keepUntil, end, giveBackEnded }
}

export type Upstream = ReturnType<typeof createUpstream>

/** An upstream that is away will be back; one that refuses the token has ended it already. */
const isPassing = (error: unknown): boolean =>
  error instanceof RailError && ['RAIL_UNAVAILABLE', 'RAIL_TIMEOUT', 'RAIL_RATE_LIMITED'].includes(error.code)
