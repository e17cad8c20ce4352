import type { VaultStore, WrappedDataKey } from '../../src/vault/store.ts'

/** The contract of VaultStore over a map: for rules of the vault that no database has a part in. */
export function memoryStore(): VaultStore & { readonly keys: Map<string, WrappedDataKey>; reads: number } {
  const keys = new Map<string, WrappedDataKey>()
  const byOwner = (owner: string) => [...keys.values()].find((key) => key.owner === owner)
  return {
    keys,
    reads: 0,
    isProvisional: () => false,
    async findById(id) {
      this.reads += 1
      return keys.get(id)
    },
    async findByOwner(owner) {
      this.reads += 1
      return byOwner(owner)
    },
    async insertOrFind(key) {
      const known = byOwner(key.owner)
      if (!known) keys.set(key.id, key)
      return known ?? key
    },
    async listNotUnder(kekId, limit) {
      return [...keys.values()].filter((key) => key.kekId !== kekId).slice(0, limit)
    },
    async rewrap(id, from, kekId, wrapped) {
      const key = keys.get(id)
      if (key?.kekId !== from) return false
      keys.set(id, { ...key, kekId, wrapped })
      return true
    },
    async deleteByOwner(owner) {
      const key = byOwner(owner)
      if (key) keys.delete(key.id)
    },
  }
}
