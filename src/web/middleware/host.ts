import type { Middleware } from 'koa'
import { WebError } from '../../errors.ts'

/**
 * Pins every URL to the configured issuer: a foreign Host is refused, and the headers that the engine builds URLs from
 * are overwritten with the issuer's, so that no request can choose them (security.md OP-10; oidc-provider.md §1).
 * @param behindProxy keep the last X-Forwarded-For entry, which our own proxy wrote
 */
export function pinHost(issuer: URL, behindProxy: boolean): Middleware {
  return (ctx, next) => {
    const { headers } = ctx.req
    if (headers.host?.toLowerCase() !== issuer.host)
      throw new WebError('HOST_UNKNOWN', 'the request names another host')
    headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1)
    headers['x-forwarded-host'] = issuer.host
    const forwardedFor = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim()
    if (behindProxy && forwardedFor) headers['x-forwarded-for'] = forwardedFor
    else delete headers['x-forwarded-for']
    return next()
  }
}
