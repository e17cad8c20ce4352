import type { Clock } from '../src/clock.ts'
import type { Account, AccountStore } from '../src/provider/stores.ts'
import type { Database } from './database.ts'

/** The update that changes nothing makes the row come back in either case, also when another call is just making it. */
const FIND_OR_CREATE = `insert into account (id, account_key, created_at) values ($1, $2, to_timestamp($3))
  on conflict (account_key) do update set account_key = excluded.account_key returning id`

const PUT_TOKENS = `insert into upstream_token (account_id, rail, sealed, expires_at) values ($1, $2, $3, to_timestamp($4))
  on conflict (account_id, rail) do update set sealed = excluded.sealed, expires_at = excluded.expires_at`

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

    async putUpstreamTokens(accountId, rail, sealed, expiresAt) {
      await database.hot('upstream_token_put', PUT_TOKENS, [accountId, rail, Buffer.from(sealed), expiresAt])
    },
  }
}
