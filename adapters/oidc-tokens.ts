import type { AdapterPayload } from 'oidc-provider'
import { expiryFloor, hashId, send } from './oidc-parts.ts'
import { SealedModelAdapter } from './oidc-sealed.ts'
import { FIND_TOKEN } from './oidc-sql.ts'
import type { TokenRow } from './request-memo.ts'

/**
 * Codes and tokens: read together with their grant, session and consent, which the engine asks for next. One statement
 * answers for all kinds, since introspection and revocation look for one value as each of them.
 */
export class TokenAdapter extends SealedModelAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const hash = hashId(id)
    const row = await this.#lookUp(hash)
    return row?.model === this.model ? this.open(id, hash, row) : undefined
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
