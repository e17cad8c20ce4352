import { type Kysely, sql } from 'kysely'

// What an app's form sent to an address that is served by GET, sealed, for the minute until the browser comes for it. A
// release before writes none and reads none.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists posted_request (
    id bytea primary key,
    sealed bytea not null,
    ends_at timestamptz not null
  )`.execute(db)
  await sql`create index if not exists posted_request_end on posted_request (ends_at)`.execute(db)
}
