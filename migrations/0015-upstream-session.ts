import { type Kysely, sql } from 'kysely'

// Takes the place of upstream_token, which the release before still writes. No foreign key: an erased account's tokens
// must still be given back. A row ends by its time, or with its grant.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists upstream_session (
    id uuid primary key,
    rail text not null,
    grant_id text,
    sealed bytea not null,
    generation integer not null default 0,
    access_ends_at timestamptz not null,
    ends_at timestamptz not null,
    lease_until timestamptz
  )`.execute(db)
  await sql`create index if not exists upstream_session_end on upstream_session (ends_at)`.execute(db)
}
