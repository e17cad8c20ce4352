import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { DwarEvent, EventBody } from '../src/privacy/event.ts'
import { toEventRows } from './event-rows.ts'
import {
  expiryFloor,
  expiryOf,
  hashId,
  type OidcAdapterParts,
  type Payload,
  send,
  withoutBearer,
} from './oidc-parts.ts'
import { reuseEvents, revokeGrant } from './oidc-revocation.ts'
import * as sql from './oidc-sql.ts'
import { refuseNullBytes } from './statement-guard.ts'
import { toGrantError } from './token-batch.ts'

/** Models that are part of a token family: they hang on their grant, and a second use of one ends the family. */
const FAMILY = new Set([
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
])

export const ON_UPSERT: Readonly<Record<string, EventBody>> = {
  AuthorizationCode: { type: 'code.issued' },
  AccessToken: { type: 'access_token.issued' },
  ClientCredentials: { type: 'access_token.issued' },
  RefreshToken: { type: 'refresh_token.issued' },
}

export const ON_CONSUME: Readonly<Record<string, EventBody>> = {
  AuthorizationCode: { type: 'code.redeemed' },
  RefreshToken: { type: 'refresh_token.rotated' },
}

export interface SealedRow {
  readonly sealed_payload: Buffer | null
  readonly consumed: number | null
}

export interface ModelRow {
  readonly hash: Buffer
  readonly sealed: Buffer
  readonly grantId: string | null
  readonly sessionUid: string | null
  readonly clientId: string | null
  readonly accountId: string | null
  /** epoch seconds */
  readonly expiresAt: number | null
}

/** Every model but Client, Session and Grant: the payload is sealed whole, only look-ups are columns. */
export class SealedModelAdapter implements Adapter {
  protected readonly parts: OidcAdapterParts
  protected readonly model: string

  constructor(parts: OidcAdapterParts, model: string) {
    this.parts = parts
    this.model = model
  }

  /** @throws errors.InvalidGrant when the family was revoked while this token was being made */
  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = await this.toRow(id, payload, expiresIn)
    const values = [
      this.model,
      row.hash,
      row.sealed,
      row.grantId,
      row.sessionUid,
      payload.userCode === undefined ? null : hashId(payload.userCode),
      row.clientId,
      row.accountId,
      row.expiresAt,
    ]
    const events = this.#eventsOfUpsert(id, payload)
    try {
      if (events) await send(this.parts, sql.UPSERT_MODEL_NOTED, [...values, events])
      else await send(this.parts, sql.UPSERT_MODEL, values)
    } catch (error) {
      throw toGrantError(error)
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = hashId(id)
    const floor = expiryFloor(this.parts)
    const [row] = await send<SealedRow>(this.parts, sql.FIND_MODEL, [this.model, hash, floor])
    return row && this.open(id, hash, row)
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const values = [this.model, hashId(userCode), expiryFloor(this.parts)]
    const [row] = await send<SealedRow & { id: Buffer }>(this.parts, sql.FIND_BY_USER_CODE, values)
    return row && this.open(undefined, row.id, row)
  }

  async findByUid(): Promise<undefined> {
    throw new TypeError(`${this.model} is not found by uid`)
  }

  /**
   * Marks the artifact used, once. The call that comes second has met a replay: it revokes the family in one statement
   * and is refused (RFC 6749 §4.1.2, RFC 9700 §4.14.2). Never inside a transaction of ours: the refusal would undo the
   * revocation.
   * @throws errors.InvalidGrant, for a pushed authorization request errors.InvalidRequestUri
   */
  async consume(id: string): Promise<void> {
    const hash = hashId(id)
    const notes = this.parts.memo()
    notes?.tokens.delete(hash.toString('hex'))
    const now = this.parts.clock()
    if (await this.#markConsumed(hash, now)) {
      notes?.consumed.push({ model: this.model, hash })
      return this.won(hash, now)
    }
    await this.lost(hash)
    if (!FAMILY.has(this.model)) throw new errors.InvalidRequestUri('request_uri was already used')
    await send(this.parts, sql.REVOKE_FAMILY, [this.model, hash, reuseEvents(this.parts, this.model)])
    notes?.forgetFamilies()
    throw new errors.InvalidGrant(`${this.model} was already used`)
  }

