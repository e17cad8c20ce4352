import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import pg from 'pg'

export interface PlainStore {
  readonly adapter: AdapterFactory
  readonly statements: () => number
  close(): Promise<void>
}

const SCHEMA = `create table plain (
    model text, id text, payload jsonb not null, grant_id text, user_code text, uid text, expires_at timestamptz,
    primary key (model, id));
  create index on plain (grant_id);
  create index on plain (uid)`

/**
 * The engine's storage on PostgreSQL as anybody would write it first: a row for each thing, a prepared statement for each
 * call, nothing sealed and no token hashed. What a durable store costs at least, call by call.
 */
export async function openPlainStore(url: string): Promise<PlainStore> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  await pool.query(SCHEMA)
  let statements = 0
  const send = async (name: string, text: string, values: unknown[]) => {
    statements += 1
    return (await pool.query<{ payload: AdapterPayload }>({ name, text, values })).rows[0]?.payload
  }
  return {
    adapter: (model) => toAdapter(model, send),
    statements: () => statements,
    close: () => pool.end(),
  }
}

function toAdapter(
  model: string,
  send: (name: string, text: string, values: unknown[]) => Promise<AdapterPayload | undefined>,
): Adapter {
  const findBy = (column: string) => (value: string) =>
    send(
      `find by ${column}`,
      `select payload from plain where model = $1 and ${column} = $2 and (expires_at is null or expires_at > now())`,
      [model, value],
    )
  return {
    upsert: async (id, payload, expiresIn) => {
      await send(
        'upsert',
        `insert into plain (model, id, payload, grant_id, user_code, uid, expires_at)
         values ($1, $2, $3, $4, $5, $6, now() + $7::float8 * interval '1 second')
         on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
        [model, id, payload, payload.grantId, payload.userCode, payload.uid, expiresIn],
      )
    },
    find: findBy('id'),
    findByUid: findBy('uid'),
    findByUserCode: findBy('user_code'),
    consume: async (id) => {
      await send(
        'consume',
        `update plain set payload = jsonb_set(payload, '{consumed}', to_jsonb(extract(epoch from now())::bigint))
         where model = $1 and id = $2`,
        [model, id],
      )
    },
    destroy: async (id) => {
      await send('destroy', 'delete from plain where model = $1 and id = $2', [model, id])
    },
    revokeByGrantId: async (grantId) => {
      await send('revoke', 'delete from plain where grant_id = $1', [grantId])
    },
  }
}
