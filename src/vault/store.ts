import type { Owner } from './vault.ts'

/** A data key at rest: wrapped by the key-encryption key named `kekId`. */
export interface WrappedDataKey {
  /** UUIDv7 text */
  readonly id: string
  readonly owner: Owner
  readonly kekId: string
  readonly wrapped: Uint8Array
}

export interface VaultStore {
  /** True inside a transaction: what is read or written may be rolled back, so nothing of it may be remembered. */
  isProvisional(): boolean
  findById(id: string): Promise<WrappedDataKey | undefined>
  findByOwner(owner: Owner): Promise<WrappedDataKey | undefined>
  /** Keeps the key, unless the owner got one meanwhile; returns the one that counts. */
  insertOrFind(key: WrappedDataKey): Promise<WrappedDataKey>
  /** Up to `limit` keys that are not wrapped by `kekId`. */
  listNotUnder(kekId: string, limit: number): Promise<WrappedDataKey[]>
  /** Replaces the wrapping if it is still the one under `from`; says whether it did. */
  rewrap(id: string, from: string, kekId: string, wrapped: Uint8Array): Promise<boolean>
  deleteByOwner(owner: Owner): Promise<void>
}
