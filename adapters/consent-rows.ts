import type { ConsentItem, ConsentWithValues, DocumentEvidence } from '../src/privacy/consent.ts'

/** The newest consent of a grant with its sealed values, as {@link joinConsent} selects it; all null if there is none. */
export interface ConsentRow {
  readonly consent_id: string | null
  readonly consent_account_id: string
  readonly consent_client_id: string
  readonly consent_grant_id: string
  readonly consent_rail: string
  readonly consent_purpose: string
  readonly consent_notice: string
  readonly consent_locale: string
  readonly consent_items: readonly ConsentItem[]
  readonly consent_evidence: readonly DocumentEvidence[]
  readonly consent_request_digest: string
  readonly consent_given_at: number
  readonly consent_retain_until: number
  readonly consent_values: Buffer | null
}

export const CONSENT_COLUMNS = `c.id as consent_id, c.account_id as consent_account_id, c.client_id as consent_client_id,
  c.grant_id as consent_grant_id, c.rail as consent_rail, c.purpose as consent_purpose, c.notice as consent_notice,
  c.locale as consent_locale, c.items as consent_items, c.evidence as consent_evidence,
  c.request_digest as consent_request_digest, extract(epoch from c.given_at)::float8 as consent_given_at,
  extract(epoch from c.retain_until)::float8 as consent_retain_until, v.sealed as consent_values`

/**
 * Joins the newest consent (index consent_grant) of the grant that `grantId` names, and its values unless their
 * retention is over at `now`. Both are SQL expressions.
 */
export function joinConsent(grantId: string, now: string): string {
  return `left join lateral (
      select id, account_id, client_id, grant_id, rail, purpose, notice, locale, items, evidence, request_digest,
        given_at, retain_until
      from consent where grant_id = ${grantId} order by id desc limit 1
    ) c on true
    left join consent_value v on v.consent_id = c.id and v.retain_until > ${now}`
}

export function toConsent(row: ConsentRow | undefined): ConsentWithValues | undefined {
  if (!row || row.consent_id === null) return undefined
  return {
    id: row.consent_id,
    accountId: row.consent_account_id,
    clientId: row.consent_client_id,
    grantId: row.consent_grant_id,
    rail: row.consent_rail,
    purpose: row.consent_purpose,
    notice: row.consent_notice,
    locale: row.consent_locale,
    items: row.consent_items,
    evidence: row.consent_evidence,
    requestDigest: row.consent_request_digest,
    givenAt: row.consent_given_at,
    retainUntil: row.consent_retain_until,
    sealedValues: row.consent_values ?? undefined,
  }
}
