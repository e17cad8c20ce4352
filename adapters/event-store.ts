import { sql } from 'kysely'
import type { Clock } from '../src/clock.ts'
import type { EventBody, EventStore, RecordedEvent } from '../src/privacy/event.ts'
import type { Database } from './database.ts'
import { insertEvents, toEventRows } from './event-rows.ts'
import type { EventTable } from './schema.ts'

const INSERT = insertEvents(1)

/** The history. Triggers refuse every change to it (migration 0013). */
export function createEventStore(database: Database, clock: Clock): EventStore {
  return {
    async append(events) {
      if (events.length > 0) await database.hot('event_append', INSERT, [toEventRows(database, clock, events)])
    },

    async history({ accountId, clientId, interactionUid, type }) {
      let query = database
        .db()
        .selectFrom('event')
        .select(['id', 'type', 'account_id', 'client_id', 'grant_id', 'interaction_uid', 'incident_id', 'data'])
        .select(sql<number>`extract(epoch from at)::float8`.as('at_epoch'))
      if (accountId !== undefined) query = query.where('account_id', '=', accountId)
      if (clientId !== undefined) query = query.where('client_id', '=', clientId)
      if (interactionUid !== undefined) query = query.where('interaction_uid', '=', interactionUid)
      if (type !== undefined) query = query.where('type', '=', type)
      return (await query.orderBy('id').execute()).map(toEvent)
    },
  }
}

type Row = Omit<EventTable, 'at' | 'data'> & { at_epoch: number; data: Record<string, unknown> }

function toEvent(row: Row): RecordedEvent {
  return {
    id: row.id,
    at: row.at_epoch,
    body: { type: row.type, ...row.data } as EventBody,
    accountId: row.account_id ?? undefined,
    clientId: row.client_id ?? undefined,
    grantId: row.grant_id ?? undefined,
    interactionUid: row.interaction_uid ?? undefined,
    incidentId: row.incident_id ?? undefined,
  }
}
