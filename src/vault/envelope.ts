import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { VaultError } from '../errors.ts'
import { decrypt, encodeContext, encrypt, IV_BYTES, TAG_BYTES } from './cipher.ts'
import { toUuidText } from './uuid.ts'
import type { Owner, Place } from './vault.ts'

/** A record is `version (1) || data key id (16) || iv (12) || ciphertext || tag (16)`. */
const VERSION = 1
const HEADER_BYTES = 1 + 16

/** A data key in use. The bytes stay inside the KeyObject. */
export interface DataKey {
  /** UUID text */
  readonly id: string
  readonly owner: Owner
  readonly key: KeyObject
}

export function sealRecord(dataKey: DataKey, owner: Owner, place: Place, plaintext: Uint8Array): Buffer {
  const context = contextOf(dataKey.id, owner, place)
  return Buffer.concat([headerOf(dataKey.id), encrypt(placeKey(dataKey, context), context, plaintext)])
}

/** @throws VaultError VAULT_SEAL_BROKEN */
export function openRecord(dataKey: DataKey, owner: Owner, place: Place, record: Uint8Array): Buffer {
  const context = contextOf(dataKey.id, owner, place)
  return decrypt(placeKey(dataKey, context), context, record.subarray(HEADER_BYTES))
}

/** Which data key sealed a record. @throws VaultError VAULT_SEAL_BROKEN if it is no record of a version we know */
export function dataKeyIdOf(record: Uint8Array): string {
  if (record.length < HEADER_BYTES + IV_BYTES + TAG_BYTES || record[0] !== VERSION) {
    throw new VaultError('VAULT_SEAL_BROKEN', 'a sealed value has no known form')
  }
  return toUuidText(Buffer.from(record.buffer, record.byteOffset + 1, HEADER_BYTES - 1))
}

/** What a wrapped data key is bound to: it cannot be given to another owner or another id. */
export function wrapContext(id: string, owner: Owner, kekId: string): Buffer {
  return encodeContext('dwar/data-key', String(VERSION), id, owner, kekId)
}

function contextOf(id: string, owner: Owner, place: Place): Buffer {
  return encodeContext('dwar/value', String(VERSION), id, owner, place.table, place.column, place.row)
}

function headerOf(id: string): Buffer {
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(id.replaceAll('-', ''), 'hex')])
}

/**
 * Each place has a key of its own, derived from the data key by HMAC-SHA-256 as a PRF (NIST SP 800-108). The system key
 * seals every token, and random nonces allow 2^32 messages per key (SP 800-38D §8.3): so counted per place, a limit that
 * a busy issuer would meet within weeks is out of reach.
 */
function placeKey(dataKey: DataKey, context: Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', dataKey.key).update(context).digest())
}
