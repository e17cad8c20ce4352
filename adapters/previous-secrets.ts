import type { Clock } from '../src/clock.ts'
import { previousSecretPlace } from '../src/provider/clients.ts'
import type { Vault } from '../src/vault/vault.ts'
import type { ClientCache } from './client-cache.ts'

/** The secret that a client had before, while it still counts; from the cache, and opened each time as the present one is. */
export function createPreviousSecrets(parts: { clients: ClientCache; vault: Vault; clock: Clock }) {
  return async (clientId: string): Promise<string | undefined> => {
    const previous = (await parts.clients.find(clientId))?.previousSecret
    if (!previous || previous.endsAt <= parts.clock()) return undefined
    return (await parts.vault.open('system', previousSecretPlace(clientId), previous.sealed)).toString('utf8')
  }
}
