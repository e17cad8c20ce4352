import type { Provider } from 'oidc-provider'
import { registrableScopes } from './clients.ts'
import type { GrantTerms } from './interactions/consent.ts'
import type { Draft } from './stores.ts'

/**
 * What the engine would store of a model now, for a caller who stores it together with other things: the model finds
 * our hand where its storage would be.
 */
export async function draftOf(model: object, save: () => Promise<unknown>): Promise<Draft> {
  const drafts: Draft[] = []
  const upsert = async (id: string, payload: Draft['payload'], expiresIn?: number) => {
    drafts.push({ id, payload, expiresIn })
  }
  Object.defineProperty(model, 'adapter', { configurable: true, value: { upsert } })
  try {
    await save()
  } finally {
    Reflect.deleteProperty(model, 'adapter')
  }
  const [draft] = drafts
  if (!draft) throw new TypeError('the engine stored nothing')
  return draft
}

/** An engine grant for what was agreed. */
export const draftGrantWith =
  (currentProvider: () => Provider) =>
  ({ accountId, clientId, scopes, resources, claims, rejectedClaims, lifetime }: GrantTerms): Promise<Draft> => {
    const grant = new (currentProvider().Grant)({ accountId, clientId })
    // The grant ends with the consent, not with the engine's default; every token of the family ends with it.
    Object.assign(grant, { expiresIn: lifetime })
    // A scope that we do not know is ignored, and is in no answer either: what a token says it is good for, we have defined.
    grant.addOIDCScope(scopes.filter((name) => registrableScopes.includes(name)).join(' '))
    // No claims of hers travel to the client's own API, so its scopes are no question to her; which of them a token
    // carries is decided by the registration (`resources.ts`).
    for (const resource of resources) grant.addResourceScope(resource, scopes.join(' '))
    if (claims.length > 0) grant.addOIDCClaims([...claims])
    if (rejectedClaims.length > 0) grant.rejectOIDCClaims([...rejectedClaims])
    return draftOf(grant, () => grant.save())
  }
