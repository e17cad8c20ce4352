import type { ConsentItem, ConsentWithValues, DocumentEvidence, GrantedConsent } from '../src/privacy/consent.ts'

/**
 * Of the newest consent of a grant what every answer under it needs, as {@link joinConsent} selects it; all null if there
 * is none. Lists are text: most requests that read them never look inside.
 */
export interface GrantedRow {
  readonly consent_id: string | null
  readonly consent_account_id: string
  readonly consent_items: string
  readonly consent_evidence: string
  readonly consent_request_digest: string
  readonly consent_given_at: number
  readonly consent_values: Buffer | null
}

/** The whole consent. */
export interface ConsentRow extends GrantedRow {
  readonly consent_client_id: string
  readonly consent_grant_id: string
  readonly consent_rail: string
  readonly consent_purpose: string
  readonly consent_notice: string
  readonly consent_locale: string
  readonly consent_retain_until: number
}

export const GRANTED_COLUMNS = `c.id as consent_id, c.account_id as consent_account_id, c.items::text as consent_items,
  c.evidence::text as consent_evidence, c.request_digest as consent_request_digest,
  extract(epoch from c.given_at)::float8 as consent_given_at, v.sealed as consent_values`

export const CONSENT_COLUMNS = `${GRANTED_COLUMNS}, c.client_id as consent_client_id, c.grant_id as consent_grant_id,
  c.rail as consent_rail, c.purpose as consent_purpose, c.notice as consent_notice, c.locale as consent_locale,
  extract(epoch from c.retain_until)::float8 as consent_retain_until`

/**
 * Joins the newest consent (index consent_grant) of the grant that `grantId` names, and its values unless their
 * retention is over at `now`. Both are SQL expressions.
 */
export function joinConsent(grantId: string, now: string): string {
  return `left join lateral (
      select id, account_id, items, evidence, request_digest, given_at
      from consent where grant_id = ${grantId} order by id desc limit 1
    ) c on true
    left join consent_value v on v.consent_id = c.id and v.retain_until > ${now}`
}

export function toGranted(row: GrantedRow | undefined): GrantedConsent | undefined {
  if (!row || row.consent_id === null) return undefined
  return {
    id: row.consent_id,
    accountId: row.consent_account_id,
    get items() {
      return JSON.parse(row.consent_items) as ConsentItem[]
    },
    get evidence() {
      return JSON.parse(row.consent_evidence) as DocumentEvidence[]
    },
    requestDigest: row.consent_request_digest,
    givenAt: row.consent_given_at,
    sealedValues: row.consent_values ?? undefined,
  }
}

export function toConsent(row: ConsentRow | undefined): ConsentWithValues | undefined {
  const granted = toGranted(row)
  if (!row || !granted) return undefined
  return {
    ...granted,
    clientId: row.consent_client_id,
    grantId: row.consent_grant_id,
    rail: row.consent_rail,
    purpose: row.consent_purpose,
    notice: row.consent_notice,
    locale: row.consent_locale,
    retainUntil: row.consent_retain_until,
  }
}
