import { type Kysely, sql } from 'kysely'

// A grant is the head of a token family: deleting its row deletes every code and token that hangs on it (0002).
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists oidc_grant (
    id text primary key,
    account_id text,
    client_id text not null,
    payload jsonb not null,
    expires_at timestamptz
  )`.execute(db)
  await sql`create index if not exists oidc_grant_account on oidc_grant (account_id, client_id)`.execute(db)
  await sql`create index if not exists oidc_grant_client on oidc_grant (client_id)`.execute(db)
  await sql`create index if not exists oidc_grant_expiry on oidc_grant (expires_at)`.execute(db)
}
