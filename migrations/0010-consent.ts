import { type Kysely, sql } from 'kysely'

// The ledger of decisions. grant_id is no foreign key: the decision outlives the grant that was minted from it.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists consent (
    id uuid primary key,
    account_id text not null,
    client_id text not null,
    grant_id text not null,
    rail text not null,
    purpose text not null,
    notice text not null,
    locale text not null,
    items jsonb not null,
    evidence jsonb not null,
    request_digest text not null,
    given_at timestamptz not null,
    retain_until timestamptz not null
  )`.execute(db)
  await sql`create index if not exists consent_grant on consent (grant_id, id)`.execute(db)
  await sql`create index if not exists consent_account on consent (account_id, client_id, id)`.execute(db)
}
