import { type Kysely, sql } from 'kysely'

// One number per kind of cached thing, raised with every change: instances compare it to know that their cache is old.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists cache_version (name text primary key, version bigint not null)`.execute(db)
  await sql`insert into cache_version (name, version) values ('client', 1) on conflict (name) do nothing`.execute(db)
}
