import { errors } from 'oidc-provider'
import type { DwarEvent } from '../src/privacy/event.ts'
import { toEventRows } from './event-rows.ts'
import type { OidcAdapterParts } from './oidc-parts.ts'
import type { RepeatRow } from './oidc-repeat.ts'
import { UPSERT_TOKENS, UPSERT_TOKENS_KEPT } from './oidc-sql.ts'
import type { RequestMemo } from './request-memo.ts'
import { sqlState } from './statement-guard.ts'

/** A token that the engine has issued in this request and that is not stored yet, with its event. */
export interface PendingToken {
  readonly row: Readonly<Record<string, string | number | null>>
  readonly event: DwarEvent
}

/** What is needed of a Koa context. */
interface Exchange {
  status: number
  body: unknown
}

/** Koa middleware, to be used before the engine's routes. */
export type TokenBatch = (ctx: Exchange, next: () => Promise<unknown>) => Promise<void>

/**
 * Stores the tokens that one request issues in one statement, before its response leaves: an access and a refresh token
 * then cost one round trip. Nobody can present a token before it is stored, because nobody has it yet; of a request that
 * failed none is stored. When the grant was revoked meanwhile the client is told `invalid_grant`, as it is without this;
 * but not when it was revoked because another request presented the same code or token just after this one had won it:
 * then this one did succeed, and gets tokens that are dead on arrival, as if the other had come a moment later. So of
 * racing uses always one succeeds (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
 *
 * A refresh that its client may repeat is stored with its answer, and a repetition is answered with that.
 */
export function createTokenBatch(
  parts: Pick<OidcAdapterParts, 'database' | 'clock'> & { memo: RequestMemo },
): TokenBatch {
  return async (ctx, next) => {
    const notes = parts.memo(ctx)
    const pending: PendingToken[] = []
    if (notes) notes.pendingTokens = pending
    await next()
    if (notes?.answer) Object.assign(ctx, notes.answer)
    if (pending.length === 0 || ctx.status >= 400) return
    try {
      await store(parts, pending, await notes?.keepAnswer?.(ctx.body))
    } catch (error) {
      if (!(error instanceof errors.InvalidGrant)) throw error
      if (await endedByReuse(parts.database, pending)) return
      ctx.status = error.statusCode
      ctx.body = { error: error.error, error_description: error.error_description }
    }
  }
}

async function store(
  { database, clock }: Pick<OidcAdapterParts, 'database' | 'clock'>,
  pending: readonly PendingToken[],
  answer: RepeatRow | undefined,
): Promise<void> {
  const rows = JSON.stringify(pending.map((token) => token.row))
  const events = toEventRows(
    database,
    clock,
    pending.map((token) => token.event),
  )
  try {
    if (!answer) await database.hot(UPSERT_TOKENS.name, UPSERT_TOKENS.text, [rows, events])
    else await database.hot(UPSERT_TOKENS_KEPT.name, UPSERT_TOKENS_KEPT.text, [rows, events, JSON.stringify(answer)])
  } catch (error) {
    throw toGrantError(error)
  }
}

/** Looked up by account, which has an index; the statement that ended the family wrote the event. */
const FIND_REUSE = `select 1 as found from event where account_id = $1 and type = 'token.reused' and grant_id = $2 limit 1`

async function endedByReuse(
  database: OidcAdapterParts['database'],
  pending: readonly PendingToken[],
): Promise<boolean> {
  const { accountId, grantId } = pending[0]?.event ?? {}
  if (accountId === undefined || grantId === undefined) return false
  return (await database.hot('reuse_find', FIND_REUSE, [accountId, grantId])).length > 0
}

/** foreign_key_violation: the grant is gone, so nothing may be issued under it any more. */
export function toGrantError(error: unknown): unknown {
  return sqlState(error) === '23503' ? new errors.InvalidGrant('grant was revoked meanwhile') : error
}
