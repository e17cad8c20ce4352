import { type Kysely, sql } from 'kysely'

// The consented claim values, sealed under the person's key and deleted when their retention ends: the consent stays.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists consent_value (
    consent_id uuid primary key references consent (id) on delete cascade,
    sealed bytea not null,
    retain_until timestamptz not null
  )`.execute(db)
  await sql`create index if not exists consent_value_retention on consent_value (retain_until)`.execute(db)
}
