import type { Middleware } from 'koa'
import { WebError } from '../../errors.ts'
import { createClientAddress, type ProxySettings } from '../client-address.ts'

/**
 * Pins every URL to the configured issuer: a foreign Host is refused, and the headers that the engine builds URLs from
 * are overwritten with the issuer's, so that no request can choose them (security.md OP-10; oidc-provider.md §1).
 * @param proxy leaves in X-Forwarded-For who called our proxies, and nothing when none of them handed the request over
 * @param alias where programs come that show a certificate: its endpoints, no page of ours (RFC 8705 §5)
 */
export function pinHost(
  issuer: URL,
  proxy: ProxySettings,
  alias?: { readonly origin: URL; readonly paths: readonly string[] },
): Middleware {
  const clientAddress = createClientAddress(proxy)
  return (ctx, next) => {
    const { headers, headersDistinct } = ctx.req
    // Of two hosts we would take the first, and somebody before us perhaps the second (RFC 9112 §3.2).
    const host = headersDistinct.host?.length === 1 ? headers.host?.toLowerCase() : undefined
    const origin = host === alias?.origin.host && alias?.paths.includes(ctx.path.toLowerCase()) ? alias.origin : issuer
    // Before anything is refused: the page of a refusal, too, is sent over https, and its cookies say so.
    headers['x-forwarded-proto'] = origin.protocol.slice(0, -1)
    headers['x-forwarded-host'] = origin.host
    const address = clientAddress(ctx.req)
    if (address !== undefined) headers['x-forwarded-for'] = address
    else delete headers['x-forwarded-for']
    if (host !== origin.host) throw new WebError('HOST_UNKNOWN', 'the request names another host')
    ctx.req.url = toOriginForm(ctx.req.url ?? '', origin)
    return next()
  }
}

/**
 * A request line may hold a whole URL (RFC 9112 §3.2.2), which goes before the Host header: the engine would build its own
 * URLs from it.
 */
function toOriginForm(target: string, origin: URL): string {
  if (/^[/*]/.test(target)) return target
  const url = URL.parse(target)
  if (url?.host !== origin.host) throw new WebError('HOST_UNKNOWN', 'the request line names another host')
  return url.pathname + url.search
}
