import type { Clock } from '../src/clock.ts'
import type { ClientStore, StoredClient } from '../src/provider/stores.ts'

export interface ClientCache {
  /**
   * The client as it stood at most a second ago. A client that is not there is asked for anew each time, so that a new
   * one works at once.
   */
  find(id: string): Promise<StoredClient | undefined>
}

/**
 * Clients in memory, given up as a whole when the version that every change raises has moved. The version is looked at
 * once in a second of `clock`, however many requests ask.
 */
export function createClientCache(store: ClientStore, clock: Clock): ClientCache {
  let clients = new Map<string, StoredClient>()
  let version: number | undefined
  let checkedAt: number | undefined
  let checking: Promise<void> | undefined

  const check = async () => {
    const now = clock()
    const newest = await store.version()
    if (newest !== version) clients = new Map()
    version = newest
    checkedAt = now
  }

  const ensureFresh = async () => {
    if (checkedAt === clock()) return
    checking ??= check().finally(() => {
      checking = undefined
    })
    await checking
  }

  return {
    async find(id) {
      await ensureFresh()
      const generation = clients
      const known = generation.get(id)
      if (known) return known
      const client = await store.find(id)
      // Into the map it was looked up for: if a change came meanwhile, that map is already gone.
      if (client) generation.set(id, client)
      return client
    },
  }
}
