import { type Kysely, sql } from 'kysely'

// account_key is a keyed hash of the upstream's subject: the subject itself is nowhere.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists account (
    id text primary key,
    account_key bytea not null unique,
    created_at timestamptz not null
  )`.execute(db)
}
