import type { Configuration } from 'oidc-provider'
import { assertClaims } from './claims-parameter.ts'
import { toMutualTls } from './client-certificate.ts'
import { assertProofDate } from './dpop-proof.ts'
import type { IssuerParts } from './issuer.ts'
import { toLogout } from './logout.ts'
import { assertRequestObject, engineProfile } from './profile.ts'
import { toResourceIndicators } from './resources.ts'

type Features = NonNullable<Configuration['features']>

/** Which protocols the engine speaks, one entry each; what has rules of its own has a file of its own. */
export function toFeatures(parts: IssuerParts): Features {
  return {
    devInteractions: { enabled: false },
    // All our keys sign through this hook: a private half may be in another place than this process.
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    fapi: { enabled: true, profile: (_ctx, client) => engineProfile(client) },
    // Every instance makes and takes the same nonces. None is demanded: a proof is good for five minutes, once.
    dPoP: {
      enabled: true,
      nonceSecret: parts.dpopNonceSecret,
      requireNonce: (ctx) => {
        assertProofDate(ctx.get('DPoP'), parts.clock())
        return false
      },
    },
    mTLS: toMutualTls(parts.clientCertificates),
    resourceIndicators: toResourceIndicators(),
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: {
      enabled: true,
      assertJwtClaimsAndHeader: async (ctx, claims, header, client) => {
        // The engine keeps every pushed request as a request object of its own; what the client signed was judged at /par.
        if (ctx.oidc.entities.PushedAuthorizationRequest) return
        assertRequestObject(client, claims, header, parts.clock())
      },
    },
    jwtResponseModes: { enabled: true },
    jwtUserinfo: { enabled: true },
    jwtIntrospection: { enabled: true },
    encryption: { enabled: true },
    claimsParameter: { enabled: true, assertClaimsParameter: async (ctx, claims) => assertClaims(ctx, claims) },
    // A client learns about its own tokens only; of another's it hears what it would hear of nonsense (security.md OP-13).
    // One that proves nothing hears that of all: its id is no authorization (RFC 7662 §2.1).
    introspection: {
      enabled: true,
      allowedPolicy: async (_ctx, client, token) =>
        client.clientAuthMethod !== 'none' && token.clientId === client.clientId,
    },
    revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    ...toLogout(parts),
  }
}
