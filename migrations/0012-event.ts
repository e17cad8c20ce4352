import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists event (
    id uuid primary key,
    at timestamptz not null,
    type text not null,
    account_id text,
    client_id text,
    grant_id text,
    interaction_uid text,
    incident_id text,
    data jsonb not null
  )`.execute(db)
  await sql`create index if not exists event_account on event (account_id, id) where account_id is not null`.execute(db)
  await sql`create index if not exists event_client on event (client_id, id) where client_id is not null`.execute(db)
  await sql`create index if not exists event_interaction on event (interaction_uid, id)
    where interaction_uid is not null`.execute(db)
  await sql`create index if not exists event_type on event (type, id)`.execute(db)
}
