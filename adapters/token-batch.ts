import type { ServerResponse } from 'node:http'
import { errors } from 'oidc-provider'
import type { DwarEvent, EventBody } from '../src/privacy/event.ts'
import type { Database } from './database.ts'
import { toEventRows } from './event-rows.ts'
import { hashId, type OidcAdapterParts } from './oidc-parts.ts'
import type { RepeatRow } from './oidc-repeat.ts'
import { UPSERT_SESSION } from './oidc-session-sql.ts'
import { STORE_REQUEST } from './oidc-sql.ts'
import type { RequestMemo } from './request-memo.ts'
import { sqlState } from './statement-guard.ts'

/** A row of `oidc_model` on its way; bytes as hexadecimal (id) and base64 (sealed). */
export type PendingRow = Readonly<Record<string, string | number | object | null>>

export interface PendingSession {
  /** of the id that the browser is given */
  readonly hash: Buffer
  /** of the id it was read under: another, where it gets a new one */
  readonly from: Buffer
  readonly payload: object
  readonly uid: string | null
  readonly accountId: string | null
  /** epoch seconds */
  readonly expiresAt: number | null
  /** authorizations that this request changed, and those it removed */
  readonly changed: object
  readonly removed: readonly string[]
  /** UUIDv7 */
  readonly made: string
  /** its uid, where the request has read it: whatever ended it since stands */
  readonly standing: string | null
  /** somebody signs in by this request: then it may begin anew */
  readonly anew: boolean
  /** apps to be told that it goes on without them, as JSON */
  readonly deliveries: string
  /** nobody is signed in, and no page waits: there is nothing to remember */
  readonly empty: boolean
}

/** What the engine has stored in this request and the database has not. `alone` does it without the rest. */
export interface PendingWrites {
  readonly tokens: PendingRow[]
  readonly events: DwarEvent[]
  session?: PendingSession
  /** an interaction that is over */
  ended?: { readonly hash: Buffer; alone(): Promise<void> }
  /** a code that was redeemed, or a refresh token that was rotated */
  spent?: PendingSpending
}

export interface PendingSpending {
  readonly model: string
  readonly hash: Buffer
  readonly grantId: string | null
  /** when its grant ends, epoch seconds */
  readonly grantEnds: number | null
  /** epoch seconds */
  readonly at: number
  readonly event: EventBody
  /** @throws errors.InvalidGrant to whoever comes second, unless it may have the first one's answer */
  alone(): Promise<void>
}

/** What is needed of a Koa context. */
interface Exchange {
  status: number
  body: unknown
  readonly res?: Headers
}

type Headers = Pick<ServerResponse, 'getHeader' | 'setHeader'>

/** Koa middleware, to be used before the engine's routes. */
export type TokenBatch = (ctx: Exchange, next: () => Promise<unknown>) => Promise<void>

type BatchParts = Pick<OidcAdapterParts, 'database' | 'clock'> & { readonly memo: RequestMemo }

/**
 * Stores what one request issues in one statement, before its response leaves: tokens with the code or refresh token that
 * was spent for them, or a code with the session and the end of its interaction. Nobody can present a token before it is stored,
 * because nobody has it yet; of a request that failed none is stored. Of racing uses the first that gets here succeeds,
 * and the others store nothing (RFC 6749 §4.1.2, RFC 9700 §4.14.2). When the grant was revoked meanwhile the client is
 * told `invalid_grant`; but not when it was revoked because another request presented a token that this one had spent at
 * once: then this one did succeed, and gets tokens that are dead on arrival, as if the other had come a moment later.
 *
 * A refresh that its client may repeat is stored with its answer, and a repetition is answered with that.
 * Of two requests that resume one interaction one issues a code. A session that ended while this request ran stays ended:
 * no code comes of it, and the browser is not given its cookie again.
 * @throws errors.InvalidGrant where no client waits for JSON; errors.SessionNotFound to the second that resumes, and to
 *   whose session has ended
 */
export function createTokenBatch(parts: BatchParts): TokenBatch {
  return async (ctx, next) => {
    const notes = parts.memo(ctx)
    const writes: PendingWrites = { tokens: [], events: [] }
    if (notes) notes.writes = writes
    try {
      await next()
      if (notes?.answer) Object.assign(ctx, notes.answer)
      // By a fault of ours nothing was given for it: spent, it would make the client who asks again a thief.
      if (ctx.status >= 500) delete writes.spent
      const answer = ctx.status < 400 && writes.tokens.length > 0 ? await notes?.keepAnswer?.(ctx.body) : undefined
      // Here the engine's own context has ended: what is stored alone finds the notes of this request all the same.
      await parts.memo.during(ctx, () =>
        ctx.status < 400 && writes.tokens.length > 0
          ? store(parts, writes, answer, ctx)
          : storeApart(parts, writes, ctx),
      )
    } catch (error) {
      if (!(error instanceof errors.InvalidGrant) || leavesByRedirect(writes)) throw error
      const refusal = { error: error.error, error_description: error.error_description }
      Object.assign(ctx, notes?.answer ?? { status: error.statusCode, body: refusal })
    }
  }
}

/** A code: a browser waits for it, not a program for JSON. */
const leavesByRedirect = ({ tokens }: PendingWrites) => tokens.some(({ model }) => model === 'AuthorizationCode')

/** Nothing was issued, or nothing may be: what else the request did still stands. */
async function storeApart(
  { database }: BatchParts,
  { session, ended, spent }: PendingWrites,
  { res }: Exchange,
): Promise<void> {
  if (session) giveCookie(res, session, await storeIfAny(database, session))
  await ended?.alone()
  await spent?.alone()
}

