import type { RailCredentialStore } from '../src/rails/rail.ts'
import type { Database } from './database.ts'

export function createRailCredentialStore(database: Database): RailCredentialStore {
  return {
    async find(rail) {
      const row = await database
        .db()
        .selectFrom('rail_credential')
        .select(['client_id', 'sealed_secret', 'sealed_previous_secret', 'configured_hash', 'changed_at'])
        .where('rail', '=', rail)
        .executeTakeFirst()
      return (
        row && {
          rail,
          clientId: row.client_id,
          sealedSecret: row.sealed_secret,
          sealedPreviousSecret: row.sealed_previous_secret ?? undefined,
          configuredHash: row.configured_hash ?? undefined,
          changedAt: row.changed_at ? Math.floor(row.changed_at.getTime() / 1000) : undefined,
        }
      )
    },

    async put({ rail, clientId, sealedSecret, sealedPreviousSecret, configuredHash, changedAt }) {
      const row = {
        client_id: clientId,
        sealed_secret: Buffer.from(sealedSecret),
        sealed_previous_secret: sealedPreviousSecret ? Buffer.from(sealedPreviousSecret) : null,
        configured_hash: configuredHash ? Buffer.from(configuredHash) : null,
        changed_at: changedAt === undefined ? null : new Date(changedAt * 1000),
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
