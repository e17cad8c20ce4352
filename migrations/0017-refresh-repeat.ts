import { type Kysely, sql } from 'kysely'

// The answer to the first use of a refresh token, sealed, for the seconds in which its client may ask again. It hangs on
// the grant like the tokens in it, so whatever ends the family ends it too; a release before writes none and reads none.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists refresh_repeat (
    id bytea primary key,
    grant_id text not null references oidc_grant (id) on delete cascade,
    successor bytea not null,
    request_hash bytea not null,
    sealed_answer bytea not null,
    ends_at timestamptz not null
  )`.execute(db)
  await sql`create index if not exists refresh_repeat_grant on refresh_repeat (grant_id)`.execute(db)
  await sql`create index if not exists refresh_repeat_end on refresh_repeat (ends_at)`.execute(db)
}
