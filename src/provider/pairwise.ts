import type { KeyedHasher } from '../vault/keyed-hash.ts'

/** Pairwise subject: stable for one person at one sector, unlinkable across sectors (OpenID Connect Core §8.1). */
export function createPairwise(hash: KeyedHasher) {
  return (sectorIdentifier: string, accountId: string): string =>
    hash('pairwise', `${sectorIdentifier.length}:${sectorIdentifier}${accountId}`).toString('base64url')
}
