import type { ConsentItem } from './consent.ts'
import type { EventBody } from './event.ts'

/** One consent of a person, with what became of it. */
export interface Sharing {
  readonly consentId: string
  readonly clientId: string
  readonly items: readonly ConsentItem[]
  /** epoch seconds */
  readonly givenAt: number
  readonly retainUntil: number
  /** the app can still use it */
  readonly active: boolean
  /** why its grant ended before its time, and when, in epoch seconds */
  readonly ending?: { readonly reason: RevocationReason | 'withdrawn'; readonly at: number } | undefined
}

type RevocationReason = Extract<EventBody, { type: 'grant.revoked' }>['reason']

/** What a person shared, for herself. */
export interface SharingStore {
  /** Newest first, `limit` at most. @param now epoch seconds */
  list(accountId: string, now: number, limit: number): Promise<Sharing[]>
  /**
   * Takes back everything that was agreed to for this app: its grants with all their tokens, the values kept for it, and
   * an event for each consent, in one transaction, with the note that the app is to be told. Says how many consents that ended.
   */
  withdraw(accountId: string, clientId: string): Promise<number>
}

export type EndReason =
  /** the person took it back here */
  | 'withdrawn'
  /** a used token came back: somebody may have copied it */
  | 'copied'
  /** the app gave it up, or the person signed out */
  | 'signed-out'
  /** it lasted as long as was agreed */
  | 'over'
  /** by the operator, or nobody can tell any more */
  | 'ended'

export interface Ending {
  readonly reason: EndReason
  /** epoch seconds; undefined where nobody can tell */
  readonly at: number | undefined
}

/** What one app has of a person. */
export interface SharedWithApp {
  readonly clientId: string
  readonly active: boolean
  /** names of claims, of what is active; of the last consent where nothing is */
  readonly claims: readonly string[]
  /** epoch seconds */
  readonly since: number
  readonly until: number
  /** of the last consent, where nothing is active */
  readonly ending: Ending | undefined
  /** the last time that a used token of this app came back, epoch seconds: told even when she has signed in again since */
  readonly copiedAt: number | undefined
}

/** The consents of a person by app: active ones first, then the last ones to have been given. */
export function toApps(sharings: readonly Sharing[]): SharedWithApp[] {
  const byClient = Map.groupBy(sharings, ({ clientId }) => clientId)
  const apps = [...byClient].map(([clientId, ofClient]) => toApp(clientId, ofClient))
  return apps.toSorted((a, b) => Number(b.active) - Number(a.active))
}

function toApp(clientId: string, sharings: readonly Sharing[]): SharedWithApp {
  const active = sharings.filter((one) => one.active)
  const told = active.length > 0 ? active : sharings.slice(0, 1)
  const shared = told.flatMap(({ items }) => items.filter((item) => item.shared).map((item) => item.claim))
  const copies = sharings.flatMap(({ ending }) => (ending?.reason === 'reuse' ? [ending.at] : []))
  const [last] = sharings
  return {
    clientId,
    active: active.length > 0,
    claims: [...new Set(shared)],
    since: Math.min(...told.map(({ givenAt }) => givenAt)),
    until: Math.max(...told.map(({ retainUntil }) => retainUntil)),
    ending: active.length > 0 || !last ? undefined : toEnding(last),
    copiedAt: copies.length > 0 ? Math.max(...copies) : undefined,
  }
}

const REASONS: Readonly<Record<NonNullable<Sharing['ending']>['reason'], EndReason>> = {
  withdrawn: 'withdrawn',
  reuse: 'copied',
  client: 'signed-out',
  logout: 'signed-out',
  other: 'ended',
}

/** Without an event nothing ended it but its time. */
function toEnding({ ending, retainUntil }: Sharing): Ending {
  return ending ? { reason: REASONS[ending.reason], at: ending.at } : { reason: 'over', at: retainUntil }
}
