import type { Adapter, AdapterPayload } from 'oidc-provider'
import { clientSecretPlace } from '../src/provider/clients.ts'
import type { OidcAdapterParts } from './oidc-parts.ts'

/**
 * Clients as the engine sees them: read only, for they are registered through the management API. The order of keys is
 * stable, because the engine recognises a client by the hash of its JSON.
 */
export class ClientAdapter implements Adapter {
  readonly #parts: OidcAdapterParts

  constructor(parts: OidcAdapterParts) {
    this.#parts = parts
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const client = await this.#parts.clients.find(id)
    if (!client) return undefined
    const metadata = { ...structuredClone(client.metadata), client_id: client.id }
    if (!client.sealedSecret) return metadata
    // Opened each time, so that the cache holds no secret in clear.
    const secret = await this.#parts.vault.open('system', clientSecretPlace(client.id), client.sealedSecret)
    return { ...metadata, client_secret: secret.toString('utf8') }
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
