import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { z } from 'zod'
import { SIGNING } from './algorithms.ts'
import type { ClientPolicy } from './clients.ts'
import { JWT_ACCESS_TOKEN_LIFETIME } from './lifetimes.ts'

/** An API of the client's own, for which it may ask a token of its own kind (RFC 8707). */
export const resource = z.strictObject({
  /** what the client asks for and the token names as `aud`; exact text */
  identifier: z.string().max(500),
  /** what the API tells apart; ours (`openid`, `profile` …) never travel in such a token */
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,60}$/, 'holds a character that RFC 6749 §3.3 forbids')),
  signing: z.enum(SIGNING).default('ES256'),
})

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>

/**
 * Tokens for a client's own APIs: signed JWTs (RFC 9068) that the API checks with our published keys. They cannot be
 * revoked, so they are short; they open no claims of ours, since `/userinfo` takes no token with an audience.
 */
export function toResourceIndicators(): ResourceIndicators {
  return {
    enabled: true,
    // Neither guessed nor carried over: a token for an API is one that was asked for by name.
    defaultResource: async () => [],
    useGrantedResource: async () => false,
    getResourceServerInfo: async (_ctx, identifier, client) => {
      const known = registeredResource(client, identifier)
      return {
        scope: known.scopes.join(' '),
        audience: identifier,
        accessTokenFormat: 'jwt',
        accessTokenTTL: JWT_ACCESS_TOKEN_LIFETIME,
        jwt: { sign: { alg: known.signing } },
      }
    },
  }
}

/** @throws InvalidTarget */
function registeredResource(client: { readonly [name: string]: unknown } | undefined, identifier: string) {
  const { resources } = { resources: [], ...(client?.dwar as Partial<ClientPolicy> | undefined) }
  const known = resources.find((registered) => registered.identifier === identifier)
  if (!known) throw new errors.InvalidTarget('the resource is not registered for this client')
  return known
}

/**
 * Refuses a refresh for an API that it cannot be had for. To be called before the refresh token is spent: the engine looks
 * after that, and a mistaken parameter would cost the token and, at the next use of it, the family.
 * @throws InvalidTarget
 */
export function assertRefreshResource({ oidc }: KoaContextWithOIDC): void {
  const [resource, ...more] = [oidc.params?.resource ?? []].flat().map(String)
  if (resource === undefined || (resource === '' && more.length === 0)) return
  const granted = oidc.entities.RefreshToken?.resource
  if (more.length > 0) throw new errors.InvalidTarget('a token is for one resource')
  if (![granted ?? []].flat().includes(resource)) throw new errors.InvalidTarget('the resource was not asked for')
  registeredResource(oidc.client, resource)
}

/** Names what is wrong with a resource identifier, or nothing (RFC 8707 §2). */
export function faultInResource(identifier: string): string | undefined {
  const url = URL.parse(identifier)
  if (!url) return 'is not an absolute URI'
  if (identifier.includes('#')) return 'has a fragment'
  return /[\p{Cc}\s]/u.test(identifier) ? 'holds a control character or space' : undefined
}
