import type { Clock } from '../src/clock.ts'
import { StoreError } from '../src/errors.ts'
import type { AttemptStore, RailAttempt } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'

const COLUMNS = `id, rail, interaction_uid, client_id, browser_hash, sealed_state, sealed_outcome,
  extract(epoch from expires_at)::float8 as expires, extract(epoch from used_at)::float8 as used`

const OPEN = `with act as (
    insert into rail_attempt (id, rail, interaction_uid, client_id, state_hash, browser_hash, sealed_state, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8))
    returning client_id, null::text as account_id, null::text as grant_id
  ), former as (
    update upstream_session set ends_at = to_timestamp($10)
    where id in (select id from rail_attempt where interaction_uid = $3) and grant_id is null
      and ends_at > to_timestamp($10)
  ) ${insertEventsOfAct(9)}`

const CLAIM = `update rail_attempt set used_at = to_timestamp($3)
  where state_hash = $1 and browser_hash = $2 and used_at is null and expires_at > to_timestamp($3)
  returning ${COLUMNS}`

const BY_STATE = `select ${COLUMNS} from rail_attempt where state_hash = $1`

/** Set once: an attempt that was settled, or is gone, changes nothing and is told apart by the missing row. */
const SETTLE = `with act as (
    update rail_attempt set sealed_outcome = $2, expires_at = to_timestamp($3) where id = $1 and sealed_outcome is null
    returning client_id, null::text as account_id, null::text as grant_id
  ), noted as (${insertEventsOfAct(4)} returning id)
  select client_id from act`

/** Seals differ by their nonce, so a sealed outcome is its own version. */
const AMEND = `with act as (
    update rail_attempt set sealed_outcome = $3 where id = $1 and sealed_outcome = $2
    returning client_id, null::text as account_id, null::text as grant_id
  ), noted as (${insertEventsOfAct(4)} returning id)
  select client_id from act`

const BY_INTERACTION = `select ${COLUMNS} from rail_attempt where interaction_uid = $1 order by id desc limit 1`
const BY_BROWSER = `select ${COLUMNS} from rail_attempt where browser_hash = $1 and expires_at > to_timestamp($2)
  order by id desc limit 1`

export function createAttemptStore(database: Database, clock: Clock): AttemptStore {
  return {
    async open(attempt, event) {
      await database.hot('attempt_open', OPEN, [
        attempt.id,
        attempt.rail,
        attempt.interactionUid,
        attempt.clientId,
        Buffer.from(attempt.stateHash),
        Buffer.from(attempt.browserHash),
        Buffer.from(attempt.sealedState),
        attempt.expiresAt,
        toEventRows(database, clock, [event]),
        clock(),
      ])
    },

    async claim(stateHash, browserHash, now) {
      const state = Buffer.from(stateHash)
      const browser = browserHash && Buffer.from(browserHash)
      const [won] = browser ? await database.hot<Row>('attempt_claim', CLAIM, [state, browser, now]) : []
      if (won) return { attempt: toAttempt(won) }
      const [known] = await database.hot<Row>('attempt_by_state', BY_STATE, [state])
      if (!known) return { refused: 'unknown' }
      return { refused: whyRefused(known, browser), interactionUid: known.interaction_uid }
    },

    async settle(id, sealedOutcome, expiresAt, events) {
      const rows = toEventRows(database, clock, events)
      const settled = await database.hot('attempt_settle', SETTLE, [id, Buffer.from(sealedOutcome), expiresAt, rows])
      if (settled.length === 0) throw new StoreError('STORE_INPUT_REFUSED', 'the attempt has its outcome, or is gone')
    },

    async amend(id, before, sealedOutcome, events) {
      const rows = toEventRows(database, clock, events)
      const outcomes = [Buffer.from(before), Buffer.from(sealedOutcome)]
      return (await database.hot('attempt_amend', AMEND, [id, ...outcomes, rows])).length > 0
    },

    async findByInteraction(interactionUid) {
      const [row] = await database.hot<Row>('attempt_by_interaction', BY_INTERACTION, [interactionUid])
      return row && toAttempt(row)
    },

    async findByBrowser(browserHash, now) {
      const [row] = await database.hot<Row>('attempt_by_browser', BY_BROWSER, [Buffer.from(browserHash), now])
      return row && toAttempt(row)
    },

    async deleteByInteraction(interactionUid) {
      const attempts = database.db().deleteFrom('rail_attempt').where('interaction_uid', '=', interactionUid)
      return (await attempts.returning('id').execute()).length > 0
    },
  }
}

interface Row {
  id: string
  rail: string
  interaction_uid: string
  client_id: string
  browser_hash: Buffer
  sealed_state: Buffer
  sealed_outcome: Buffer | null
  expires: number
  used: number | null
}

/** The browser is asked first: another browser must not learn whether the attempt was used. */
function whyRefused(row: Row, browser: Buffer | undefined): 'browser' | 'used' | 'expired' {
  if (!browser || !row.browser_hash.equals(browser)) return 'browser'
  return row.used === null ? 'expired' : 'used'
}

function toAttempt(row: Row): RailAttempt {
  return {
    id: row.id,
    rail: row.rail,
    interactionUid: row.interaction_uid,
    clientId: row.client_id,
    sealedState: row.sealed_state,
    sealedOutcome: row.sealed_outcome ?? undefined,
    expiresAt: row.expires,
    usedAt: row.used ?? undefined,
  }
}
