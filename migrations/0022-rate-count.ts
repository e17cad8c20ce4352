import { type Kysely, sql } from 'kysely'

// What all instances have counted of a subject (a keyed hash) in a minute. Rows live for some minutes.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists rate_count (
    key text not null,
    ends_at timestamptz not null,
    hits bigint not null,
    primary key (key, ends_at)
  )`.execute(db)
  await sql`create index if not exists rate_count_ends_at on rate_count (ends_at)`.execute(db)
}
