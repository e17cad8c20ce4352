import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
} from 'node:crypto'
import { promisify } from 'node:util'
import { KeyError } from '../../errors.ts'
import type { Place, Vault } from '../../vault/vault.ts'
import type { SigningAlg } from '../stores.ts'
import { algorithms } from './algorithms.ts'
import { type KeyHolder, type OpenKey, publicOnly } from './key-holder.ts'

const place = (kid: string): Place => ({ table: 'signing_key', column: 'private_jwk', row: kid })

/** Keys in our own database, sealed in the vault: what there is without further ado. */
export function createSealedHolder(vault: Vault): KeyHolder {
  return {
    kind: 'sealed',
    async make(alg) {
      const kid = randomUUID()
      const jwk = (await newPrivateKey(alg)).export({ format: 'jwk' })
      // With the members that the first release expects, should it be put back.
      const text = JSON.stringify({ ...jwk, kid, alg, use: 'sig' })
      return { kid, publicJwk: publicOnly(jwk), sealedPrivateJwk: await vault.seal('system', place(kid), text) }
    },
    async open({ kid, alg, sealedPrivateJwk }) {
      if (!sealedPrivateJwk) throw new KeyError('KEY_HOLDER_UNAVAILABLE', 'a sealed key has nothing sealed')
      const text = (await vault.open('system', place(kid), sealedPrivateJwk)).toString('utf8')
      return openPrivateKey(alg, createPrivateKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' }))
    },
  }
}

/** A private key in this process, ready to sign. */
export function openPrivateKey(alg: SigningAlg, key: KeyObject): OpenKey {
  return { publicJwk: publicOnly(createPublicKey(key).export({ format: 'jwk' })), sign: algorithms[alg].signer(key) }
}

const makePair = promisify(generateKeyPair) as (type: string, options?: object) => Promise<{ privateKey: KeyObject }>

async function newPrivateKey(alg: SigningAlg): Promise<KeyObject> {
  const [type, options] = algorithms[alg].make
  return (await makePair(type, options)).privateKey
}
