import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists rail_attempt (
    id uuid primary key,
    rail text not null,
    interaction_uid text not null,
    client_id text not null,
    state_hash bytea not null unique,
    browser_hash bytea not null,
    sealed_state bytea not null,
    sealed_outcome bytea,
    expires_at timestamptz not null,
    used_at timestamptz
  )`.execute(db)
  await sql`create index if not exists rail_attempt_interaction on rail_attempt (interaction_uid, id)`.execute(db)
  await sql`create index if not exists rail_attempt_browser on rail_attempt (browser_hash, id)`.execute(db)
  await sql`create index if not exists rail_attempt_expiry on rail_attempt (expires_at)`.execute(db)
}
