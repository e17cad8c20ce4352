import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { EventType } from '../src/privacy/event.ts'

/** jsonb: read as a value, written as JSON text (arrays would otherwise become PostgreSQL arrays, dependencies.md §3). */
type Json<T extends object> = JSONColumnType<T, string, string>
/** int8 arrives as text on both engines. */
type Int8 = ColumnType<string, number | string, number | string>

export interface GrantTable {
  id: string
  account_id: string | null
  client_id: string
  payload: Json<object>
  expires_at: Date | null
}

/** Everything else that oidc-provider keeps. `id` is the SHA-256 of the bearer id. */
export interface ModelTable {
  model: string
  id: Buffer
  /** sessions only: the one model that is merged in SQL */
  payload: JSONColumnType<object, string | null, string | null> | null
  sealed_payload: Buffer | null
  grant_id: string | null
  uid: string | null
  session_uid: string | null
  user_code: Buffer | null
  client_id: string | null
  account_id: string | null
  /** sessions only: UUIDv7 of the first save */
  made: string | null
  expires_at: Date | null
  consumed_at: Date | null
}

/** The answer to a refresh, for the seconds in which it may be asked for again; `id` as in ModelTable. */
export interface RefreshRepeatTable {
  id: Buffer
  grant_id: string
  successor: Buffer
  request_hash: Buffer
  sealed_answer: Buffer
  ends_at: Date
}

export interface ClientTable {
  id: string
  metadata: Json<Record<string, unknown>>
  sealed_secret: Buffer | null
  sealed_previous_secret: Buffer | null
  previous_secret_ends_at: Date | null
  created_at: Date
  updated_at: Date
}

export interface CacheVersionTable {
  name: string
  version: Int8
}

export interface DataKeyTable {
  id: string
  owner: string
  kek_id: string
  wrapped: Buffer
  created_at: Generated<Date>
}

export interface AccountTable {
  id: string
  account_key: Buffer
  created_at: Date
}

export interface UpstreamTokenTable {
  account_id: string
  rail: string
  sealed: Buffer
  expires_at: Date
}

export interface UpstreamSessionTable {
  id: string
  rail: string
  grant_id: string | null
  sealed: Buffer
  generation: number
  access_ends_at: Date
  ends_at: Date
  lease_until: Date | null
}

export interface RailAttemptTable {
  id: string
  rail: string
  interaction_uid: string
  client_id: string
  state_hash: Buffer
  browser_hash: Buffer
  sealed_state: Buffer
  sealed_outcome: Buffer | null
  expires_at: Date
  used_at: Date | null
  account_key: Buffer | null
}

export interface RailCredentialTable {
  rail: string
  client_id: string
  sealed_secret: Buffer
  sealed_previous_secret: Buffer | null
  configured_hash: Buffer | null
  changed_at: Date | null
}

export interface ConsentTable {
  id: string
  account_id: string
  client_id: string
  grant_id: string
  rail: string
  purpose: string
  notice: string
  locale: string
  items: Json<object[]>
  evidence: Json<object[]>
  request_digest: string
  given_at: Date
  retain_until: Date
}

export interface ConsentValueTable {
  consent_id: string
  sealed: Buffer
  retain_until: Date
}

export interface EventTable {
  id: string
  at: Date
  type: EventType
  account_id: string | null
  client_id: string | null
  grant_id: string | null
  interaction_uid: string | null
  incident_id: string | null
  data: Json<Record<string, unknown>>
}

export interface SigningKeyTable {
  kid: string
  alg: string
  state: string
  holder: Generated<string>
  public_jwk: JSONColumnType<object, string | null, string | null> | null
  /** null when the key is held elsewhere */
  sealed_private_jwk: Buffer | null
  created_at: Date
  due_at: Date | null
  activated_at: Date | null
  retired_at: Date | null
  ends_at: Date | null
}

export interface RateCountTable {
  key: string
  ends_at: Date
  hits: Int8
}

/** `id` is the SHA-256 of the handle. */
export interface PostedRequestTable {
  id: Buffer
  sealed: Buffer
  ends_at: Date
}

export interface LogoutDeliveryTable {
  id: string
  client_id: string
  account_id: string
  sid: string | null
  attempts: Generated<number>
  due_at: Date
  ends_at: Date
  lease_until: Date | null
}

export interface Schema {
  oidc_grant: GrantTable
  oidc_model: ModelTable
  refresh_repeat: RefreshRepeatTable
  client: ClientTable
  cache_version: CacheVersionTable
  data_key: DataKeyTable
  account: AccountTable
  upstream_token: UpstreamTokenTable
  upstream_session: UpstreamSessionTable
  rail_attempt: RailAttemptTable
  rail_credential: RailCredentialTable
  consent: ConsentTable
  consent_value: ConsentValueTable
  event: EventTable
  signing_key: SigningKeyTable
  rate_count: RateCountTable
  logout_delivery: LogoutDeliveryTable
  posted_request: PostedRequestTable
}
