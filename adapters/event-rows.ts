import type { Clock } from '../src/clock.ts'
import type { DwarEvent } from '../src/privacy/event.ts'
import type { Database } from './database.ts'

/**
 * Events as one JSON parameter, so that any number of them is inserted by one statement of fixed text.
 * @returns JSON text for `jsonb_to_recordset` in {@link EVENT_COLUMNS}
 */
export function toEventRows(database: Database, clock: Clock, events: readonly DwarEvent[]): string {
  const at = clock()
  return JSON.stringify(
    events.map(({ body: { type, ...data }, accountId, clientId, grantId, interactionUid, incidentId }) => ({
      id: database.newId(),
      at,
      type,
      account_id: accountId,
      client_id: clientId,
      grant_id: grantId,
      interaction_uid: interactionUid,
      incident_id: incidentId,
      data,
    })),
  )
}

const EVENT_COLUMNS = 'id, at, type, account_id, client_id, grant_id, interaction_uid, incident_id, data'

const recordsOf = (parameter: number): string => `jsonb_to_recordset($${parameter}::jsonb) as e(id uuid,
  at double precision, type text, account_id text, client_id text, grant_id text, interaction_uid text,
  incident_id text, data jsonb)`

/** Inserts the events of parameter `$n`. */
export function insertEvents(parameter: number): string {
  return `insert into event (${EVENT_COLUMNS})
    select e.id, to_timestamp(e.at), e.type, e.account_id, e.client_id, e.grant_id, e.interaction_uid, e.incident_id,
      e.data from ${recordsOf(parameter)}`
}

/**
 * Inserts the events of parameter `$n` once for each row that the CTE `act` changed: nothing happened, no event. What an
 * event leaves open of account, client and grant comes from that row.
 */
export function insertEventsOfAct(parameter: number): string {
  return `insert into event (${EVENT_COLUMNS})
    select e.id, to_timestamp(e.at), e.type, coalesce(e.account_id, act.account_id),
      coalesce(e.client_id, act.client_id), coalesce(e.grant_id, act.grant_id), e.interaction_uid, e.incident_id, e.data
    from act cross join ${recordsOf(parameter)}`
}
