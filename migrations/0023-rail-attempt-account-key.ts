import { type Kysely, sql } from 'kysely'

// Whose account a journey leads to, as account.account_key has it: known from the return to the decision, so that the
// page that takes the decision reads the account together with the journey.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table rail_attempt add column if not exists account_key bytea`.execute(db)
}
