import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CustomFetch } from 'openid-client'
import { Sessions } from './sessions.ts'
import { type Answer, createShop, type Shop } from './shop.ts'
import { SignIn } from './sign-in.ts'

export interface RelyingAppOptions {
  /** in the shop's address; its redirect URI is `http://<host>:<port>/callback` */
  readonly host?: string
  /** 0 takes a free one */
  readonly port: number
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly fetch?: CustomFetch
}

export interface RelyingApp {
  readonly url: URL
  close(): Promise<void>
}

/**
 * A relying app like any other: it knows an issuer, an id and a secret, and imports nothing of the issuer's code.
 * Serves plain HTTP, on this machine only unless another `host` is given.
 */
export async function startRelyingApp(options: RelyingAppOptions): Promise<RelyingApp> {
  const { host = 'localhost', port, ...issuer } = options
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host === 'localhost' ? '127.0.0.1' : host, resolve)
  })
  const url = new URL(`http://${host}:${(server.address() as AddressInfo).port}`)
  const signIn = new SignIn({ ...issuer, redirectUri: new URL('/callback', url).href, afterSignOut: url.href })
  const shop = createShop({ signIn, sessions: new Sessions(), issuer: issuer.issuer })
  server.on('request', (request, response) => void serve(request, response, url, shop))
  return {
    url,
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, origin: URL, shop: Shop): Promise<void> {
  request.resume() // the shop's forms carry nothing but their address
  const answer = await shop({
    method: request.method ?? '',
    url: toUrl(request.url, origin),
    cookie: request.headers.cookie,
  })
  response.writeHead(answer.status, { ...headersOf(answer), ...answer.headers }).end(answer.body)
}

/** Only path and query are taken from the request: a `Host` header must not choose the redirect URI. */
function toUrl(target = '/', origin: URL): URL {
  const url = new URL(origin)
  const [path = '/', query = ''] = target.split('?', 2)
  url.pathname = path
  url.search = query
  return url
}

function headersOf({ type = 'text/html; charset=utf-8' }: Answer): Record<string, string> {
  return {
    'content-type': type,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  }
}
