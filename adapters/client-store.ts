import { sql } from 'kysely'
import type { DwarEvent, EventStore } from '../src/privacy/event.ts'
import type { ClientStore, StoredClient } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import { grantsInOrder } from './grants-in-order.ts'

const COLUMNS = ['id', 'metadata', 'sealed_secret', 'sealed_previous_secret'] as const
const createdAt = sql<number>`extract(epoch from created_at)::float8`.as('created')
const updatedAt = sql<number>`extract(epoch from updated_at)::float8`.as('updated')
const previousEndsAt = sql<number | null>`extract(epoch from previous_secret_ends_at)::float8`.as('previous_ends')
const EVENTS_AT_ONCE = 500

/** Registered clients. Each change raises the version in the same transaction, so no instance can miss it. */
export function createClientStore(database: Database, events: EventStore): ClientStore {
  const select = () => database.db().selectFrom('client').select(COLUMNS).select([createdAt, updatedAt, previousEndsAt])
  return {
    async find(id) {
      const row = await select().where('id', '=', id).executeTakeFirst()
      return row && toClient(row)
    },

    async list() {
      return (await select().orderBy('id').execute()).map(toClient)
    },

    put: (client, event) =>
      database.transact(async () => {
        await upsert(database, client)
        await raiseVersion(database)
        await events.append([event])
      }),

    remove: (id, event) =>
      database.transact(async () => {
        const { numDeletedRows } = await database
          .db()
          .deleteFrom('client')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) return false
        await raiseVersion(database)
        await revokeGrants(database, events, id)
        await events.append([event])
        return true
      }),

    async version() {
      const [row] = await database.hot<{ version: string }>(
        'client_version',
        `select version from cache_version where name = 'client'`,
        [],
      )
      return Number(row?.version ?? 0)
    },
  }
}

async function upsert(database: Database, client: StoredClient): Promise<void> {
  const row = {
    metadata: JSON.stringify(client.metadata),
    sealed_secret: client.sealedSecret ? Buffer.from(client.sealedSecret) : null,
    sealed_previous_secret: client.previousSecret ? Buffer.from(client.previousSecret.sealed) : null,
    previous_secret_ends_at: client.previousSecret ? new Date(client.previousSecret.endsAt * 1000) : null,
    updated_at: new Date(client.updatedAt * 1000),
  }
  await database
    .db()
    .insertInto('client')
    .values({ id: client.id, created_at: new Date(client.createdAt * 1000), ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

async function raiseVersion(database: Database): Promise<void> {
  await database
    .db()
    .updateTable('cache_version')
    .set((eb) => ({ version: eb('version', '+', '1') }))
    .where('name', '=', 'client')
    .execute()
}

async function revokeGrants(database: Database, events: EventStore, clientId: string): Promise<void> {
  const grants = await database
    .db()
    .deleteFrom('oidc_grant')
    .where('id', 'in', grantsInOrder(database).where('client_id', '=', clientId))
    .returning(['id', 'account_id'])
    .execute()
  const revoked = grants.map(
    (grant): DwarEvent => ({
      body: { type: 'grant.revoked', reason: 'other' },
      clientId,
      grantId: grant.id,
      accountId: grant.account_id ?? undefined,
    }),
  )
  for (let from = 0; from < revoked.length; from += EVENTS_AT_ONCE) {
    await events.append(revoked.slice(from, from + EVENTS_AT_ONCE))
  }
}

interface Row {
  id: string
  metadata: Record<string, unknown>
  sealed_secret: Buffer | null
  sealed_previous_secret: Buffer | null
  created: number
  updated: number
  previous_ends: number | null
}

/** jsonb orders keys by its own fixed rule; sorted here, so that the order is stable by our word and not by its. */
function toClient(row: Row): StoredClient {
  const metadata = Object.fromEntries(Object.entries(row.metadata).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    id: row.id,
    metadata,
    sealedSecret: row.sealed_secret ?? undefined,
    previousSecret:
      row.sealed_previous_secret && row.previous_ends !== null
        ? { sealed: row.sealed_previous_secret, endsAt: row.previous_ends }
        : undefined,
    createdAt: row.created,
    updatedAt: row.updated,
  }
}
