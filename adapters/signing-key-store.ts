import type { JsonWebKey } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '../src/clock.ts'
import type { EventStore } from '../src/privacy/event.ts'
import type { SigningKeyStore, StoredSigningKey } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'

/** Of instances that act together, the partial unique indexes signing_key_current and signing_key_next let one through. */
const INSERT_IF_NONE = `with act as (
    insert into signing_key (kid, alg, state, holder, public_jwk, sealed_private_jwk, created_at, activated_at)
    select $1, $2::text, $3::text, $4, $5::jsonb, $6, to_timestamp($7),
      case when $3::text = 'current' then to_timestamp($7) end
    where not exists (select 1 from signing_key where alg = $2::text and state = $3::text)
    on conflict do nothing
    returning null::text as client_id, null::text as account_id, null::text as grant_id
  ), raised as (
    update cache_version set version = version + 1 where name = 'signing_key' and exists (select 1 from act)
  ), noted as (${insertEventsOfAct(8)} returning id)
  select 1 as inserted from act`

/** A key's row goes; that it was made stays in the history, found by the index event_type. Keys of the first release are rows. */
const USED_KIDS = `select kid from signing_key where alg = $1
  union select data->>'kid' from event where type = 'signing_key.created' and data->>'alg' = $1`

const seconds = (column: 'created_at' | 'due_at' | 'activated_at' | 'retired_at' | 'ends_at') =>
  sql<number | null>`extract(epoch from ${sql.ref(column)})::float8`.as(column)

export function createSigningKeyStore(database: Database, clock: Clock, events: EventStore): SigningKeyStore {
  const raise = () =>
    database
      .db()
      .updateTable('cache_version')
      .set((eb) => ({ version: eb('version', '+', '1') }))
      .where('name', '=', 'signing_key')
      .execute()

  return {
    async list() {
      const rows = await database
        .db()
        .selectFrom('signing_key')
        .select(['kid', 'alg', 'state', 'holder', 'public_jwk', 'sealed_private_jwk'])
        .select([seconds('created_at'), seconds('due_at'), seconds('activated_at')])
        .select([seconds('retired_at'), seconds('ends_at')])
        .orderBy('created_at')
        .orderBy('kid')
        .execute()
      return rows.map(
        (row): StoredSigningKey => ({
          kid: row.kid,
          alg: row.alg as StoredSigningKey['alg'],
          state: row.state as StoredSigningKey['state'],
          holder: row.holder as StoredSigningKey['holder'],
          publicJwk: (row.public_jwk as JsonWebKey | null) ?? undefined,
          sealedPrivateJwk: row.sealed_private_jwk ?? undefined,
          createdAt: row.created_at ?? 0,
          dueAt: row.due_at ?? undefined,
          activatedAt: row.activated_at ?? undefined,
          retiredAt: row.retired_at ?? undefined,
          endsAt: row.ends_at ?? undefined,
        }),
      )
    },

    async usedKids(alg) {
      return (await database.hot<{ kid: string }>('signing_key_used', USED_KIDS, [alg])).map(({ kid }) => kid)
    },

    async insertIfNone(key, event) {
      const inserted = await database.hot('signing_key_insert_if_none', INSERT_IF_NONE, [
        key.kid,
        key.alg,
        key.state,
        key.holder,
        key.publicJwk ? JSON.stringify(key.publicJwk) : null,
        key.sealedPrivateJwk ? Buffer.from(key.sealedPrivateJwk) : null,
        key.createdAt,
        toEventRows(database, clock, [event]),
      ])
      return inserted.length === 1
    },

    activate: (change, noted) =>
      database
        .transact(async () => {
          // The old one first: the unique index takes one current key of an algorithm. Its row decides the race.
          const current = await leaveCurrent(database, change)
          if (!current) return false
          const { numUpdatedRows } = await database
            .db()
            .updateTable('signing_key')
            .set({ state: 'current', activated_at: new Date(change.at * 1000), due_at: null })
            .where('kid', '=', change.next)
            .where('state', '=', 'next')
            .executeTakeFirstOrThrow()
          if (numUpdatedRows === 0n) throw new NextKeyGone()
          await raise()
          await events.append(noted)
          return true
        })
        .catch((error: unknown) => {
          if (error instanceof NextKeyGone) return false // rolled back: the current key stands as it was
          throw error
        }),

    async schedule(kid, dueAt) {
      await database.transact(async () => {
        await database
          .db()
          .updateTable('signing_key')
          .set({ due_at: new Date(dueAt * 1000) })
          .where('kid', '=', kid)
          .where('state', '=', 'next')
          .execute()
        await raise()
      })
    },

    removeEnded: (kid, now, event) =>
      database.transact(async () => {
        const { numDeletedRows } = await database
          .db()
          .deleteFrom('signing_key')
          .where('kid', '=', kid)
          .where('state', '=', 'retired')
          .where('ends_at', '<=', new Date(now * 1000))
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) return false
        await raise()
        await events.append([event])
        return true
      }),

    async version() {
      const text = `select version from cache_version where name = 'signing_key'`
      const [row] = await database.hot<{ version: string }>('signing_key_version', text, [])
      return Number(row?.version ?? 0)
    },
  }
}

/** Undoes a transaction in which the next key turned out to be another's already. */
class NextKeyGone extends Error {}

/** One statement on the row of the current key: of racing callers one finds it current. */
async function leaveCurrent(
  database: Database,
  { current, at, endsAt }: Parameters<SigningKeyStore['activate']>[0],
): Promise<boolean> {
  if (endsAt === undefined) {
    const { numDeletedRows } = await database
      .db()
      .deleteFrom('signing_key')
      .where('kid', '=', current)
      .where('state', '=', 'current')
      .executeTakeFirstOrThrow()
    return numDeletedRows === 1n
  }
  const { numUpdatedRows } = await database
    .db()
    .updateTable('signing_key')
    .set({ state: 'retired', retired_at: new Date(at * 1000), ends_at: new Date(endsAt * 1000) })
    .where('kid', '=', current)
    .where('state', '=', 'current')
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}
