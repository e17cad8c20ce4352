import type { Clock } from '../src/clock.ts'
import type { Database } from './database.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'
import type { RequestMemo } from './request-memo.ts'

const RESTORE = `with act as (
    update oidc_model set consumed_at = null where model = $1 and id = $2 and consumed_at is not null
    returning account_id, client_id, grant_id
  ), noted as (${insertEventsOfAct(3)} returning id)
  select 1 as restored from act`

/**
 * Lets what one request has spent count again, because that request gave nothing for it by a fault of ours. A second use
 * that came in between has ended the family, and then there is nothing left to restore.
 */
export function createRestoreConsumed(parts: { database: Database; clock: Clock; memo: RequestMemo }) {
  const { database, clock, memo } = parts
  return async (request: object): Promise<void> => {
    const notes = memo(request)
    // What is still to be spent is not: the batch stores what is left of the request.
    delete notes?.writes?.spent
    for (const { model, hash } of notes?.consumed.splice(0) ?? []) {
      const event = toEventRows(database, clock, [{ body: { type: 'token.restored', model } }])
      await database.hot('model_restore', RESTORE, [model, hash, event])
    }
  }
}
