import type { Clock } from '../src/clock.ts'
import type { ConsentStore } from '../src/privacy/consent.ts'
import type { DwarEvent, EventStore } from '../src/privacy/event.ts'
import {
  CONSENT_COLUMNS,
  type ConsentRow,
  GRANTED_COLUMNS,
  type GrantedRow,
  joinConsent,
  toConsent,
  toGranted,
} from './consent-rows.ts'
import type { Database } from './database.ts'
import type { RequestMemo } from './request-memo.ts'
import { alive } from './statement.ts'

/** (grant, now). With the grant and its account, which the engine asks for at `/authorize` as well. */
const FIND = `select ${GRANTED_COLUMNS}, o.payload::text as grant_payload, p.id as person
  from (select $1::text as id) g ${joinConsent('g.id', 'to_timestamp($2)')}
  left join oidc_grant o on o.id = g.id and ${alive('o', '$2')}
  left join account p on p.id = c.account_id`

interface FoundRow extends GrantedRow {
  readonly grant_payload: string | null
  readonly person: string | null
}

/** By the index consent_account, newest first: UUIDv7 rises. */
const FIND_LIVE = `select ${CONSENT_COLUMNS} from consent c
  join oidc_grant g on g.id = c.grant_id and (g.expires_at is null or g.expires_at > to_timestamp($3))
  join consent_value v on v.consent_id = c.id and v.retain_until > to_timestamp($3)
  where c.account_id = $1 and c.client_id = $2
  order by c.id desc limit 1`

export interface ConsentStoreParts {
  readonly database: Database
  readonly clock: Clock
  readonly events: EventStore
  readonly memo: RequestMemo
}

/** The ledger of consents; a consent that was read with its token in this request costs no statement. */
export function createConsentStore({ database, clock, events, memo }: ConsentStoreParts): ConsentStore {
  return {
    async findByGrant(grantId) {
      const known = memo()?.consents
      if (known?.has(grantId)) return toGranted(known.get(grantId))
      const [row] = await database.hot<FoundRow>('consent_by_grant', FIND, [grantId, clock()])
      known?.set(grantId, row)
      if (row?.grant_payload) memo()?.grants.set(grantId, row.grant_payload)
      if (row?.person) memo()?.accounts.add(row.person)
      return toGranted(row)
    },

    async findLive(accountId, clientId, now) {
      const [row] = await database.hot<ConsentRow>('consent_live', FIND_LIVE, [accountId, clientId, now])
      return toConsent(row)
    },

    deleteExpiredValues: (now, limit) => database.transact(() => deleteExpired(database, events, now, limit)),
  }
}

async function deleteExpired(database: Database, events: EventStore, now: number, limit: number): Promise<number> {
  const db = database.db()
  const due = db
    .selectFrom('consent_value')
    .select('consent_id')
    .where('retain_until', '<=', new Date(now * 1000))
    .orderBy('retain_until')
    .limit(limit)
    .forUpdate()
    .skipLocked() // whoever takes a consent back has its values already; a job waits for nobody
  const deleted = await db
    .with('due', () => due)
    .deleteFrom('consent_value')
    .using('due')
    .whereRef('consent_value.consent_id', '=', 'due.consent_id')
    .returning('consent_value.consent_id')
    .execute()
  if (deleted.length === 0) return 0
  const ids = deleted.map((row) => row.consent_id)
  const consents = await db
    .selectFrom('consent')
    .select(['id', 'account_id', 'client_id', 'grant_id'])
    .where('id', 'in', ids)
    .execute()
  await events.append(
    consents.map(
      (consent): DwarEvent => ({
        body: { type: 'values.expired', consentId: consent.id },
        accountId: consent.account_id,
        clientId: consent.client_id,
        grantId: consent.grant_id,
      }),
    ),
  )
  return deleted.length
}
