import type { Acceptance, AcceptOutcome, Decision, DecisionStore, Draft } from '../src/provider/stores.ts'
import { insertEventsOfAct, toEventRows } from './event-rows.ts'
import { InteractionAdapter } from './oidc-interactions.ts'
import { expiryOf, type OidcAdapterParts, send, withoutBearer } from './oidc-parts.ts'
import type { Statement } from './statement.ts'

/** What a yes came to. */
const OUTCOME = `select (select count(*) from act)::int as grants, (select count(*) from undecided)::int as undecided`

interface OutcomeRow {
  readonly grants: number
  readonly undecided: number
}

const toOutcome = (row: OutcomeRow | undefined): AcceptOutcome => {
  if (row?.grants === 1) return 'accepted'
  return row?.undecided === 1 ? 'outdated' : 'decided'
}

/**
 * Of several answers to one interaction one counts: the first locks it, undecided, and marks it (`consumed_at`), so that
 * the others find nothing. What stands in `d` is the decision as one record; `$2` is the interaction's hash, `$3` its
 * payload with the result, `$4` the events.
 */
const RECORD = `d as (select * from jsonb_to_record($1::jsonb) as r(attempt_id uuid, interaction_uid text, now double precision,
    session_until double precision, account_id text, client_id text, grant_id text, grant_payload jsonb,
    grant_expires double precision, consent_id uuid, based_on uuid, rail text, purpose text, notice text, locale text,
    items jsonb, evidence jsonb, request_digest text, given_at double precision, retain_until double precision,
    key_id uuid, key_owner text, kek_id text))`

/** An interaction that is neither over nor decided, where `also` holds. A CTE counted in `also` is run, and locks, before. */
const UNDECIDED = (also: string) => `undecided as (
    select id from oidc_model where model = 'Interaction' and id = $2 and expires_at > to_timestamp(0)
      and consumed_at is null and ${also} for update)`

/** The journey that she decides on is still there. */
const RETURNED = `exists (select 1 from rail_attempt, d where rail_attempt.id = d.attempt_id)`

/** The interaction gets its result and, with a grant, hangs on it: it is read with it, and gone with it. */
const TOLD = (grantId: string) => `told as (
    update oidc_model set sealed_payload = $3, grant_id = ${grantId}, consumed_at = to_timestamp(d.now) from act, d
    where model = 'Interaction' and id = $2 returning 1 as told)`

const FORGET_JOURNEYS = `delete from rail_attempt using d
    where rail_attempt.interaction_uid = d.interaction_uid and exists (select 1 from undecided)`

/** Her account, which nobody who takes back what she shared gets past meanwhile. */
const KNOWN_ACCOUNT = `who as (
    select account.id from account, d where account.id = d.account_id and account.account_key = $5
    for key share of account),
  ${UNDECIDED(`(select count(*) from who) >= 0 and ${RETURNED}`)}`

const NEW_ACCOUNT = `${UNDECIDED(RETURNED)},
  who as (
    insert into account (id, account_key, created_at)
    select d.account_id, $5, to_timestamp(d.now) from d, undecided
    on conflict (account_key) do nothing returning id),
  keyed as (
    insert into data_key (id, owner, kek_id, wrapped) select d.key_id, d.key_owner, d.kek_id, $7 from d, who)`

/** The consent of the grant in `act`, and its values. */
const AGREED = (sealed: string) => `agreed as (
    insert into consent (id, account_id, client_id, grant_id, rail, purpose, notice, locale, items, evidence,
      request_digest, given_at, retain_until)
    select d.consent_id, act.account_id, act.client_id, act.grant_id, d.rail, d.purpose, d.notice, d.locale, d.items,
      d.evidence, d.request_digest, to_timestamp(d.given_at), to_timestamp(d.retain_until) from d, act
    returning id, retain_until),
  kept as (
    insert into consent_value (consent_id, sealed, retain_until) select id, ${sealed}, retain_until from agreed)`

const accept = (name: string, who: string): Statement => ({
  name,
  text: `with ${RECORD}, ${who},
  taken as (${FORGET_JOURNEYS} and exists (select 1 from who) returning rail_attempt.id),
  act as (
    insert into oidc_grant (id, account_id, client_id, payload, expires_at)
    select d.grant_id, who.id, d.client_id, d.grant_payload, to_timestamp(d.grant_expires)
    from d, who where exists (select 1 from taken where taken.id = d.attempt_id)
    returning account_id, client_id, id as grant_id),
  ${AGREED('$6')},
  upstream as (
    update upstream_session set
      grant_id = case when d.session_until is null then upstream_session.grant_id else act.grant_id end,
      ends_at = case when d.session_until is null then least(upstream_session.ends_at, to_timestamp(d.now))
        else to_timestamp(d.session_until) end
    from d, act where upstream_session.id = d.attempt_id),
  ${TOLD('act.grant_id')},
  noted as (${insertEventsOfAct(4)} returning id)
  ${OUTCOME}`,
})

const ACCEPT = accept('decision_accept', KNOWN_ACCOUNT)
const ACCEPT_NEW = accept('decision_accept_new', NEW_ACCOUNT)

/**
 * On the strength of an earlier consent, if that stands: with its grant and its values. Journeys that she began meanwhile
 * are forgotten as well.
 */
