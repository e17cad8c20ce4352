import type { Adapter, AdapterPayload } from 'oidc-provider'
import { expiryFloor, expiryOf, type OidcAdapterParts, send, withoutBearer } from './oidc-parts.ts'
import { revokeGrant } from './oidc-revocation.ts'
import { FIND_GRANT, UPSERT_GRANT } from './oidc-sql.ts'

/** Grants. Their id is a reference that every token of the family carries, not a bearer value: it is kept as it is. */
export class GrantAdapter implements Adapter {
  readonly #parts: OidcAdapterParts

  constructor(parts: OidcAdapterParts) {
    this.#parts = parts
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    this.#parts.memo()?.forgetFamilies()
    await send(this.#parts, UPSERT_GRANT, [
      id,
      payload.accountId ?? null,
      payload.clientId,
      JSON.stringify(withoutBearer(payload)),
      expiryOf(this.#parts, payload, expiresIn),
    ])
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const text = await this.#text(id)
    return text === undefined ? undefined : { ...JSON.parse(text), jti: id }
  }

  destroy(id: string): Promise<void> {
    return revokeGrant(this.#parts, id)
  }

  revokeByGrantId(grantId: string): Promise<void> {
    return revokeGrant(this.#parts, grantId)
  }

  async consume(): Promise<never> {
    throw new TypeError('a Grant is not consumed')
  }

  async findByUid(): Promise<never> {
    throw new TypeError('a Grant is not found by uid')
  }

  async findByUserCode(): Promise<never> {
    throw new TypeError('a Grant is not found by user code')
  }

  async #text(id: string): Promise<string | undefined> {
    const known = this.#parts.memo()?.grants
    if (known?.has(id)) return known.get(id)
    const [row] = await send<{ payload: string }>(this.#parts, FIND_GRANT, [id, expiryFloor(this.#parts)])
    known?.set(id, row?.payload)
    return row?.payload
  }
}
