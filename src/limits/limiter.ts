import type { Clock } from '../clock.ts'

export const WINDOW_SECONDS = 60

/** What one instance has counted of one subject in one minute. */
export interface Count {
  /** keyed hash of the subject */
  readonly key: string
  /** epoch seconds at which the minute ends */
  readonly endsAt: number
  readonly hits: number
}

export interface CountStore {
  /** Adds to what all instances have counted, and says what that makes, in the same order. One statement. */
  add(counts: readonly Count[]): Promise<number[]>
  /** Forgets minutes that ended before. */
  removeEnded(before: number): Promise<void>
}

export interface LimiterParts {
  readonly store: CountStore
  /** the same subject gives the same short text everywhere, and nobody can tell the subject from it */
  readonly hash: (subject: string) => string
  readonly clock: Clock
  /** the store is away, or back again */
  readonly onStore: (state: 'away' | 'back', error?: unknown) => void
}

export interface Limiter {
  /** Seconds until the subject may go on, or undefined while it is within the limit. Counts nothing. */
  wait(subject: string, perMinute: number): number | undefined
  count(subject: string): void
  /** Exchanges counts with the other instances. Never fails. */
  flush(): Promise<void>
  removeEnded(): Promise<void>
}

interface Entry {
  readonly endsAt: number
  /** of all instances, as of the last exchange */
  shared: number
  /** of this one since then */
  fresh: number
}

/** So that a flood of addresses fills no memory; what is beyond is counted no more until the next minute. */
const MAX_ENTRIES = 200_000
const BATCH = 5000

export function createLimiter({ store, hash, clock, onStore }: LimiterParts): Limiter {
  let entries = new Map<string, Entry>()
  let endsAt = 0
  let away = false
  let flushing: Promise<void> | undefined

  /** The present minute's entries. Counts of a minute that is over help nobody. */
  function present(): Map<string, Entry> {
    const end = (Math.floor(clock() / WINDOW_SECONDS) + 1) * WINDOW_SECONDS
    if (end !== endsAt) entries = new Map()
    endsAt = end
    return entries
  }

  async function exchange(): Promise<void> {
    const fresh = [...present()].filter(([, entry]) => entry.fresh > 0)
    for (let at = 0; at < fresh.length; at += BATCH) await exchangeSome(fresh.slice(at, at + BATCH))
  }

  async function exchangeSome(some: readonly [string, Entry][]): Promise<void> {
    // In one order everywhere, so that two instances never wait for each other's rows.
    const sorted = some.toSorted(([a], [b]) => (a < b ? -1 : 1))
    const sent = sorted.map(([key, entry]) => ({ key, endsAt: entry.endsAt, hits: entry.fresh }))
    const totals = await store.add(sent)
    for (const [index, [, entry]] of sorted.entries()) {
      entry.fresh -= sent[index]?.hits ?? 0
      entry.shared = totals[index] ?? entry.shared
    }
  }

  return {
    wait(subject, perMinute) {
      const entry = present().get(hash(subject))
      return entry && entry.shared + entry.fresh >= perMinute ? Math.max(1, endsAt - clock()) : undefined
    },
    count(subject) {
      const key = hash(subject)
      const known = present().get(key)
      if (known) known.fresh += 1
      else if (entries.size < MAX_ENTRIES) entries.set(key, { endsAt, shared: 0, fresh: 1 })
    },
    async flush() {
      flushing ??= exchange()
        .then(
          () => {
            if (away) onStore('back')
            away = false
          },
          (error: unknown) => {
            // Open on purpose: each instance goes on counting for itself (security.md SE-5).
            if (!away) onStore('away', error)
            away = true
          },
        )
        .finally(() => {
          flushing = undefined
        })
      await flushing
    },
    removeEnded: () => store.removeEnded(clock() - WINDOW_SECONDS),
  }
}
