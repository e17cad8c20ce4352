import { alive, statement } from './statement.ts'

/**
 * The payload of session row `s` with the authorizations of all rows of its uid: two logins that give a session a new id at
 * once leave a row each, and the newer one lacks what the other added. Both expect the codes of their apps to work. Empty
 * ones are left out: the engine makes one for any app that begins.
 */
export const sessionPayload = (
  s: string,
  floor: string,
) => `${s}.payload || jsonb_build_object('authorizations', coalesce((
       select jsonb_object_agg(a.key, a.value order by r.made) from oidc_model r, jsonb_each(r.payload -> 'authorizations') a
       where a.value <> '{}' and r.model = 'Session' and r.uid = ${s}.uid and r.account_id = ${s}.account_id and ${alive('r', floor)}
     ), ${s}.payload -> 'authorizations', '{}'))`
/** A session as it is after this request: what is stored, less what was removed, with what was changed on top. */
export const mergeSession = (table: string, changed: string, removed: string) => `case
    when ${table}.account_id is distinct from excluded.account_id then excluded.payload
    when ${table}.payload -> 'authorizations' is null then excluded.payload
    else excluded.payload || jsonb_build_object('authorizations',
      (${table}.payload -> 'authorizations') - array(select jsonb_array_elements_text(${removed}::jsonb))
        || ${changed}::jsonb)
    end`

interface SessionParameters {
  /** of the session that the request has read, if it has: it must stand still, under whatever id */
  readonly uid: string
  /** the id it was read under, and its new one; often the same */
  readonly from: string
  readonly to: string
  readonly account: string
  /** somebody signs in: what another has ended or renamed begins anew, as a row of its own */
  readonly anew: string
}

/**
 * Where a session goes. A new id is a change of its row, never another row: whoever ends the session meanwhile either
 * meets that row, by its uid, or has ended it. One that another request gave a new id is stored under that, if it is still
 * that person's.
 */
export const sessionPlace = ({ uid, from, to, account, anew }: SessionParameters, lockedBefore = 'true') => ({
  standing: `standing as (
     select id from oidc_model where model = 'Session' and uid = ${uid} and ${lockedBefore}
       and (id = ${from} or account_id is not distinct from ${account})
     order by id = ${from} desc, made desc limit 1 for update
   )`,
  isOpen: `(${uid}::text is null or ${anew}::boolean or exists (select from standing))`,
  proposed: `coalesce((select id from standing where id = ${from} or not ${anew}::boolean), ${to}::bytea)`,
  kept: (table: string) =>
    `case when ${table}.model = 'Session' and ${table}.id = ${from} then ${to} else ${table}.id end`,
})

/**
 * (id, uid if it is known, UUIDv7, now, end of tries). Ends every row of the session's uid, whatever its id is by now: two sign-ins at
 * once can leave two. The apps to be told are those that the deleted rows name, so one that joined at the last moment is told as
 * well; the ids of their deliveries are made from the one given. Returns the grants that end with the session.
 */
export const END_SESSION = statement(
  'session_end',
  `with gone as (
     delete from oidc_model where model = 'Session'
       and (id = $1 or uid = coalesce($2, (select uid from oidc_model where model = 'Session' and id = $1)))
     returning account_id, payload, made
   ),
   joined as (
     select distinct on (a.key) a.key as client_id, a.value as entry, gone.account_id
     from gone, jsonb_each(gone.payload -> 'authorizations') a where a.value <> '{}' order by a.key, gone.made desc
   ),
   told as (
     insert into logout_delivery (id, client_id, account_id, sid, due_at, ends_at)
     select (left($3::text, 32) || lpad(to_hex(row_number() over (order by client_id)), 4, '0'))::uuid,
       client_id, joined.account_id, entry ->> 'sid', to_timestamp($4), to_timestamp($5)
     from joined join client on client.id = joined.client_id
     where client.metadata ->> 'backchannel_logout_uri' is not null and joined.account_id is not null
   )
   select entry ->> 'grantId' as grant_id from joined
   where entry ->> 'grantId' is not null and (entry ->> 'persistsLogout') is distinct from 'true'`,
)

const OF_SESSION = sessionPlace({ uid: '$9', from: '$10', to: '$1', account: '$4', anew: '$11' })

/**
 * (id, payload, uid, account, expiry, changed authorizations, removed ones, UUIDv7, uid if it must stand, id it was read
 * under, whether somebody signs in, deliveries). Two logins of one browser at two clients
 * each write the whole session: kept is what is stored, less what this request removed, with what it changed on top.
 * Another person's session under the same id is replaced whole. One that this request has read must stand still: it does
 * not come back by a request that was under way when she signed out. With it goes who is told that she signed out of one app.
 */
export const UPSERT_SESSION = statement(
  'session_upsert',
  `with ${OF_SESSION.standing},
   stored as (
     insert into oidc_model as m (model, id, payload, uid, account_id, expires_at, made)
     select 'Session', ${OF_SESSION.proposed}, $2::jsonb, $3, $4, to_timestamp($5), $8 where ${OF_SESSION.isOpen}
     on conflict (model, id) do update set
       id = ${OF_SESSION.kept('m')},
       payload = ${mergeSession('m', '$6', '$7')},
       uid = excluded.uid, account_id = excluded.account_id, expires_at = excluded.expires_at
     returning m.id
   ),
   told as (
     insert into logout_delivery (id, client_id, account_id, sid, due_at, ends_at)
     select d.id, d.client_id, d.account_id, d.sid, to_timestamp(d.due_at), to_timestamp(d.ends_at)
     from stored, jsonb_to_recordset($12::jsonb) as d(id uuid, client_id text, account_id text, sid text,
       due_at double precision, ends_at double precision)
   )
   select id from stored`,
)

/** (id, floor) */
export const FIND_SESSION = statement(
  'session_find',
  `select (${sessionPayload('m', '$2')})::text as payload
   from oidc_model m where model = 'Session' and id = $1 and ${alive('m', '$2')}`,
)

/** (uid, floor); index oidc_model_uid. The newest row is the session. */
export const FIND_SESSION_BY_UID = statement(
  'session_by_uid',
  `select (${sessionPayload('m', '$2')})::text as payload
   from oidc_model m where model = 'Session' and uid = $1 and ${alive('m', '$2')} order by made desc limit 1`,
)
