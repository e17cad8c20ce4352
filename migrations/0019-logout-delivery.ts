import { type Kysely, sql } from 'kysely'

// A relying app that must still be told of a sign-out. Gone when it was told, or after a day. No foreign key: a session
// that ended and an account that was erased are told of all the same.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists logout_delivery (
    id uuid primary key,
    client_id text not null,
    account_id text not null,
    sid text,
    attempts integer not null default 0,
    due_at timestamptz not null,
    ends_at timestamptz not null,
    lease_until timestamptz
  )`.execute(db)
  await sql`create index if not exists logout_delivery_due on logout_delivery (due_at)`.execute(db)
}
