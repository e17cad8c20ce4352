import Provider, { type AdapterPayload } from 'oidc-provider'
import type { Owner } from '../src/vault/vault.ts'
import { ATTEMPT_COLUMNS, type AttemptRow, toAttempt } from './attempt-rows.ts'
import { GRANTED_COLUMNS, type GrantedRow, joinConsent } from './consent-rows.ts'
import { expiryFloor, hashId, type OidcAdapterParts, type Payload, send } from './oidc-parts.ts'
import { type ModelRow, SealedModelAdapter, type SealedRow } from './oidc-sealed.ts'
import type { RequestNotes } from './request-memo.ts'
import { alive, type Statement } from './statement.ts'

const INTERACTION = `select m.sealed_payload, extract(epoch from m.consumed_at)::float8 as consumed`

/** (id, floor, uid). What a page of ours needs: the newest journey with it and, once somebody came back, her account and key. */
const FIND_FOR_PAGE: Statement = {
  name: 'interaction_for_page',
  text: `${INTERACTION}, a.*, p.id as person, k.id as key_id, k.kek_id, k.wrapped
   from oidc_model m
   left join lateral (
     select ${ATTEMPT_COLUMNS}, account_key from rail_attempt where interaction_uid = $3 order by id desc limit 1
   ) a on true
   left join account p on p.account_key = a.account_key
   left join data_key k on k.owner = 'account:' || p.id
   where m.model = 'Interaction' and m.id = $1 and ${alive('m', '$2')}`,
}

/** (id, floor, now). What the engine needs to go on: the grant that the decision made, its consent, and whose it is. */
const FIND_FOR_RESUME: Statement = {
  name: 'interaction_for_resume',
  text: `${INTERACTION}, m.grant_id, g.payload::text as grant_payload, p.id as person, ${GRANTED_COLUMNS}
   from oidc_model m
   left join oidc_grant g on g.id = m.grant_id and ${alive('g', '$2')}
   left join account p on p.id = g.account_id
   ${joinConsent('m.grant_id', 'to_timestamp($3)')}
   where m.model = 'Interaction' and m.id = $1 and ${alive('m', '$2')}`,
}

interface PageRow extends SealedRow, Omit<AttemptRow, 'attempt_id'> {
  readonly attempt_id: string | null
  readonly account_key: Buffer | null
  readonly person: string | null
  readonly key_id: string | null
  readonly kek_id: string
  readonly wrapped: Buffer
}

interface ResumeRow extends SealedRow, GrantedRow {
  readonly grant_id: string | null
  readonly grant_payload: string | null
  readonly person: string | null
}

/** Interactions: read together with what the page, or the engine that resumes, asks for next. */
export class InteractionAdapter extends SealedModelAdapter {
  constructor(parts: OidcAdapterParts) {
    super(parts, 'Interaction')
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const notes = this.parts.memo()
    if (!notes) return super.find(id)
    const hash = hashId(id)
    const floor = expiryFloor(this.parts)
    const row = Provider.ctx
      ? noteGrant(notes, await send<ResumeRow>(this.parts, FIND_FOR_RESUME, [hash, floor, this.parts.clock()]))
      : notePage(notes, id, await send<PageRow>(this.parts, FIND_FOR_PAGE, [hash, floor, id]))
    return row && this.open(id, hash, row)
  }

  /** Where the request stores a code, one statement ends the interaction with it. */
  override async destroy(id: string): Promise<void> {
    const writes = this.parts.memo()?.writes
    if (!writes) return super.destroy(id)
    writes.ended = { hash: hashId(id), alone: () => super.destroy(id) }
  }

  /** For what stores it together with other things. */
  override toRow(id: string, payload: Payload, expiresIn: number | undefined): Promise<ModelRow> {
    return super.toRow(id, payload, expiresIn)
  }
}

function notePage(notes: RequestNotes, uid: string, [row]: PageRow[]): PageRow | undefined {
  if (!row) return undefined
  const { attempt_id, account_key, person } = row
  notes.attempts.set(uid, attempt_id === null ? undefined : toAttempt({ ...row, attempt_id }))
  if (account_key) notes.accountsByKey.set(account_key.toString('hex'), person ?? undefined)
  if (person !== null && row.key_id !== null) {
    const owner: Owner = `account:${person}`
    notes.dataKeys.set(owner, { id: row.key_id, owner, kekId: row.kek_id, wrapped: row.wrapped })
  }
  return row
}

function noteGrant(notes: RequestNotes, [row]: ResumeRow[]): ResumeRow | undefined {
  if (row && row.grant_id !== null) {
    notes.grants.set(row.grant_id, row.grant_payload ?? undefined)
    notes.consents.set(row.grant_id, row)
  }
  if (row && row.person !== null) notes.accounts.add(row.person)
  return row
}
