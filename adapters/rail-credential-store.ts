import type { RailCredentialStore } from '../src/rails/rail.ts'
import type { Database } from './database.ts'

export function createRailCredentialStore(database: Database): RailCredentialStore {
  return {
    async find(rail) {
      const row = await database
        .db()
        .selectFrom('rail_credential')
        .select(['client_id', 'sealed_secret', 'sealed_previous_secret'])
        .where('rail', '=', rail)
        .executeTakeFirst()
      return (
        row && {
          rail,
          clientId: row.client_id,
          sealedSecret: row.sealed_secret,
          sealedPreviousSecret: row.sealed_previous_secret ?? undefined,
        }
      )
    },

    async put({ rail, clientId, sealedSecret, sealedPreviousSecret }) {
      const row = {
        client_id: clientId,
        sealed_secret: Buffer.from(sealedSecret),
        sealed_previous_secret: sealedPreviousSecret ? Buffer.from(sealedPreviousSecret) : null,
      }
      await database
        .db()
        .insertInto('rail_credential')
        .values({ rail, ...row })
        .onConflict((conflict) => conflict.column('rail').doUpdateSet(row))
        .execute()
    },
  }
}
