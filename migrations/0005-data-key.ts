import { type Kysely, sql } from 'kysely'

// One data key per owner; erasing a person is deleting her row.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists data_key (
    id uuid primary key,
    owner text not null unique,
    kek_id text not null,
    wrapped bytea not null,
    created_at timestamptz not null default now()
  )`.execute(db)
  await sql`create index if not exists data_key_kek on data_key (kek_id)`.execute(db)
}
