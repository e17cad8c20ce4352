import type { Selectable } from 'kysely'
import { StoreError } from '../src/errors.ts'
import type { VaultStore, WrappedDataKey } from '../src/vault/store.ts'
import type { Owner } from '../src/vault/vault.ts'
import type { Database } from './database.ts'
import type { RequestMemo } from './request-memo.ts'
import type { DataKeyTable } from './schema.ts'

/**
 * Wrapped data keys, one per owner (the unique key decides between two that are made at once). One that was read in this
 * request costs no statement.
 */
export function createVaultStore(database: Database, memo: RequestMemo): VaultStore {
  const find = (column: 'id' | 'owner', value: string) =>
    database.db().selectFrom('data_key').select(COLUMNS).where(column, '=', value).executeTakeFirst()

  return {
    isProvisional: () => database.inTransaction(),

    async findById(id) {
      return toKey(await find('id', id))
    },

    async findByOwner(owner) {
      return memo()?.dataKeys.get(owner) ?? toKey(await find('owner', owner))
    },

    async insertOrFind(key) {
      await database
        .db()
        .insertInto('data_key')
        .values({ id: key.id, owner: key.owner, kek_id: key.kekId, wrapped: Buffer.from(key.wrapped) })
        .onConflict((conflict) => conflict.column('owner').doNothing())
        .execute()
      const kept = toKey(await find('owner', key.owner))
      if (!kept) throw new StoreError('STORE_UNAVAILABLE', 'a data key was destroyed while it was made')
      return kept
    },

    async listNotUnder(kekId, limit) {
      const rows = await database
        .db()
        .selectFrom('data_key')
        .select(COLUMNS)
        .where('kek_id', '!=', kekId)
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => toKey(row))
    },

    async rewrap(id, from, kekId, wrapped) {
      const { numUpdatedRows } = await database
        .db()
        .updateTable('data_key')
        .set({ kek_id: kekId, wrapped: Buffer.from(wrapped) })
        .where('id', '=', id)
        .where('kek_id', '=', from)
        .executeTakeFirstOrThrow()
      return numUpdatedRows === 1n
    },

    async deleteByOwner(owner) {
      memo()?.dataKeys.delete(owner)
      await database.db().deleteFrom('data_key').where('owner', '=', owner).execute()
    },
  }
}

const COLUMNS = ['id', 'owner', 'kek_id', 'wrapped'] as const
type Row = Pick<Selectable<DataKeyTable>, (typeof COLUMNS)[number]>

function toKey(row: Row): WrappedDataKey
function toKey(row: Row | undefined): WrappedDataKey | undefined
function toKey(row: Row | undefined): WrappedDataKey | undefined {
  return row && { id: row.id, owner: row.owner as Owner, kekId: row.kek_id, wrapped: row.wrapped }
}
