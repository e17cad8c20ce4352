import type { Middleware } from 'koa'
import helmet from 'koa-helmet'

/**
 * Security headers for every answer. The policy lets a page load our own stylesheet and images and nothing else.
 * It names no `form-action`: Chromium applies that to the whole chain of redirects after a POST, and ours leads through
 * DigiLocker or the relying app to places we cannot list (security.md BR-3; oidc-provider.md §3).
 * `script-src 'self'` stands alone so that the engine can add the hash of its `form_post` script to it.
 */
export function securityHeaders(): Middleware {
  const headers = headersOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        scriptSrc: ["'self'"],
        connectSrc: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    crossOriginEmbedderPolicy: false,
    // Discovery, keys and userinfo are read across origins by browser apps.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    hsts: { maxAge: 31_536_000, includeSubDomains: true },
  })
  headers.push(
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
    ['Cache-Control', 'no-store'],
  )
  return (ctx, next) => {
    for (const [name, value] of headers) ctx.res.setHeader(name, value)
    return next()
  }
}

/** The headers depend on no request: helmet writes them once, into our hand. */
function headersOf(options: Parameters<typeof helmet>[0]): [string, string][] {
  const headers: [string, string][] = []
  const res = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => undefined,
  }
  void helmet(options)({ req: {}, res } as unknown as Parameters<ReturnType<typeof helmet>>[0], async () => undefined)
  return headers
}
