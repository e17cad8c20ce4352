import { type Kysely, sql } from 'kysely'

// Append-only: the trigger refuses changes, so erasure destroys keys, never rows.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create or replace function refuse_event_change() returns trigger language plpgsql as
    $$ begin raise exception 'event is append-only' using errcode = 'restrict_violation'; end $$`.execute(db)
  await sql`drop trigger if exists event_append_only on event`.execute(db)
  await sql`create trigger event_append_only before update or delete or truncate on event
    for each statement execute function refuse_event_change()`.execute(db)
}
