import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists rail_credential (
    rail text primary key,
    client_id text not null,
    sealed_secret bytea not null,
    sealed_previous_secret bytea
  )`.execute(db)
}
