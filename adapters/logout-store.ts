import type { Clock } from '../src/clock.ts'
import type { LogoutDelivery, LogoutStore } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'
import type { RequestMemo } from './request-memo.ts'

/** Seconds: so long an app is tried. */
export const TOLD_FOR = 86_400

const DUE = `due_at <= to_timestamp($1) and ends_at > to_timestamp($1)
  and (lease_until is null or lease_until <= to_timestamp($1))`

const COLUMNS = 'id, client_id, account_id, sid, attempts'

/**
 * (now, lease, limit, per app, busy). Taken for a while, so that one worker at a time tells the app; one that dies leaves it
 * to the next. Goes from app to app in the index logout_delivery_client_due, and reads no more of each than it takes.
 */
export const TAKE_DUE = `with recursive app(client_id) as (
    (select client_id from logout_delivery order by client_id limit 1)
    union all
    select (select l.client_id from logout_delivery l where l.client_id > app.client_id order by l.client_id limit 1)
    from app where app.client_id is not null
  ),
  room as (select client_id, coalesce(($5::jsonb ->> client_id)::int, 0) as taken from app where client_id is not null),
  turn as (
    select l.id
    from room cross join lateral (
      select id, due_at from logout_delivery where client_id = room.client_id and ${DUE}
      order by due_at limit greatest($4::int - room.taken, 0)
    ) l
    order by room.taken + row_number() over (partition by room.client_id order by l.due_at), l.due_at limit $3
  ),
  free as (
    select l.id from turn cross join lateral (
      select id from logout_delivery where id = turn.id and ${DUE} for update skip locked
    ) l
  )
  update logout_delivery set lease_until = to_timestamp($2), attempts = attempts + 1
  where id = any (array(select id from free)) returning ${COLUMNS}`

const POSTPONE = `update logout_delivery set due_at = to_timestamp($3), lease_until = null
  where id = $1 and attempts = $2`

const SETTLE = `with act as (
    delete from logout_delivery where id = $1 and attempts = $2
    returning client_id, account_id, null::text as grant_id
  ) ${insertEventsOfAct(3)} returning id`

const FIND_ENDED = `select ${COLUMNS} from logout_delivery
  where ends_at <= to_timestamp($1) and (lease_until is null or lease_until <= to_timestamp($1))
  order by ends_at limit $2`

export function createLogoutStore(database: Database, clock: Clock, memo: RequestMemo): LogoutStore {
  return {
    note(notice) {
      const notes = memo()
      // Outside a request of the engine nobody would write it down.
      if (!notes) throw new TypeError('a sign-out is noted by the request that ends the session')
      notes.pendingLogouts.push(notice)
    },

    async takeDue(now, until, limit, perApp, busy) {
      const values = [now, until, limit, perApp, JSON.stringify(busy)]
      return (await database.hot<Row>('logout_take_due', TAKE_DUE, values)).map(toDelivery)
    },

    async postpone({ id, attempts }, dueAt) {
      await database.hot('logout_postpone', POSTPONE, [id, attempts, dueAt])
    },

    async settle({ id, attempts }, event) {
      const values = [id, attempts, toEventRows(database, clock, [event])]
      return (await database.hot('logout_settle', SETTLE, values)).length > 0
    },

    async findEnded(now, limit) {
      return (await database.hot<Row>('logout_find_ended', FIND_ENDED, [now, limit])).map(toDelivery)
    },
  }
}

interface Row {
  id: string
  client_id: string
  account_id: string
  sid: string | null
  attempts: number
}

const toDelivery = (row: Row): LogoutDelivery => ({
  id: row.id,
  clientId: row.client_id,
  accountId: row.account_id,
  sid: row.sid ?? undefined,
  attempts: row.attempts,
})
