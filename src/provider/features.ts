import type { Configuration } from 'oidc-provider'
import { assertClaims } from './claims-parameter.ts'
import type { IssuerParts } from './issuer.ts'
import { toLogout } from './logout.ts'

type Features = NonNullable<Configuration['features']>

/** Which protocols the engine speaks, one entry each; what has rules of its own has a file of its own. */
export function toFeatures(parts: IssuerParts): Features {
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    resourceIndicators: { enabled: false },
    pushedAuthorizationRequests: { enabled: true },
    claimsParameter: { enabled: true, assertClaimsParameter: async (_ctx, claims) => assertClaims(claims) },
    // A client learns about its own tokens only; of another's it hears what it would hear of nonsense (security.md OP-13).
    introspection: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    ...toLogout(parts),
  }
}
