import Provider, { type AdapterPayload, errors } from 'oidc-provider'
import { gather } from './gather.ts'
import { expiryFloor, hashId, type OidcAdapterParts, send } from './oidc-parts.ts'
import { findAnswer, keeperOf } from './oidc-repeat.ts'
import { type ModelRow, ON_CONSUME, ON_UPSERT, SealedModelAdapter } from './oidc-sealed.ts'
import { FIND_TOKENS } from './oidc-sql.ts'
import type { TokenRow } from './request-memo.ts'
import type { PendingRow } from './token-batch.ts'

/** Reads by the SHA-256 of a code or token, in hexadecimal. */
export type ReadToken = (key: string) => Promise<TokenRow | undefined>

/** Of requests that come together one statement reads for all. A transaction reads by itself, in its own connection. */
export function createReadToken(parts: OidcAdapterParts): ReadToken {
  const readAll = async (keys: readonly string[]) => {
    const values = [keys.join(','), expiryFloor(parts), parts.clock()]
    const rows = await send<TokenRow & { hex: string }>(parts, FIND_TOKENS, values)
    return new Map(rows.map((row) => [row.hex, row]))
  }
  const together = gather(readAll)
  return async (key) => (parts.database.inTransaction() ? (await readAll([key])).get(key) : together(key))
}

/** The first use is still being served: the client asks again, as after any answer that was lost. */
const BUSY = {
  status: 503,
  body: { error: 'temporarily_unavailable', error_description: 'this refresh is under way; please repeat it' },
} as const

/**
 * Codes and tokens: read together with their grant, session and consent, which the engine asks for next. One statement
 * answers for all kinds, since introspection and revocation look for one value as each of them.
 */
export class TokenAdapter extends SealedModelAdapter {
  readonly #readToken: ReadToken

  constructor(parts: OidcAdapterParts, model: string, readToken: ReadToken) {
    super(parts, model)
    this.#readToken = readToken
  }

  /** Where what a request stores is stored together, it waits for that. */
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const writes = this.parts.memo()?.writes
    const body = ON_UPSERT[this.model]
    if (!writes || !body) return super.upsert(id, payload, expiresIn)
    const row = await this.toRow(id, payload, expiresIn)
    const { grantId, clientId, accountId } = row
    writes.tokens.push(toPending(this.model, row))
    writes.events.push({
      body,
      interactionUid: Provider.ctx?.oidc?.entities?.Interaction?.uid,
      grantId: grantId ?? undefined,
      clientId: clientId ?? undefined,
      accountId: accountId ?? undefined,
    })
  }

  /**
   * A code or refresh token that this request has read unspent is spent by the statement that stores its tokens: of racing
   * requests one stores any. Everything else is marked at once.
   */
  override async consume(id: string): Promise<void> {
    const notes = this.parts.memo()
    const hash = hashId(id)
    const event = ON_CONSUME[this.model]
    const read = event && (await notes?.tokens.get(hash.toString('hex')))
    if (!notes?.writes || !read || read.consumed !== null) return super.consume(id)
    notes.tokens.delete(hash.toString('hex'))
    const at = this.parts.clock()
    // Should the request be refused, it is spent all the same.
    const alone = () => super.consume(id)
    const grantEnds: number | null = JSON.parse(read.grant_payload ?? '{}').exp ?? null
    notes.writes.spent = { model: this.model, hash, grantId: read.grant_id, grantEnds, at, event, alone }
    this.won(hash, at)
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = hashId(id)
    const row = await this.#lookUp(hash)
    if (row?.model !== this.model) return undefined
    const payload = await this.open(id, hash, row)
    if (this.model === 'AuthorizationCode') return asReplayable(payload)
    return this.model === 'RefreshToken' ? this.#asRepeatable(hash, payload) : payload
  }

  /** Within its window a used token is shown as unused: the engine then checks the whole request before `consume` decides. */
  async #asRepeatable(hash: Buffer, payload: AdapterPayload): Promise<AdapterPayload> {
    const notes = this.parts.memo()
    const terms = notes && (await this.parts.repeatTerms?.(payload))
    if (!notes || !terms || payload.grantId === undefined) return payload
    notes.repeatable = { key: hash.toString('hex'), grantId: payload.grantId, terms }
    const { consumed, ...unused } = payload
    return typeof consumed === 'number' && this.parts.clock() < consumed + terms.graceSeconds ? unused : payload
  }

  protected override won(hash: Buffer, now: number): void {
    const notes = this.parts.memo()
    const { key, grantId, terms } = notes?.repeatable ?? {}
    if (!notes || !terms || grantId === undefined || key !== hash.toString('hex')) return
    notes.keepAnswer = keeperOf(this.parts, hash, grantId, terms, now)
  }

  /** @throws errors.InvalidGrant when the token batch has the first use's answer to give instead */
  protected override async lost(hash: Buffer): Promise<void> {
    const notes = this.parts.memo()
    const { key, terms } = notes?.repeatable ?? {}
    if (!notes || !terms || key !== hash.toString('hex')) return
    const answer = await findAnswer(this.parts, hash, terms)
    if (answer === 'reused') return
    notes.answer = answer === 'busy' ? BUSY : { status: 200, body: answer }
    throw new errors.InvalidGrant('refresh token repeated within its window')
  }

  #lookUp(hash: Buffer): Promise<TokenRow | undefined> {
    const known = this.parts.memo()?.tokens
    const key = hash.toString('hex')
    const found = known?.get(key) ?? this.#read(key)
    known?.set(key, found)
    return found
  }

  async #read(key: string): Promise<TokenRow | undefined> {
    const row = await this.#readToken(key)
    const notes = this.parts.memo()
    if (!row || !notes) return row
    if (row.grant_id !== null) {
      notes.grants.set(row.grant_id, row.grant_payload ?? undefined)
      notes.consents.set(row.grant_id, row)
    }
    if (row.session_uid !== null) notes.sessionsByUid.set(row.session_uid, row.session_payload ?? undefined)
    return row
  }
}

/**
 * A used code has no time any more. The engine would refuse an expired one before it sees that it was used, and let live
 * what came of it; now it checks the whole request as ever, whose client first, and then ends the family.
 */
function asReplayable({ exp, ...payload }: AdapterPayload): AdapterPayload {
  return payload.consumed !== undefined || exp === undefined ? payload : { ...payload, exp }
}

function toPending(model: string, row: ModelRow): PendingRow {
  return {
    model,
    id: row.hash.toString('hex'),
    sealed: row.sealed.toString('base64'),
    grant_id: row.grantId,
    session_uid: row.sessionUid,
    client_id: row.clientId,
    account_id: row.accountId,
    expires_at: row.expiresAt,
  }
}
