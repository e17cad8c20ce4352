import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists upstream_token (
    account_id text not null references account (id) on delete cascade,
    rail text not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    primary key (account_id, rail)
  )`.execute(db)
}
