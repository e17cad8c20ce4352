import { type Kysely, sql } from 'kysely'

// Deliveries are taken a few of each app at a time, found app by app: what one is owed costs the others nothing.
export async function up(db: Kysely<unknown>): Promise<void> {
  // what a build that was broken off has left behind is of no use, and bears the name
  await sql`drop index concurrently if exists logout_delivery_client_due`.execute(db)
  await sql`create index concurrently logout_delivery_client_due on logout_delivery (client_id, due_at)`.execute(db)
}
