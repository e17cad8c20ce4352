import { type Kysely, sql } from 'kysely'

// How each of a person's consents ended, for her account page: few rows of a large table, found by person and grant.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index if not exists event_ending on event (account_id, grant_id, id)
    where type in ('grant.revoked', 'consent.withdrawn')`.execute(db)
}
