import { type AdapterPayload, errors } from 'oidc-provider'
import { expiryFloor, hashId, send } from './oidc-parts.ts'
import { findAnswer, keeperOf } from './oidc-repeat.ts'
import { ON_UPSERT, SealedModelAdapter } from './oidc-sealed.ts'
import { FIND_TOKEN } from './oidc-sql.ts'
import type { TokenRow } from './request-memo.ts'
import type { PendingToken } from './token-batch.ts'

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
  /** Where the tokens of a request are stored together, it waits for that. A code is not: it leaves by a redirect. */
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const pending = this.parts.memo()?.pendingTokens
    const body = ON_UPSERT[this.model]
    if (!pending || !body || this.model === 'AuthorizationCode') return super.upsert(id, payload, expiresIn)
    const { hash, sealed, grantId, sessionUid, clientId, accountId, expiresAt } = await this.toRow(
      id,
      payload,
      expiresIn,
    )
    pending.push({
      row: {
        model: this.model,
        id: hash.toString('hex'),
        sealed: sealed.toString('base64'),
        grant_id: grantId,
        session_uid: sessionUid,
        client_id: clientId,
        account_id: accountId,
        expires_at: expiresAt,
      },
      event: {
        body,
        grantId: grantId ?? undefined,
        clientId: clientId ?? undefined,
        accountId: accountId ?? undefined,
      },
    } satisfies PendingToken)
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = hashId(id)
    const row = await this.#lookUp(hash)
    if (row?.model !== this.model) return undefined
    const payload = await this.open(id, hash, row)
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
    const found = known?.get(key) ?? this.#read(hash)
    known?.set(key, found)
    return found
  }

  async #read(hash: Buffer): Promise<TokenRow | undefined> {
    const [row] = await send<TokenRow>(this.parts, FIND_TOKEN, [hash, expiryFloor(this.parts), this.parts.clock()])
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
