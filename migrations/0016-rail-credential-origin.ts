import { type Kysely, sql } from 'kysely'

// What the environment said last, as a keyed hash: a restart must not bring back a secret that was changed since.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table rail_credential add column if not exists configured_hash bytea`.execute(db)
  await sql`alter table rail_credential add column if not exists changed_at timestamptz`.execute(db)
}
