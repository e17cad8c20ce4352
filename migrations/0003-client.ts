import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists client (
    id text primary key,
    metadata jsonb not null,
    sealed_secret bytea,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`.execute(db)
}
