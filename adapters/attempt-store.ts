import type { Clock } from '../src/clock.ts'
import { StoreError } from '../src/errors.ts'
import type { AttemptStore } from '../src/provider/stores.ts'
import { ATTEMPT_COLUMNS, type AttemptRow, toAttempt } from './attempt-rows.ts'
import type { Database } from './database.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'
import { hashId } from './oidc-parts.ts'
import type { RequestMemo } from './request-memo.ts'
import { alive } from './statement.ts'

/** Only for an interaction that is neither over nor decided: whoever begins need not have read it. */
const OPEN = `with act as (
    insert into rail_attempt (id, rail, interaction_uid, client_id, state_hash, browser_hash, sealed_state, expires_at)
    select $1, $2, $3, $4, $5, $6, $7, to_timestamp($8)
    where exists (select 1 from oidc_model m where m.model = 'Interaction' and m.id = $10 and m.consumed_at is null
      and ${alive('m', '$11')})
    returning client_id, null::text as account_id, null::text as grant_id
  ), former as (
    update upstream_session set ends_at = to_timestamp($11)
    where id in (select id from rail_attempt where interaction_uid = $3) and grant_id is null
      and ends_at > to_timestamp($11) and exists (select 1 from act)
  ), noted as (${insertEventsOfAct(9)} returning id)
  select client_id from act`

const CLAIM = `update rail_attempt set used_at = to_timestamp($3)
  where state_hash = $1 and browser_hash = $2 and used_at is null and expires_at > to_timestamp($3)
  returning ${ATTEMPT_COLUMNS}`

const BY_STATE = `select ${ATTEMPT_COLUMNS} from rail_attempt where state_hash = $1`

/**
 * Set once: an attempt that was settled, or is gone, changes nothing and is told apart by the missing row. The upstream
 * session is kept in either case: its tokens must still be given back. A journey that was begun anew while this one was
 * on its way back is the one that counts: the session of this one is over already.
 */
const SETTLE = `with act as (
    update rail_attempt set sealed_outcome = $2, expires_at = to_timestamp($3), account_key = $5
    where id = $1 and sealed_outcome is null
    returning client_id, null::text as account_id, null::text as grant_id
  ), noted as (${insertEventsOfAct(4)} returning id),
  kept as (
    insert into upstream_session (id, rail, sealed, access_ends_at, ends_at)
    select $1, $6, $7, to_timestamp($8), case when exists (
        select 1 from rail_attempt own
        join rail_attempt newer on newer.interaction_uid = own.interaction_uid and newer.id > own.id
        where own.id = $1
      ) then to_timestamp($10) else to_timestamp($9) end
    where $7::bytea is not null
  )
  select client_id from act`

/** Seals differ by their nonce, so a sealed outcome is its own version. */
const AMEND = `with act as (
    update rail_attempt set sealed_outcome = $3 where id = $1 and sealed_outcome = $2
    returning client_id, null::text as account_id, null::text as grant_id
  ), noted as (${insertEventsOfAct(4)} returning id)
  select client_id from act`

const BY_INTERACTION = `select ${ATTEMPT_COLUMNS} from rail_attempt where interaction_uid = $1 order by id desc limit 1`
const BY_BROWSER = `select ${ATTEMPT_COLUMNS} from rail_attempt where browser_hash = $1 and expires_at > to_timestamp($2)
  order by id desc limit 1`

/** Journeys to an upstream. That which was read with its interaction in this request costs no statement. */
export function createAttemptStore(database: Database, clock: Clock, memo: RequestMemo): AttemptStore {
  return {
    async open(attempt, event) {
      const opened = await database.hot('attempt_open', OPEN, [
        attempt.id,
        attempt.rail,
        attempt.interactionUid,
        attempt.clientId,
        Buffer.from(attempt.stateHash),
        Buffer.from(attempt.browserHash),
        Buffer.from(attempt.sealedState),
        attempt.expiresAt,
        toEventRows(database, clock, [event]),
        hashId(attempt.interactionUid),
        clock(),
      ])
      return opened.length === 1
    },

    async claim(stateHash, browserHash, now) {
      const state = Buffer.from(stateHash)
      const browser = browserHash && Buffer.from(browserHash)
      const [won] = browser ? await database.hot<AttemptRow>('attempt_claim', CLAIM, [state, browser, now]) : []
      if (won) return { attempt: toAttempt(won) }
      const [known] = await database.hot<AttemptRow>('attempt_by_state', BY_STATE, [state])
      if (!known) return { refused: 'unknown' }
      return { refused: whyRefused(known, browser), interactionUid: known.interaction_uid }
    },

    async settle(id, { sealedOutcome, expiresAt, accountKey, session }, events) {
      memo()?.attempts.clear()
      const settled = await database.hot('attempt_settle', SETTLE, [
        id,
        Buffer.from(sealedOutcome),
        expiresAt,
        toEventRows(database, clock, events),
        accountKey ? Buffer.from(accountKey) : null,
        session?.rail ?? null,
        session ? Buffer.from(session.sealed) : null,
        session?.accessEndsAt ?? null,
        session?.endsAt ?? null,
        clock(),
      ])
      if (settled.length === 0) throw new StoreError('STORE_INPUT_REFUSED', 'the attempt has its outcome, or is gone')
    },

    async amend(id, before, sealedOutcome, events) {
      memo()?.attempts.clear()
      const rows = toEventRows(database, clock, events)
      const outcomes = [Buffer.from(before), Buffer.from(sealedOutcome)]
      return (await database.hot('attempt_amend', AMEND, [id, ...outcomes, rows])).length > 0
    },

    async findByInteraction(interactionUid) {
      const known = memo()?.attempts
      if (known?.has(interactionUid)) return known.get(interactionUid)
      const [row] = await database.hot<AttemptRow>('attempt_by_interaction', BY_INTERACTION, [interactionUid])
      return row && toAttempt(row)
    },

    async findByBrowser(browserHash, now) {
      const [row] = await database.hot<AttemptRow>('attempt_by_browser', BY_BROWSER, [Buffer.from(browserHash), now])
      return row && toAttempt(row)
    },
  }
}

/** The browser is asked first: another browser must not learn whether the attempt was used. */
function whyRefused(row: AttemptRow, browser: Buffer | undefined): 'browser' | 'used' | 'expired' {
  if (!browser || !row.browser_hash.equals(browser)) return 'browser'
  return row.used === null ? 'expired' : 'used'
}
