import { type Kysely, sql } from 'kysely'

// The life of a signing key: next, current, retired, and then its row is gone. A key that is held elsewhere (a key
// management service, a file) has a public half here and no private one. The partial unique index decides which of many
// instances makes the next key.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table signing_key add column if not exists holder text not null default 'sealed'`.execute(db)
  await sql`alter table signing_key add column if not exists public_jwk jsonb`.execute(db)
  await sql`alter table signing_key add column if not exists due_at timestamptz`.execute(db)
  await sql`alter table signing_key add column if not exists activated_at timestamptz`.execute(db)
  await sql`alter table signing_key add column if not exists retired_at timestamptz`.execute(db)
  await sql`alter table signing_key add column if not exists ends_at timestamptz`.execute(db)
  await sql`alter table signing_key alter column sealed_private_jwk drop not null`.execute(db)
  await sql`create unique index if not exists signing_key_next on signing_key (alg) where state = 'next'`.execute(db)
  await sql`insert into cache_version (name, version) values ('signing_key', 1) on conflict (name) do nothing`.execute(
    db,
  )
}
