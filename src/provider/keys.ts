import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Clock } from '../clock.ts'
import type { Vault } from '../vault/vault.ts'
import type { SigningKeyStore, StoredSigningKey } from './stores.ts'

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const
const place = (kid: string) => ({ table: 'signing_key', column: 'private_jwk', row: kid })

/**
 * Opens the issuer's signing keys, making one per algorithm on the very first start. Of two instances that start
 * together, one makes the key and both use it.
 * @returns private JWKs, the signing one of each algorithm first (oidc-provider.md §3, "Key order")
 */
export async function loadSigningKeys(store: SigningKeyStore, vault: Vault, clock: Clock): Promise<JWK[]> {
  let stored = await store.list()
  const missing = ALGORITHMS.filter((alg) => !stored.some((key) => key.alg === alg && key.state === 'current'))
  if (missing.length > 0) {
    await Promise.all(missing.map((alg) => createKey(alg, store, vault, clock)))
    stored = await store.list()
  }
  const ordered = stored.toSorted((a, b) => rank(a) - rank(b))
  return Promise.all(ordered.map((key) => openKey(key, vault)))
}

async function createKey(
  alg: StoredSigningKey['alg'],
  store: SigningKeyStore,
  vault: Vault,
  clock: Clock,
): Promise<void> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 })
  const kid = randomUUID()
  const jwk = JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg, use: 'sig' })
  const sealedPrivateJwk = await vault.seal('system', place(kid), jwk)
  const key = { kid, alg, state: 'current', sealedPrivateJwk, createdAt: clock() } as const
  await store.insertIfNone(key, { body: { type: 'signing_key.created', kid, alg } })
}

async function openKey(key: StoredSigningKey, vault: Vault): Promise<JWK> {
  return JSON.parse((await vault.open('system', place(key.kid), key.sealedPrivateJwk)).toString('utf8')) as JWK
}

/** `current` signs; `next` and `retired` are only published, so that tokens made before and after a change verify. */
const rank = ({ state }: StoredSigningKey): number => ['current', 'next', 'retired'].indexOf(state)
