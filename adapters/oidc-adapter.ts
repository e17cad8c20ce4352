import type { Adapter } from 'oidc-provider'
import { ClientAdapter } from './oidc-clients.ts'
import { GrantAdapter } from './oidc-grants.ts'
import { InteractionAdapter } from './oidc-interactions.ts'
import type { OidcAdapterParts } from './oidc-parts.ts'
import { SealedModelAdapter } from './oidc-sealed.ts'
import { SessionAdapter } from './oidc-sessions.ts'
import { createReadToken, TokenAdapter } from './oidc-tokens.ts'

const TOKENS = new Set(['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'RefreshToken'])

/**
 * The storage of oidc-provider 9.13: give the result as its `adapter`. It closes what the engine leaves open between its
 * checks and its writes: `consume` is one compare-and-set whose loser ends the family, parallel logins of one browser
 * merge, and nothing is issued under a grant that was revoked meanwhile (oidc-provider.md §2).
 */
export function createOidcAdapter(parts: OidcAdapterParts): (model: string) => Adapter {
  const readToken = createReadToken(parts)
  return (model) => {
    if (model === 'Client') return new ClientAdapter(parts)
    if (model === 'Grant') return new GrantAdapter(parts)
    if (model === 'Session') return new SessionAdapter(parts)
    if (model === 'Interaction') return new InteractionAdapter(parts)
    return TOKENS.has(model) ? new TokenAdapter(parts, model, readToken) : new SealedModelAdapter(parts, model)
  }
}