async function store(
  parts: BatchParts,
  writes: PendingWrites,
  answer: RepeatRow | undefined,
  { res }: Exchange,
): Promise<void> {
  const { database, clock } = parts
  const { tokens, session, ended, spent } = writes
  const rows: PendingRow[] = [
    // in this order everywhere, so that two requests wait for each other in one direction only
    ...(ended ? [{ model: 'Interaction', id: ended.hash.toString('hex'), expires_at: 0 }] : []),
    ...(session ? [toRow(session)] : []),
    ...(spent
      ? [
          {
            model: spent.model,
            id: spent.hash.toString('hex'),
            grant_id: spent.grantId,
            consumed_at: spent.at,
            expires_at: keptUntil(spent, tokens),
          },
        ]
      : []),
    ...tokens,
  ]
  const spending: DwarEvent[] = spent ? [{ body: spent.event }] : []
  const stored = await database.hot<{ model: string; id: Buffer }>(STORE_REQUEST.name, STORE_REQUEST.text, [
    JSON.stringify(rows),
    toEventRows(database, clock, [...spending, ...writes.events]),
    rows.length,
    JSON.stringify(session?.changed ?? {}),
    JSON.stringify(session?.removed ?? []),
    JSON.stringify(answer ?? {}),
    ended?.hash ?? null,
    spent?.model ?? null,
    spent?.hash ?? null,
    session?.standing ?? null,
    session?.from ?? null,
    session?.hash ?? null,
    session?.accountId ?? null,
    session?.anew ?? false,
  ])
  if (session) giveCookie(res, session, stored.find(({ model }) => model === 'Session')?.id)
  if (stored.length === rows.length) return
  if (session?.standing && stored.length === 0) throw new errors.SessionNotFound('the session has ended meanwhile')
  if (ended && stored.length === 0) throw new errors.SessionNotFound('interaction was resumed already')
  // Somebody else has spent it: whoever came second ends the family, or repeats the first one's answer.
  if (spent && stored.length === 0) await spent.alone()
  if (!(await endedByReuse(database, writes))) throw new errors.InvalidGrant('grant was revoked meanwhile')
}

/**
 * A used code is kept for as long as anything lives that came of it, so that one that comes back after its own time ends
 * that all the same (RFC 6749 §4.1.2): with a refresh token, until the grant ends. A used refresh token is kept for its own time.
 */
function keptUntil({ model, grantEnds }: PendingSpending, tokens: readonly PendingRow[]): number | null {
  if (model !== 'AuthorizationCode') return null
  if (tokens.some((token) => token.model === 'RefreshToken')) return grantEnds
  return Math.max(...tokens.map(({ expires_at }) => Number(expires_at)))
}

/**
 * The engine renews the cookie in every answer. It is given only where it names something new: an answer that comes late
 * would put the former id in the place of the one that another answer has brought. Nor is it given where the session has
 * ended, or is stored under the id that another request has given it. A cookie is known by the id in it, and its signature
 * by its name.
 */
function giveCookie(res: Headers | undefined, session: PendingSession, stored: Buffer | undefined): void {
  const { hash, from, standing } = session
  const isNew = standing === null || !from.equals(hash)
  if (isNew && stored?.equals(hash)) return
  const set = res?.getHeader('set-cookie')
  if (!res || !Array.isArray(set)) return
  const parts = (cookie: string) => cookie.split(/[=;]/, 2) as [string, string?]
  const isIt = ([, value = '']: [string, string?]) => hashId(value).equals(hash)
  const names = new Set(
    set
      .map(parts)
      .filter(isIt)
      .flatMap(([name]) => [name, `${name}.sig`]),
  )
  res.setHeader(
    'set-cookie',
    set.filter((cookie) => !names.has(parts(cookie)[0])),
  )
}

const toRow = (session: PendingSession): PendingRow => ({
  model: 'Session',
  id: session.hash.toString('hex'),
  payload: session.payload,
  uid: session.uid,
  account_id: session.accountId,
  expires_at: session.expiresAt,
  made: session.made,
})

/**
 * A browser whose cookie names no session gets another from the engine, empty. Its cookie may have been changed a moment ago
 * by a login in another tab, whose answer has reached it by now: an empty session in its place would leave that one standing
 * where no sign-out finds it.
 */
const storeIfAny = async (database: Database, session: PendingSession) =>
  session.empty && session.standing === null ? undefined : storeSession(database, session)

/** One session by itself. @returns the id it is stored under, as SHA-256; none when it has ended since this request read it */
export async function storeSession(database: Database, session: PendingSession): Promise<Buffer | undefined> {
  const [stored] = await database.hot<{ id: Buffer }>(UPSERT_SESSION.name, UPSERT_SESSION.text, [
    session.hash,
    JSON.stringify(session.payload),
    session.uid,
    session.accountId,
    session.expiresAt,
    JSON.stringify(session.changed),
    JSON.stringify(session.removed),
    session.made,
    session.standing,
    session.from,
    session.anew,
    session.deliveries,
  ])
  return stored?.id
}

/** Looked up by account, which has an index; the statement that ended the family wrote the event. */
const FIND_REUSE = `select 1 as found from event where account_id = $1 and type = 'token.reused' and grant_id = $2 limit 1`

async function endedByReuse(database: Database, { events: [event] }: PendingWrites): Promise<boolean> {
  const { accountId, grantId } = event ?? {}
  if (accountId === undefined || grantId === undefined) return false
  return (await database.hot('reuse_find', FIND_REUSE, [accountId, grantId])).length > 0
}

/** foreign_key_violation: the grant is gone, so nothing may be issued under it any more. */
export function toGrantError(error: unknown): unknown {
  return sqlState(error) === '23503' ? new errors.InvalidGrant('grant was revoked meanwhile') : error
}
