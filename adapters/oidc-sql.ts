import { GRANTED_COLUMNS, joinConsent } from './consent-rows.ts'
import { insertEventsOfAct } from './event-rows.ts'
import { mergeSession, sessionPayload, sessionPlace } from './oidc-session-sql.ts'
import { alive, statement } from './statement.ts'

const INSERT_MODEL = `insert into oidc_model
    (model, id, sealed_payload, grant_id, session_uid, user_code, client_id, account_id, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9))
  on conflict (model, id) do update set sealed_payload = excluded.sealed_payload, grant_id = excluded.grant_id,
    session_uid = excluded.session_uid, user_code = excluded.user_code, client_id = excluded.client_id,
    account_id = excluded.account_id, expires_at = excluded.expires_at`

/** Inserts or updates a sealed model; what was consumed stays consumed. */
export const UPSERT_MODEL = statement('model_upsert', INSERT_MODEL)

/** The same with its events, $10. */
export const UPSERT_MODEL_NOTED = statement(
  'model_upsert_noted',
  `with act as (${INSERT_MODEL} returning account_id, client_id, grant_id) ${insertEventsOfAct(10)}`,
)

const OF_REQUEST = sessionPlace(
  { uid: '$10', from: '$11', to: '$12', account: '$13', anew: '$14' },
  '(select count(*) from family) >= 0 and (select count(*) from resumed) >= 0',
)

/**
 * (rows, events, number of rows, changed authorizations, removed ones, answer, interaction, model and id of what is
 * spent, the session: uid if it must stand, id it was read under, new id, account, whether somebody signs in). What one request leaves behind, in one insert: no statement may change a table twice (dependencies.md §3). New
 * are codes and tokens; a session is merged as `UPSERT_SESSION` does; an interaction that came to its end is
 * emptied; a code or refresh token is spent, and a code is kept from then on for as long as what it was spent for. Bytes travel as hexadecimal and base64.
 *
 * Nothing goes under a grant that is gone, which is locked first, as whoever deletes it does (a CTE is run when it is
 * read, so what locks later counts it): a revocation comes before all of this or after it. Nor does anything go for an
 * interaction that another request has ended: of two that resume it one stores; nor for a session that has ended since
 * this request read it; nor for a code or refresh token that another has spent. Events are written when every row was, and so is the sealed answer of a refresh that may be repeated.
 */
export const STORE_REQUEST = statement(
  'request_store',
  `with rows as (
     select * from jsonb_to_recordset($1::jsonb) as t(model text, id text, sealed text, payload jsonb, grant_id text,
       uid text, session_uid text, client_id text, account_id text, expires_at double precision, made uuid,
       consumed_at double precision)
   ),
   family as (select id from oidc_grant where id in (select grant_id from rows) for key share),
   resumed as (
     select id from oidc_model where model = 'Interaction' and id = $7 and expires_at > to_timestamp(0)
       and (select count(*) from family) >= 0 for update
   ),
   ${OF_REQUEST.standing},
   unspent as (
     select id from oidc_model where model = $8 and id = $9 and consumed_at is null
       and (select count(*) from family) >= 0 for update
   ),
   stored as (
     insert into oidc_model as m (model, id, sealed_payload, payload, grant_id, uid, session_uid, client_id, account_id,
       expires_at, made, consumed_at)
     select t.model, case when t.model = 'Session' then ${OF_REQUEST.proposed} else decode(t.id, 'hex') end,
       decode(t.sealed, 'base64'), t.payload, t.grant_id, t.uid, t.session_uid,
       t.client_id, t.account_id, to_timestamp(t.expires_at), t.made, to_timestamp(t.consumed_at)
     from rows t where (t.grant_id is null or exists (select 1 from family where family.id = t.grant_id))
       and ($7::bytea is null or exists (select 1 from resumed))
       and ($9::bytea is null or exists (select 1 from unspent))
       and ${OF_REQUEST.isOpen}
     on conflict (model, id) do update set
       id = ${OF_REQUEST.kept('m')},
       sealed_payload = case when m.model = 'Interaction' then null else m.sealed_payload end,
       payload = case when m.model = 'Session' then ${mergeSession('m', '$4', '$5')} else m.payload end,
       uid = coalesce(excluded.uid, m.uid),
       account_id = case when m.model = 'Session' then excluded.account_id else m.account_id end,
       expires_at = case when m.model in ('Session', 'Interaction') then excluded.expires_at
         else greatest(m.expires_at, excluded.expires_at) end,
       consumed_at = excluded.consumed_at
       where m.model in ('Session', 'Interaction') or m.consumed_at is null
     returning m.model, m.id, m.account_id, m.client_id, m.grant_id
   ),
   act as (
     select max(account_id) as account_id, max(client_id) as client_id, max(grant_id) as grant_id from stored
     having count(*) = $3
   ),
   kept as (
     insert into refresh_repeat (id, grant_id, successor, request_hash, sealed_answer, ends_at)
     select decode(r.id, 'hex'), r.grant_id, decode(r.successor, 'hex'), decode(r.request_hash, 'hex'),
       decode(r.sealed, 'base64'), to_timestamp(r.ends_at)
     from act, jsonb_to_record($6::jsonb) as r(id text, grant_id text, successor text, request_hash text, sealed text,
       ends_at double precision)
     where r.id is not null
   ),
   noted as (${insertEventsOfAct(2)} returning id)
   select model, id from stored`,
)

