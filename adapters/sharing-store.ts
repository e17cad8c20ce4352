import { sql } from 'kysely'
import type { Clock } from '../src/clock.ts'
import type { ConsentItem } from '../src/privacy/consent.ts'
import type { DwarEvent, EventStore } from '../src/privacy/event.ts'
import type { Sharing, SharingStore } from '../src/privacy/sharing.ts'
import type { Database } from './database.ts'
import { grantsInOrder } from './grants-in-order.ts'
import { TOLD_FOR } from './logout-store.ts'

/** (account, now, limit); indexes consent_account, oidc_grant's key, event_ending. The event that ended a grant is its first. */
const LIST = `select c.id, c.client_id, c.items, extract(epoch from c.given_at)::float8 as given_at,
    extract(epoch from c.retain_until)::float8 as retain_until, g.id is not null as active,
    e.type as ending, e.data ->> 'reason' as reason, extract(epoch from e.at)::float8 as ended_at
  from consent c
  left join oidc_grant g on g.id = c.grant_id and (g.expires_at is null or g.expires_at > to_timestamp($2))
  left join lateral (
    select type, data, at from event
    where account_id = c.account_id and grant_id = c.grant_id and type in ('grant.revoked', 'consent.withdrawn')
    order by id limit 1
  ) e on true
  where c.account_id = $1 order by c.id desc limit $3`

interface Row {
  readonly id: string
  readonly client_id: string
  readonly items: readonly ConsentItem[]
  readonly given_at: number
  readonly retain_until: number
  readonly active: boolean
  readonly ending: 'grant.revoked' | 'consent.withdrawn' | null
  readonly reason: Exclude<NonNullable<Sharing['ending']>['reason'], 'withdrawn'> | null
  readonly ended_at: number
}

/** What a person shared, read from consents, grants and history; and taken back. */
export function createSharingStore(database: Database, events: EventStore, clock: Clock): SharingStore {
  return {
    async list(accountId, now, limit) {
      const rows = await database.hot<Row>('sharing_list', LIST, [accountId, now, limit])
      return rows.map(toSharing)
    },
    withdraw: (accountId, clientId) =>
      database.transact(async () => {
        const ended = await withdraw(database, events, accountId, clientId)
        if (ended > 0) await tellApp(database, clock(), accountId, clientId)
        return ended
      }),
  }
}

function toSharing(row: Row): Sharing {
  const reason = row.ending === 'consent.withdrawn' ? 'withdrawn' : (row.reason ?? 'other')
  return {
    consentId: row.id,
    clientId: row.client_id,
    items: row.items,
    givenAt: row.given_at,
    retainUntil: row.retain_until,
    active: row.active,
    ending: row.ending === null ? undefined : { reason, at: row.ended_at },
  }
}

/**
 * Her account first: a yes that is being written is waited for and goes as well, whole. Then the grants: whoever is issuing
 * tokens under one is waited for, and they go with it (foreign key, migration 0002).
 */
async function withdraw(database: Database, events: EventStore, accountId: string, clientId: string): Promise<number> {
  const db = database.db()
  await db.selectFrom('account').select('id').where('id', '=', accountId).forUpdate().execute()
  const grants = await db
    .deleteFrom('oidc_grant')
    .where('id', 'in', grantsInOrder(database).where('account_id', '=', accountId).where('client_id', '=', clientId))
    .returning('id')
    .execute()
  const own = db.selectFrom('consent').where('account_id', '=', accountId).where('client_id', '=', clientId)
  const values = await db
    .deleteFrom('consent_value')
    .where('consent_id', 'in', own.select('id'))
    .returning('consent_id')
    .execute()
  const ended = new Set([...grants.map(({ id }) => id), ...values.map(({ consent_id }) => consent_id)])
  const consents = (await own.select(['id', 'grant_id']).execute()).filter(
    ({ id, grant_id }) => ended.has(id) || ended.has(grant_id),
  )
  await events.append(
    consents.map(
      ({ id, grant_id }): DwarEvent => ({
        body: { type: 'consent.withdrawn', consentId: id },
        accountId,
        clientId,
        grantId: grant_id,
      }),
    ),
  )
  return consents.length
}

/**
 * An app that is told of sign-outs is told of this as well, so that it stops too (DPDP Act 2023 §6(6)): of the person, or,
 * where it knows people by session alone, of each session she has (OpenID Connect Back-Channel Logout 1.0 §2.2, §2.4).
 */
async function tellApp(database: Database, now: number, accountId: string, clientId: string): Promise<void> {
  const { rows } = await sql<{ sid: string | null }>`
    select distinct case when by_session then m.payload #>> array['authorizations', ${clientId}, 'sid'] end as sid
    from (select coalesce((metadata ->> 'backchannel_logout_session_required')::boolean, false) as by_session
      from client where id = ${clientId} and metadata ->> 'backchannel_logout_uri' is not null) as app
    left join oidc_model m on by_session and m.model = 'Session' and m.account_id = ${accountId}
      and m.expires_at > to_timestamp(${now})
    where not by_session or m.payload #>> array['authorizations', ${clientId}, 'sid'] is not null`.execute(
    database.db(),
  )
  const at = new Date(now * 1000)
  const notice = { client_id: clientId, account_id: accountId, due_at: at, ends_at: new Date((now + TOLD_FOR) * 1000) }
  const deliveries = rows.map(({ sid }) => ({ ...notice, id: database.newId(), sid }))
  if (deliveries.length > 0) await database.db().insertInto('logout_delivery').values(deliveries).execute()
}
