import type { WrappedDataKey } from './store.ts'

/** Whose data key seals a value: one key per account, and one for what belongs to no person (clients, keys, attempts). */
export type Owner = 'system' | `account:${string}`

/** Where a sealed value lives. It is bound into the seal, so that a value moved to another row does not open. */
export interface Place {
  readonly table: string
  readonly column: string
  readonly row: string
}

/** A new data key that is not stored yet: the caller does that, in the statement that makes its owner. */
export interface DrawnKey {
  readonly wrapped: WrappedDataKey
  seal(place: Place, plaintext: string | Uint8Array): Buffer
  /** To be called once it is stored: from then on the vault knows it. */
  keep(): void
}

/** Seals and opens values under data keys that the key ring wraps (AES-256-GCM throughout; reference: security.md §7). */
export interface Vault {
  /** Seals under the owner's data key, making the key on first use. Text is sealed as UTF-8. */
  seal(owner: Owner, place: Place, plaintext: string | Uint8Array): Promise<Buffer>
  /** Makes a key for an owner who has none yet. */
  draw(owner: Owner): Promise<DrawnKey>
  /** @throws VaultError VAULT_KEY_UNKNOWN, VAULT_SEAL_BROKEN */
  open(owner: Owner, place: Place, sealed: Uint8Array): Promise<Buffer>
  /** Destroys the owner's data keys: everything sealed under them is gone for good. */
  destroyOwner(owner: Owner): Promise<void>
  /** Wraps every data key anew under the key ring's current key, in batches, while others read. Returns how many. */
  rotate(): Promise<number>
}