/**
 * (id, hash of the request, now, events). A refresh token that was used before, with the answer it got then. `same`: the
 * request is that one again, in time, and the successor is unused; the events are appended only then.
 */
export const ANSWER_REPEAT = statement(
  'repeat_answer',
  `with found as (
     select m.account_id, m.client_id, m.grant_id, extract(epoch from m.consumed_at)::float8 as consumed,
       r.id is not null as answered, r.sealed_answer,
       r.request_hash = $2 and r.ends_at > to_timestamp($3) and n.id is not null and n.consumed_at is null as same
     from oidc_model m
     left join refresh_repeat r on r.id = m.id
     left join oidc_model n on n.model = 'RefreshToken' and n.id = r.successor
     where m.model = 'RefreshToken' and m.id = $1
   ), act as (select account_id, client_id, grant_id from found where same),
   noted as (${insertEventsOfAct(4)} returning id)
   select consumed, answered, same, sealed_answer from found`,
)

/** (model, id, floor) */
export const FIND_MODEL = statement(
  'model_find',
  `select sealed_payload, extract(epoch from consumed_at)::float8 as consumed
   from oidc_model m where model = $1 and id = $2 and ${alive('m', '$3')}`,
)

/** (model, hash of user code, floor); index oidc_model_user_code */
export const FIND_BY_USER_CODE = statement(
  'model_by_user_code',
  `select id, sealed_payload, extract(epoch from consumed_at)::float8 as consumed
   from oidc_model m where model = $1 and user_code = $2 and ${alive('m', '$3')}`,
)

/**
 * (ids in hexadecimal with commas between, floor, now). Codes and tokens of whatever kind with the grant, the session and
 * the consent that their use asks for next, so that userinfo and introspection are one round trip. One id is one value: the bearer values are random.
 */
export const FIND_TOKENS = statement(
  'tokens_find',
  `select q.hex, m.model, m.sealed_payload, m.grant_id, m.session_uid, extract(epoch from m.consumed_at)::float8 as consumed,
     g.payload::text as grant_payload, s.payload::text as session_payload, ${GRANTED_COLUMNS}
   from unnest(string_to_array($1, ',')) as q(hex)
   join lateral (
     select model, sealed_payload, grant_id, session_uid, consumed_at, expires_at from oidc_model
     where model in ('AccessToken', 'AuthorizationCode', 'ClientCredentials', 'RefreshToken') and id = decode(q.hex, 'hex')
     limit 1 -- by the primary key whatever the planner believes: it planned while the table was empty
   ) m on ${alive('m', '$2')}
   left join oidc_grant g on g.id = m.grant_id and ${alive('g', '$2')}
   left join lateral (
     select ${sessionPayload('o', '$2')} as payload
     from oidc_model o where o.model = 'Session' and o.uid = m.session_uid and ${alive('o', '$2')}
     order by o.made desc limit 1
   ) s on true
   ${joinConsent('m.grant_id', 'to_timestamp($3)')}`,
)

const MARK_CONSUMED = `update oidc_model set consumed_at = to_timestamp($3)
  where model = $1 and id = $2 and consumed_at is null`

/** (model, id, now). Of racing calls one gets a row (RFC 6749 §4.1.2). */
export const CONSUME = statement('model_consume', `${MARK_CONSUMED} returning 1 as won`)

/** The same with its events, $4. */
export const CONSUME_NOTED = statement(
  'model_consume_noted',
  `with act as (${MARK_CONSUMED} returning account_id, client_id, grant_id),
     noted as (${insertEventsOfAct(4)} returning id)
   select 1 as won from act`,
)

/** (model, id). Of racing calls one gets a row. */
export const DESTROY_MODEL = statement(
  'model_destroy',
  'delete from oidc_model where model = $1 and id = $2 returning 1 as gone',
)

/** (id, account, client, payload, expiry) */
export const UPSERT_GRANT = statement(
  'grant_upsert',
  `insert into oidc_grant (id, account_id, client_id, payload, expires_at)
   values ($1, $2, $3, $4::jsonb, to_timestamp($5))
   on conflict (id) do update set account_id = excluded.account_id, client_id = excluded.client_id,
     payload = excluded.payload, expires_at = excluded.expires_at`,
)

/** (id, floor) */
export const FIND_GRANT = statement(
  'grant_find',
  `select payload::text as payload from oidc_grant g where id = $1 and ${alive('g', '$2')}`,
)

/** (grant, events). The cascading key takes the whole family, and refuses tokens that are still on their way in. */
export const REVOKE_GRANT = statement(
  'grant_revoke',
  `with act as (delete from oidc_grant where id = $1 returning id as grant_id, account_id, client_id)
   ${insertEventsOfAct(2)}`,
)

/** (model, id, events): the same for the family that a code or token belongs to. */
export const REVOKE_FAMILY = statement(
  'family_revoke',
  `with act as (
     delete from oidc_grant where id = (select grant_id from oidc_model where model = $1 and id = $2)
     returning id as grant_id, account_id, client_id)
   ${insertEventsOfAct(3)}`,
)

/** (id, expiry). Inserts or fails: of simultaneous uses one is the first. */
export const INSERT_REPLAY = statement(
  'replay_insert',
  `insert into oidc_model (model, id, expires_at) values ('ReplayDetection', $1, to_timestamp($2))
   on conflict (model, id) do nothing returning 1 as first`,
)
