import { type Kysely, sql } from 'kysely'

// Look-ups are real columns, not expressions on the payload: generic plans of prepared statements skip those indexes.
// `made` is the UUIDv7 of a session's first save: of two rows with one uid the newer is the session.
// A late insert into a family that was revoked meanwhile fails on the foreign key, so it leaves no orphan.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists oidc_model (
    model text not null,
    id bytea not null,
    payload jsonb,
    sealed_payload bytea,
    grant_id text references oidc_grant (id) on delete cascade,
    uid text,
    session_uid text,
    user_code bytea,
    client_id text,
    account_id text,
    made uuid,
    expires_at timestamptz,
    consumed_at timestamptz,
    primary key (model, id)
  )`.execute(db)
  await sql`create index if not exists oidc_model_grant on oidc_model (grant_id) where grant_id is not null`.execute(db)
  await sql`create index if not exists oidc_model_uid on oidc_model (uid) where uid is not null`.execute(db)
  await sql`create index if not exists oidc_model_user_code on oidc_model (user_code) where user_code is not null`.execute(
    db,
  )
  await sql`create index if not exists oidc_model_session_account on oidc_model (account_id)
    where model = 'Session'`.execute(db)
  await sql`create index if not exists oidc_model_expiry on oidc_model (expires_at)`.execute(db)
}
