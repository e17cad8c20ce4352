import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { VaultError } from '../errors.ts'
import { DataKeyCache } from './data-key-cache.ts'
import { type DataKey, dataKeyIdOf, openRecord, sealRecord, wrapContext } from './envelope.ts'
import type { KeyRing } from './key-ring.ts'
import type { VaultStore, WrappedDataKey } from './store.ts'
import type { DrawnKey, Owner, Place, Vault } from './vault.ts'

const ROTATION_BATCH = 100

export interface VaultOptions {
  readonly clock?: Clock | undefined
  /** UUID text for a new data key */
  readonly newId?: (() => string) | undefined
}

/** The vault over a key ring and the wrapped data keys in a store. */
export function createVault(keyRing: KeyRing, store: VaultStore, options: VaultOptions = {}): Vault {
  return new SealedVault(keyRing, store, options)
}

class SealedVault implements Vault {
  readonly #keyRing: KeyRing
  readonly #store: VaultStore
  readonly #newId: () => string
  readonly #cache: DataKeyCache

  constructor(keyRing: KeyRing, store: VaultStore, options: VaultOptions) {
    this.#keyRing = keyRing
    this.#store = store
    this.#newId = options.newId ?? randomUUID
    this.#cache = new DataKeyCache(options.clock ?? systemClock)
  }

  async seal(owner: Owner, place: Place, plaintext: string | Uint8Array): Promise<Buffer> {
    const dataKey = await this.#load(ownerName(owner), async () => this.#keyOf(owner))
    return sealRecord(dataKey, owner, place, toBytes(plaintext))
  }

  async draw(owner: Owner): Promise<DrawnKey> {
    const wrapped = await this.#create(owner)
    const dataKey = await this.#toDataKey(wrapped)
    return {
      wrapped,
      seal: (place, plaintext) => sealRecord(dataKey, owner, place, toBytes(plaintext)),
      keep: () => {
        for (const name of namesOf(dataKey)) this.#cache.keep(name, dataKey)
      },
    }
  }

  async open(owner: Owner, place: Place, sealed: Uint8Array): Promise<Buffer> {
    const id = dataKeyIdOf(sealed)
    const dataKey = await this.#load(idName(id, owner), async () => this.#keyById(id))
    return openRecord(dataKey, owner, place, sealed)
  }

  async destroyOwner(owner: Owner): Promise<void> {
    await this.#store.deleteByOwner(owner)
    this.#cache.forget((name) => name.endsWith(` ${owner}`))
  }

  async rotate(): Promise<number> {
    let count = 0
    let before: string | undefined
    for (;;) {
      const keys = await this.#store.listNotUnder(this.#keyRing.currentId, ROTATION_BATCH)
      let rewrapped = 0
      for (const key of keys) if (await this.#rewrap(key)) rewrapped += 1
      count += rewrapped
      if (keys.length < ROTATION_BATCH) return count
      // Another process was faster and may end before it is done; one whose current key is another would never let us.
      if (rewrapped === 0 && keys[0]?.id === before) return count
      before = keys[0]?.id
    }
  }

  /** The bytes of the key stay the same, so that values and caches of other instances stay good. */
  async #rewrap(key: WrappedDataKey): Promise<boolean> {
    const { currentId } = this.#keyRing
    const bytes = await this.#unwrap(key)
    const wrapped = await this.#keyRing.wrap(bytes, wrapContext(key.id, key.owner, currentId))
    bytes.fill(0)
    return this.#store.rewrap(key.id, key.kekId, currentId, wrapped)
  }

  /**
   * A key read inside a transaction may be rolled back with it. Kept, it would go on sealing values that nobody could
   * ever open; and waiting for a read that another caller began outside would block PGlite's one connection.
   */
  #load(name: string, read: () => Promise<DataKey>): Promise<DataKey> {
    return this.#store.isProvisional() ? this.#cache.peekOr(name, read) : this.#cache.getOr(name, read, namesOf)
  }

  async #keyOf(owner: Owner): Promise<DataKey> {
    const found = await this.#store.findByOwner(owner)
    return this.#toDataKey(found ?? (await this.#store.insertOrFind(await this.#create(owner))))
  }

  /** Whoever's it is: a record opens only with the owner it was sealed for, who is part of its context. */
  async #keyById(id: string): Promise<DataKey> {
    const found = await this.#store.findById(id)
    if (!found) throw new VaultError('VAULT_KEY_UNKNOWN', `there is no data key ${id}`)
    return this.#toDataKey(found)
  }

  async #create(owner: Owner): Promise<WrappedDataKey> {
    const id = this.#newId()
    const kekId = this.#keyRing.currentId
    const bytes = randomBytes(32)
    const wrapped = await this.#keyRing.wrap(bytes, wrapContext(id, owner, kekId))
    bytes.fill(0)
    return { id, owner, kekId, wrapped }
  }

  async #toDataKey(wrapped: WrappedDataKey): Promise<DataKey> {
    const bytes = await this.#unwrap(wrapped)
    const key = createSecretKey(bytes)
    bytes.fill(0)
    return { id: wrapped.id, owner: wrapped.owner, key }
  }

  #unwrap({ id, owner, kekId, wrapped }: WrappedDataKey): Promise<Buffer> {
    return this.#keyRing.unwrap(kekId, wrapped, wrapContext(id, owner, kekId))
  }
}

/** A key is found by its owner, who seals, and by its id, which a sealed value names; what loads it by one knows both. */
const ownerName = (owner: Owner) => `owner ${owner}`
const idName = (id: string, owner: Owner) => `id ${id} ${owner}`
const namesOf = ({ id, owner }: DataKey) => [ownerName(owner), idName(id, owner)]

const toBytes = (plaintext: string | Uint8Array): Uint8Array =>
  typeof plaintext === 'string' ? Buffer.from(plaintext, 'utf8') : plaintext