const ACCEPT_EARLIER: Statement = {
  name: 'decision_accept_earlier',
  text: `with ${RECORD},
  who as (select account.id from account, d where account.id = d.account_id for key share of account),
  basis as (
    select oidc_grant.id from d join consent on consent.id = d.based_on
    join oidc_grant on oidc_grant.id = consent.grant_id join consent_value on consent_value.consent_id = consent.id
    where consent.account_id in (select id from who) for key share of oidc_grant),
  ${UNDECIDED('(select count(*) from basis) >= 0')},
  taken as (${FORGET_JOURNEYS} and exists (select 1 from basis)),
  act as (
    insert into oidc_grant (id, account_id, client_id, payload, expires_at)
    select d.grant_id, who.id, d.client_id, d.grant_payload, to_timestamp(d.grant_expires)
    from d, who, undecided where exists (select 1 from basis)
    returning account_id, client_id, id as grant_id),
  ${AGREED('$5')},
  ${TOLD('act.grant_id')},
  noted as (${insertEventsOfAct(4)} returning id)
  ${OUTCOME}`,
}

const CLOSE: Statement = {
  name: 'decision_close',
  text: `with ${RECORD}, ${UNDECIDED(RETURNED)},
  taken as (${FORGET_JOURNEYS} returning rail_attempt.id, rail_attempt.client_id),
  act as (
    select taken.client_id, null::text as account_id, null::text as grant_id from taken, d where taken.id = d.attempt_id),
  upstream as (
    update upstream_session set ends_at = least(upstream_session.ends_at, to_timestamp(d.now))
    from d, act where upstream_session.id = d.attempt_id),
  ${TOLD('null')},
  noted as (${insertEventsOfAct(4)} returning id)
  select 1 as closed from act`,
}

/** (hash, payload with the result, events, now) */
const LEAVE: Statement = {
  name: 'decision_leave',
  text: `with act as (
    update oidc_model set sealed_payload = $2, consumed_at = to_timestamp($4)
    where model = 'Interaction' and id = $1 and expires_at > to_timestamp(0) and consumed_at is null
    returning client_id, account_id, grant_id),
  noted as (${insertEventsOfAct(3)} returning id)
  select 1 as left from act`,
}

export function createDecisionStore(parts: OidcAdapterParts): DecisionStore {
  const interactions = new InteractionAdapter(parts)
  const { database, clock } = parts
  const rowOf = ({ id, payload, expiresIn }: Draft) => interactions.toRow(id, payload, expiresIn)

  const record = ({ interaction, attemptId }: Decision, more: object) =>
    JSON.stringify({ attempt_id: attemptId, interaction_uid: interaction.id, now: clock(), ...more })

  return {
    async accept(acceptance) {
      const { account, interaction, event, sealedValues } = acceptance
      const { hash, sealed } = await rowOf(interaction)
      forget(parts)
      const { dataKey } = account
      const values = [
        record(acceptance, toRecord(parts, acceptance)),
        hash,
        sealed,
        toEventRows(database, clock, [event]),
        Buffer.from(account.key),
        Buffer.from(sealedValues),
        ...(dataKey ? [Buffer.from(dataKey.wrapped)] : []),
      ]
      const [row] = await send<OutcomeRow>(parts, dataKey ? ACCEPT_NEW : ACCEPT, values)
      return toOutcome(row)
    },

    async acceptEarlier({ interaction, grant, consent, basedOn, sealedValues, event }) {
      const { hash, sealed } = await rowOf(interaction)
      forget(parts)
      const more = toRecord(parts, { grant, consent, account: { id: consent.accountId } })
      const told = JSON.stringify({ interaction_uid: interaction.id, now: clock(), based_on: basedOn, ...more })
      const values = [told, hash, sealed, toEventRows(database, clock, [event]), Buffer.from(sealedValues)]
      const [row] = await send<OutcomeRow>(parts, ACCEPT_EARLIER, values)
      return toOutcome(row)
    },

    async close(decision) {
      const { hash, sealed } = await rowOf(decision.interaction)
      forget(parts)
      const values = [record(decision, {}), hash, sealed, toEventRows(database, clock, [decision.event])]
      return (await send(parts, CLOSE, values)).length === 1
    },

    async leave(interaction, event) {
      const { hash, sealed } = await rowOf(interaction)
      const values = [hash, sealed, toEventRows(database, clock, [event]), clock()]
      return (await send(parts, LEAVE, values)).length === 1
    },
  }
}

type Recorded = Pick<Acceptance, 'grant' | 'consent'> & {
  readonly account: Pick<Acceptance['account'], 'id'> & Partial<Pick<Acceptance['account'], 'dataKey'>>
  readonly keepSessionUntil?: Acceptance['keepSessionUntil']
}

function toRecord(parts: OidcAdapterParts, { account, grant, consent, keepSessionUntil }: Recorded): object {
  return {
    session_until: keepSessionUntil,
    account_id: account.id,
    client_id: consent.clientId,
    grant_id: grant.id,
    grant_payload: withoutBearer(grant.payload),
    grant_expires: expiryOf(parts, grant.payload, grant.expiresIn),
    consent_id: consent.id,
    rail: consent.rail,
    purpose: consent.purpose,
    notice: consent.notice,
    locale: consent.locale,
    items: consent.items,
    evidence: consent.evidence,
    request_digest: consent.requestDigest,
    given_at: consent.givenAt,
    retain_until: consent.retainUntil,
    key_id: account.dataKey?.id,
    key_owner: account.dataKey?.owner,
    kek_id: account.dataKey?.kekId,
  }
}

function forget({ memo }: OidcAdapterParts): void {
  const notes = memo()
  notes?.attempts.clear()
  notes?.accountsByKey.clear()
  notes?.forgetFamilies()
}
