import type { KeyedHasher } from '../vault/keyed-hash.ts'

/** Pairwise subject: stable for one person at one sector, unlinkable across sectors (OpenID Connect Core §8.1). */
export function createPairwise(hash: KeyedHasher) {
  return (sectorIdentifier: string, accountId: string): string =>
    hash('pairwise', `${sectorIdentifier.length}:${sectorIdentifier}${accountId}`).toString('base64url')
}

/**
 * Who belongs together: apps of one https host. A loopback address or a private-use scheme is nobody's host, and all native
 * apps that have one would be one sector: there each app is its own.
 */
export function sectorOf(client: { readonly clientId: string; readonly redirectUris?: readonly string[] | undefined }) {
  const url = URL.parse(client.redirectUris?.[0] ?? '')
  return url?.protocol === 'https:' ? url.host : `client ${client.clientId}`
}
