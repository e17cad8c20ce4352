import type { Adapter, AdapterPayload } from 'oidc-provider'
import { clientSecretPlace } from '../src/provider/clients.ts'
import type { StoredClient } from '../src/provider/stores.ts'
import type { OidcAdapterParts } from './oidc-parts.ts'

/**
 * Clients as the engine sees them: read only, for they are registered through the management API. The order of keys is
 * stable, because the engine recognises a client by the hash of its JSON.
 */
export class ClientAdapter implements Adapter {
  readonly #parts: OidcAdapterParts
  /** As long as the cache holds a client, and no longer. The engine itself keeps what it is given, secret included. */
  readonly #properties = new WeakMap<StoredClient, AdapterPayload>()

  constructor(parts: OidcAdapterParts) {
    this.#parts = parts
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const client = await this.#parts.clients.find(id)
    if (!client) return undefined
    const known = this.#properties.get(client)
    if (known) return known
    const properties = await this.#open(client)
    this.#properties.set(client, properties)
    return properties
  }

  async #open({ id, metadata, sealedSecret }: StoredClient): Promise<AdapterPayload> {
    const properties = { ...metadata, client_id: id }
    if (!sealedSecret) return properties
    const secret = await this.#parts.vault.open('system', clientSecretPlace(id), sealedSecret)
    return { ...properties, client_secret: secret.toString('utf8') }
  }

  async upsert(): Promise<never> {
    throw readOnly()
  }

  async destroy(): Promise<never> {
    throw readOnly()
  }

  async consume(): Promise<never> {
    throw readOnly()
  }

  async findByUid(): Promise<never> {
    throw readOnly()
  }

  async findByUserCode(): Promise<never> {
    throw readOnly()
  }

  async revokeByGrantId(): Promise<never> {
    throw readOnly()
  }
}

function readOnly(): TypeError {
  return new TypeError('clients are registered through the management API, not by the engine')
}
