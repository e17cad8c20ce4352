import type { IncomingMessage } from 'node:http'
import { errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Limiter } from '../limits/limiter.ts'

export interface ClientLimitParts {
  readonly limiter: Pick<Limiter, 'wait' | 'count'>
  /** requests of one client in a minute */
  readonly perClient: number
  /** failing authentications of one client from one address in a minute; ten times that for one address */
  readonly failures: number
  /** the subject for where a request came from */
  readonly addressOf: (request: IncomingMessage) => string
  readonly onLimited: (route: string, by: 'client' | 'failures') => void
}

/** Where clients show who they are, by the first word of the path. */
const AUTHENTICATED = new Set(['token', 'par', 'introspect', 'revoke', 'userinfo'])

export const routeOf = (path: string): string => path.split('/')[1]?.toLowerCase() ?? ''

/** Refusals that the engine also makes before it knows whose request it is: of CORS, of two mechanisms at once, of ours. */
const BEFORE_PROOF: readonly unknown[] = [
  'invalid_request',
  'invalid_client',
  'server_error',
  'temporarily_unavailable',
]

/**
 * Limits per client, at the moment the engine looks it up: known by whatever way it names itself, and before anything is
 * compared or read. Only what a client has proven counts towards its limit, so that nobody can use it up in its name; a
 * public client proves nothing and is limited by address alone. Failures count, and hinder, only who shows a secret or an
 * assertion: whoever guesses must not keep out the people of native apps, thousands of whom may have the same address.
 */
export function limitClients(provider: Provider, parts: ClientLimitParts): void {
  const claimed = new WeakMap<object, string>()
  const waits = new WeakMap<object, number>()
  const find = provider.Client.find.bind(provider.Client)

  Object.assign(provider.Client, {
    async find(id: string) {
      const { ctx } = Provider
      if (ctx && AUTHENTICATED.has(routeOf(ctx.path))) {
        claimed.set(ctx, id)
        const seconds = waitOf(ctx, id, routeOf(ctx.path))
        if (seconds !== undefined) {
          waits.set(ctx, seconds)
          throw new TooManyRequests()
        }
      }
      return find(id)
    },
  })

  function waitOf(ctx: KoaContextWithOIDC, id: string, route: string): number | undefined {
    const { limiter, perClient, failures } = parts
    const address = parts.addressOf(ctx.req)
    const failing = showsProof(ctx, route)
      ? (limiter.wait(failure(address, id), failures) ?? limiter.wait(failure(address), failures * 10))
      : undefined
    const busy = limiter.wait(`client ${route} ${id}`, perClient)
    if (failing !== undefined) parts.onLimited(route, 'failures')
    else if (busy !== undefined) parts.onLimited(route, 'client')
    return failing ?? busy
  }

  provider.use(async (context, next) => {
    await next()
    const ctx = context as KoaContextWithOIDC
    const route = routeOf(ctx.path)
    const id = claimed.get(ctx)
    const seconds = waits.get(ctx)
    if (seconds !== undefined) ctx.set('Retry-After', String(seconds))
    else if (id === undefined) return
    else if (ctx.status === 401 && showsProof(ctx, route)) countFailure(parts.addressOf(ctx.req), id)
    else if (isProven(ctx)) parts.limiter.count(`client ${route} ${id}`)
  })

  function countFailure(address: string, id: string): void {
    parts.limiter.count(failure(address, id))
    parts.limiter.count(failure(address))
  }
}

/** What could be right by chance, or be tried until it is. At `/userinfo` it is a token that is shown. */
function showsProof({ headers, oidc: { params } }: KoaContextWithOIDC, route: string): boolean {
  if (route === 'userinfo') return false
  return headers.authorization !== undefined || Boolean(params?.client_secret) || Boolean(params?.client_assertion)
}

/** The engine has gone further than it goes with a client that did not authenticate. */
function isProven({ status, body, oidc }: KoaContextWithOIDC): boolean {
  if (oidc.client?.clientAuthMethod === 'none') return false
  return status < 400 || (isRefusal(body) && !BEFORE_PROOF.includes(body.error))
}

const isRefusal = (body: unknown): body is { error: unknown } =>
  typeof body === 'object' && body !== null && 'error' in body

const failure = (address: string, id = ''): string => `failure ${address} ${id}`

/** RFC 6585 §4, in the form of an OAuth error. */
class TooManyRequests extends errors.OIDCProviderError {
  constructor() {
    super(429, 'temporarily_unavailable')
    this.error_description = 'too many requests in this minute; Retry-After says when to come again'
  }
}
