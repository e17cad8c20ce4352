import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** What a keyed hash is for. Each purpose has a key of its own, so that hashes of two purposes cannot be compared. */
export type HashPurpose =
  | 'account'
  | 'pairwise'
  | 'document-uri'
  | 'document-bytes'
  | 'csrf'
  | 'credentials'
  | 'dpop-nonce'

/**
 * HMAC-SHA256 under a key derived (HKDF-SHA256) from the index secret, 32 bytes. Recognises a value without keeping it:
 * names and numbers can be guessed, so a plain hash of one would be the value in the clear (security.md VA-5).
 */
export type KeyedHasher = (purpose: HashPurpose, value: string | Uint8Array) => Buffer

export function createKeyedHasher(indexSecret: string): KeyedHasher {
  const keys = new Map<HashPurpose, KeyObject>()
  const keyFor = (purpose: HashPurpose): KeyObject => {
    const known = keys.get(purpose)
    if (known) return known
    // As a KeyObject: bytes are looked at anew by each HMAC, which takes five times as long (Node 24).
    const key = createSecretKey(Buffer.from(hkdfSync('sha256', indexSecret, '', `dwar/index/${purpose}/v1`, 32)))
    keys.set(purpose, key)
    return key
  }
  return (purpose, value) => createHmac('sha256', keyFor(purpose)).update(value).digest()
}
