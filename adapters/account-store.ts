import type { Clock } from '../src/clock.ts'
import type { Account, AccountStore } from '../src/provider/stores.ts'
import type { Database } from './database.ts'

/** The update that changes nothing makes the row come back in either case, also when another call is just making it. */
const FIND_OR_CREATE = `insert into account (id, account_key, created_at) values ($1, $2, to_timestamp($3))
  on conflict (account_key) do update set account_key = excluded.account_key returning id`

export function createAccountStore(database: Database, clock: Clock): AccountStore {
  return {
    async findOrCreate(key, newId) {
      const [row] = await database.hot<Account>('account_find_or_create', FIND_OR_CREATE, [
        newId,
        Buffer.from(key),
        clock(),
      ])
      return { id: row?.id ?? newId }
    },

    async find(id) {
      const [row] = await database.hot<Account>('account_find', 'select id from account where id = $1', [id])
      return row && { id: row.id }
    },
  }
}
