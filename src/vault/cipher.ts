import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { VaultError } from '../errors.ts'

const ALGORITHM = 'aes-256-gcm'
export const IV_BYTES = 12
export const TAG_BYTES = 16

/**
 * AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D §8.2.2): `iv || ciphertext || tag`. A key must not be used for
 * more than 2^32 messages, which callers see to.
 */
export function encrypt(key: KeyObject, context: Uint8Array, plaintext: Uint8Array): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(context)
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/**
 * The tag is always the last 16 bytes: a shortened one is a shorter ciphertext here, and fails.
 * @throws VaultError VAULT_SEAL_BROKEN: wrong key, wrong context or changed bytes; which, nobody can tell
 */
export function decrypt(key: KeyObject, context: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length < IV_BYTES + TAG_BYTES) throw broken()
  const tagAt = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(context)
  decipher.setAuthTag(sealed.subarray(tagAt))
  const plaintext = decipher.update(sealed.subarray(IV_BYTES, tagAt))
  try {
    decipher.final() // adds nothing in this mode, but only now is it known to be genuine
    return plaintext
  } catch (cause) {
    plaintext.fill(0) // unauthenticated: nobody may read it
    throw broken(cause)
  }
}

function broken(cause?: unknown): VaultError {
  return new VaultError('VAULT_SEAL_BROKEN', 'a sealed value did not open', { cause })
}

/** Each part with its length before it: no two different lists give the same bytes. */
export function encodeContext(...parts: readonly string[]): Buffer {
  // A UTF-16 unit is three bytes of UTF-8 at most.
  const room = Buffer.allocUnsafe(parts.reduce((total, part) => total + 4 + 3 * part.length, 0))
  let at = 0
  for (const part of parts) {
    const length = room.write(part, at + 4, 'utf8')
    room.writeUInt32BE(length, at)
    at += 4 + length
  }
  return room.subarray(0, at)
}
