import { type Kysely, sql } from 'kysely'

// The partial unique index decides which of two instances that start together makes the current key.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists signing_key (
    kid text primary key,
    alg text not null,
    state text not null,
    sealed_private_jwk bytea not null,
    created_at timestamptz not null
  )`.execute(db)
  await sql`create unique index if not exists signing_key_current on signing_key (alg) where state = 'current'`.execute(
    db,
  )
}
