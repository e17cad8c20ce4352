import type { Provider } from 'oidc-provider'
import type { GrantTerms } from './interactions/consent.ts'

/** Saves an engine grant for what was agreed. Run inside a transaction, the adapter's write joins it. */
export const saveGrantWith =
  (currentProvider: () => Provider) =>
  async ({ accountId, clientId, scopes, resources, claims, rejectedClaims, lifetime }: GrantTerms): Promise<string> => {
    const provider = currentProvider()
    const grant = new provider.Grant({ accountId, clientId })
    // The grant ends with the consent, not with the engine's default; every token of the family ends with it.
    Object.assign(grant, { expiresIn: lifetime })
    grant.addOIDCScope(scopes.join(' '))
    // No claims of hers travel to the client's own API, so its scopes are no question to her; which of them a token
    // carries is decided by the registration (`resources.ts`).
    for (const resource of resources) grant.addResourceScope(resource, scopes.join(' '))
    if (claims.length > 0) grant.addOIDCClaims([...claims])
    if (rejectedClaims.length > 0) grant.rejectOIDCClaims([...rejectedClaims])
    return grant.save()
  }