  /** After the use that was first. @param _now epoch seconds */
  protected won(_hash: Buffer, _now: number): void {
    // nothing follows from it, but for refresh tokens
  }

  /** Before a later use is taken for a replay; throws when it is none. */
  protected async lost(_hash: Buffer): Promise<void> {
    // every one is, but for refresh tokens with a window
  }

  /**
   * Of two resumes of one interaction at once, one gets a code: the engine reads it, destroys it and goes on.
   * @throws errors.SessionNotFound to the other, as it would a moment later
   */
  async destroy(id: string): Promise<void> {
    const hash = hashId(id)
    this.parts.memo()?.tokens.delete(hash.toString('hex'))
    const gone = await send(this.parts, sql.DESTROY_MODEL, [this.model, hash])
    if (this.model === 'Interaction' && gone.length === 0)
      throw new errors.SessionNotFound('interaction was resumed already')
  }

  revokeByGrantId(grantId: string): Promise<void> {
    return revokeGrant(this.parts, grantId)
  }

  /** What is kept of a payload: the whole of it sealed, and the columns that it is looked up or ended by. */
  protected async toRow(id: string, payload: AdapterPayload, expiresIn: number | undefined): Promise<ModelRow> {
    const hash = hashId(id)
    this.parts.memo()?.tokens.delete(hash.toString('hex'))
    return {
      hash,
      sealed: await this.#seal(hash, payload),
      grantId: FAMILY.has(this.model) ? (payload.grantId ?? null) : null, // an Interaction's grantId is no family
      sessionUid: payload.sessionUid ?? null,
      clientId: payload.clientId ?? null,
      accountId: payload.accountId ?? null,
      expiresAt: expiryOf(this.parts, payload, expiresIn),
    }
  }

  protected async open(id: string | undefined, hash: Buffer, row: SealedRow): Promise<AdapterPayload> {
    const payload = row.sealed_payload ? await this.#unseal(hash, row.sealed_payload) : {}
    return {
      ...payload,
      ...(id === undefined ? {} : { jti: id }),
      ...(row.consumed === null ? {} : { consumed: row.consumed }),
    }
  }

  async #markConsumed(hash: Buffer, now: number): Promise<boolean> {
    const values = [this.model, hash, now]
    const event = ON_CONSUME[this.model]
    const won = event
      ? await send(this.parts, sql.CONSUME_NOTED, [...values, this.#events(event)])
      : await send(this.parts, sql.CONSUME, values)
    return won.length === 1
  }

  #seal(hash: Buffer, payload: AdapterPayload): Promise<Buffer> {
    const text = JSON.stringify(toStored(payload))
    refuseNullBytes([text]) // sealed, the database would not see it: it would only surface when read
    return this.parts.vault.seal('system', this.#place(hash), text)
  }

  async #unseal(hash: Buffer, sealed: Buffer): Promise<Payload> {
    return JSON.parse((await this.parts.vault.open('system', this.#place(hash), sealed)).toString('utf8'))
  }

  #place(hash: Buffer) {
    return { table: 'oidc_model', column: 'payload', row: `${this.model}:${hash.toString('hex')}` }
  }

  /** The interaction that led to a code is known while the engine resumes it. */
  #eventsOfUpsert(id: string, payload: AdapterPayload): string | undefined {
    const body = ON_UPSERT[this.model]
    if (body) return this.#events(body)
    // An interaction is saved again with its result; only the first time is the start of a login.
    const started = this.model === 'Interaction' && payload.result === undefined && this.parts.interactionStarted
    return started ? toEventRows(this.parts.database, this.parts.clock, [started(id, payload)]) : undefined
  }

  #events(body: EventBody): string {
    const { database, clock } = this.parts
    const interactionUid = Provider.ctx?.oidc?.entities?.Interaction?.uid
    return toEventRows(database, clock, [{ body, interactionUid } satisfies DwarEvent])
  }
}

/**
 * Without the bearer values: its own, and that of the session in an Interaction. A device code is found by its user code
 * and then saved by its own value, so it keeps that one inside the seal.
 */
function toStored(payload: AdapterPayload): Payload {
  const stored = withoutBearer(payload)
  if (payload.session?.cookie !== undefined) {
    const { cookie: _cookie, ...session } = payload.session
    stored.session = session
  }
  if (payload.userCode !== undefined) stored.jti = payload.jti
  return stored
}
