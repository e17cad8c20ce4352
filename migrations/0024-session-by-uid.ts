import { type Kysely, sql } from 'kysely'

// The newest session of a uid by one look: a plan made while the table was empty took another index and read every session.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index if not exists oidc_model_session_uid on oidc_model (uid, made) where model = 'Session'`.execute(
    db,
  )
}
