import type { EventStore } from '../src/privacy/event.ts'
import type { LogoutDelivery, LogoutStore } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import type { RequestMemo } from './request-memo.ts'

/** Taken for a while, so that one worker at a time tells the app; one that dies leaves it to the next. */
const TAKE_DUE = `update logout_delivery set lease_until = to_timestamp($2), attempts = attempts + 1 where id in (
    select id from logout_delivery
    where due_at <= to_timestamp($1) and (lease_until is null or lease_until <= to_timestamp($1))
    order by due_at limit $3 for update skip locked
  ) returning id, client_id, account_id, sid, attempts, extract(epoch from ends_at)::float8 as ends`

const POSTPONE = 'update logout_delivery set due_at = to_timestamp($2), lease_until = null where id = $1'

export function createLogoutStore(database: Database, events: EventStore, memo: RequestMemo): LogoutStore {
  return {
    note(notice) {
      const notes = memo()
      // Outside a request of the engine nobody would write it down.
      if (!notes) throw new TypeError('a sign-out is noted by the request that ends the session')
      notes.pendingLogouts.push(notice)
    },

    async takeDue(now, until, limit) {
      return (await database.hot<Row>('logout_take_due', TAKE_DUE, [now, until, limit])).map(toDelivery)
    },

    async postpone(id, dueAt) {
      await database.hot('logout_postpone', POSTPONE, [id, dueAt])
    },

    settle: (id, event) =>
      database.transact(async () => {
        await database.hot('logout_settle', 'delete from logout_delivery where id = $1', [id])
        await events.append([event])
      }),
  }
}

interface Row {
  id: string
  client_id: string
  account_id: string
  sid: string | null
  attempts: number
  ends: number
}

const toDelivery = (row: Row): LogoutDelivery => ({
  id: row.id,
  clientId: row.client_id,
  accountId: row.account_id,
  sid: row.sid ?? undefined,
  attempts: row.attempts,
  endsAt: row.ends,
})
