import { type Kysely, sql } from 'kysely'

// A client's secret before the present one: it still counts until its end, so that an app can change over in peace.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table client add column if not exists sealed_previous_secret bytea`.execute(db)
  await sql`alter table client add column if not exists previous_secret_ends_at timestamptz`.execute(db)
}
