import { createSecretKey, type KeyObject } from 'node:crypto'
import { VaultError } from '../errors.ts'
import { decrypt, encrypt } from './cipher.ts'

/**
 * The key-encryption keys. They wrap data keys and never touch a value. An external key management service implements
 * this same interface; nothing else of the vault knows where the keys are.
 */
export interface KeyRing {
  /** id of the key that wraps from now on; the others only unwrap, until a rotation is done with them */
  readonly currentId: string
  /** Wraps under the current key; `context` is bound in. */
  wrap(dataKey: Uint8Array, context: Uint8Array): Promise<Buffer>
  /** @throws VaultError VAULT_KEY_UNKNOWN (no such key here), VAULT_SEAL_BROKEN */
  unwrap(kekId: string, wrapped: Uint8Array, context: Uint8Array): Promise<Buffer>
}

const KEY_BYTES = 32
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/

/**
 * Reads a key ring from configuration: `id:key` pairs with commas between, the current key first, each key 32 bytes in
 * base64 (RFC 4648 §4).
 * @throws VaultError CONFIG_INVALID: names the place of the fault, never a key
 */
export function parseKeyRing(text: string): KeyRing {
  const keys = new Map<string, KeyObject>()
  for (const [index, entry] of text.split(',').entries()) {
    const { id, key } = parseEntry(entry.trim(), `key ring entry ${index + 1}`)
    if (keys.has(id)) throw invalid(`key ring entry ${index + 1} repeats the id of an earlier one`)
    if ([...keys.values()].some((other) => other.equals(key))) {
      throw invalid(`key ring entry ${index + 1} repeats the key of an earlier one`)
    }
    keys.set(id, key)
  }
  return new LocalKeyRing(keys)
}

function parseEntry(entry: string, where: string): { id: string; key: KeyObject } {
  const colon = entry.indexOf(':')
  if (colon < 0) throw invalid(`${where} is not id:key`)
  const id = entry.slice(0, colon)
  if (!KEY_ID.test(id)) throw invalid(`${where} has no usable id: 1 to 32 letters, digits, hyphens or underscores`)
  const encoded = entry.slice(colon + 1)
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64') !== encoded) throw invalid(`${where} does not hold base64`)
  if (bytes.length !== KEY_BYTES) throw invalid(`${where} holds ${bytes.length} bytes instead of ${KEY_BYTES}`)
  return { id, key: createSecretKey(bytes) }
}

function invalid(message: string): VaultError {
  return new VaultError('CONFIG_INVALID', message)
}

class LocalKeyRing implements KeyRing {
  readonly currentId: string
  readonly #keys: ReadonlyMap<string, KeyObject>

  constructor(keys: ReadonlyMap<string, KeyObject>) {
    this.#keys = keys
    this.currentId = keys.keys().next().value as string // `split` gives at least one entry
  }

  async wrap(dataKey: Uint8Array, context: Uint8Array): Promise<Buffer> {
    return encrypt(this.#get(this.currentId), context, dataKey)
  }

  async unwrap(kekId: string, wrapped: Uint8Array, context: Uint8Array): Promise<Buffer> {
    return decrypt(this.#get(kekId), context, wrapped)
  }

  #get(id: string): KeyObject {
    const key = this.#keys.get(id)
    if (!key) throw new VaultError('VAULT_KEY_UNKNOWN', `the key ring holds no key ${id}`)
    return key
  }
}
