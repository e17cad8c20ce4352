import type { Account, AccountStore } from '../src/provider/stores.ts'
import type { Database } from './database.ts'
import type { RequestMemo } from './request-memo.ts'

/** Accounts are made by the decision that needs them (`decision-store.ts`). What was read in this request costs no statement. */
export function createAccountStore(database: Database, memo: RequestMemo): AccountStore {
  return {
    async findByKey(key) {
      const hex = Buffer.from(key).toString('hex')
      const known = memo()?.accountsByKey
      if (known?.has(hex)) return toAccount(known.get(hex))
      const text = 'select id from account where account_key = $1'
      const [row] = await database.hot<Account>('account_by_key', text, [Buffer.from(key)])
      return toAccount(row?.id)
    },

    async find(id) {
      if (memo()?.accounts.has(id)) return { id }
      const [row] = await database.hot<Account>('account_find', 'select id from account where id = $1', [id])
      return toAccount(row?.id)
    },
  }
}

const toAccount = (id: string | undefined): Account | undefined => (id === undefined ? undefined : { id })
