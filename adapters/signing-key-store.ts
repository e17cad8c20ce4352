import { sql } from 'kysely'
import type { Clock } from '../src/clock.ts'
import type { SigningKeyStore, StoredSigningKey } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'

/** Of two instances that start together, the partial unique index signing_key_current lets one through. */
const INSERT_IF_NONE = `with act as (
    insert into signing_key (kid, alg, state, sealed_private_jwk, created_at)
    select $1, $2::text, $3, $4, to_timestamp($5)
    where not exists (select 1 from signing_key where alg = $2::text and state = 'current')
    on conflict do nothing
    returning null::text as client_id, null::text as account_id, null::text as grant_id
  ), noted as (${insertEventsOfAct(6)} returning id)
  select 1 as inserted from act`

export function createSigningKeyStore(database: Database, clock: Clock): SigningKeyStore {
  return {
    async list() {
      const rows = await database
        .db()
        .selectFrom('signing_key')
        .select(['kid', 'alg', 'state', 'sealed_private_jwk'])
        .select(sql<number>`extract(epoch from created_at)::float8`.as('created'))
        .orderBy('created_at')
        .orderBy('kid')
        .execute()
      return rows.map(
        (row): StoredSigningKey => ({
          kid: row.kid,
          alg: row.alg as StoredSigningKey['alg'],
          state: row.state as StoredSigningKey['state'],
          sealedPrivateJwk: row.sealed_private_jwk,
          createdAt: row.created,
        }),
      )
    },

    async insertIfNone(key, event) {
      const inserted = await database.hot('signing_key_insert', INSERT_IF_NONE, [
        key.kid,
        key.alg,
        key.state,
        Buffer.from(key.sealedPrivateJwk),
        key.createdAt,
        toEventRows(database, clock, [event]),
      ])
      return inserted.length === 1
    },
  }
}
