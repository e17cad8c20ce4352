import { createHash, createPublicKey, type JsonWebKey, randomBytes } from 'node:crypto'
import { KeyError } from '../../errors.ts'
import type { KeyHolderKind, NewSigningKey, SigningAlg, StoredSigningKey } from '../stores.ts'
import { algorithms, type Sign } from './algorithms.ts'

export type MadeKey = Pick<NewSigningKey, 'kid' | 'publicJwk' | 'sealedPrivateJwk'>

/** Who holds the private half of signing keys, makes them and signs with them. */
export interface KeyHolder {
  readonly kind: KeyHolderKind
  /**
   * A new key, or the next one that the operator has put there; undefined when there is none.
   * @param used kids of all keys of that alg that ever were ours, withdrawn ones too: none of them comes back
   * @throws KeyError KEY_HOLDER_UNAVAILABLE
   */
  make(alg: SigningAlg, used: readonly string[]): Promise<MadeKey | undefined>
  /** @throws KeyError KEY_HOLDER_UNAVAILABLE: nothing can be signed with it here and now */
  open(key: StoredSigningKey): Promise<OpenKey>
}

export interface OpenKey {
  readonly publicJwk: JsonWebKey
  readonly sign: Sign
}

/** Only what others need to verify with (RFC 7517 §9.2): nothing private, whatever a holder hands over. */
export function publicOnly({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  const members = { kty, crv, x, y, n, e }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

/** RFC 7638 §3: the required members in the order of their names. */
export function thumbprint(jwk: JsonWebKey): string {
  const required = Object.entries(publicOnly(jwk)).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(required)))
    .digest('base64url')
}

/**
 * Signs something nobody asked for and verifies it under the key that is published: a holder that signs with another key
 * than we publish is found before a token is.
 * @throws KeyError KEY_HOLDER_UNAVAILABLE
 */
export async function probe(alg: SigningAlg, { publicJwk, sign }: OpenKey): Promise<void> {
  const data = randomBytes(32)
  const key = createPublicKey({ key: publicJwk, format: 'jwk' })
  if (!algorithms[alg].verify(key, data, await sign(data)))
    throw new KeyError('KEY_HOLDER_UNAVAILABLE', 'the holder signs with another key than the one that is published')
}
