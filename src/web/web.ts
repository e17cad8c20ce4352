import type { IncomingMessage, ServerResponse } from 'node:http'
import Koa, { type Middleware } from 'koa'
import type { Log } from '../log.ts'
import type { IssuerHolder } from '../provider/issuer-holder.ts'
import type { PostedRequests } from '../provider/posted-requests.ts'
import type { Vault } from '../vault/vault.ts'
import { securityHeaders } from './middleware/headers.ts'
import { pinHost } from './middleware/host.ts'
import { problems } from './middleware/problems.ts'
import { type AddressLimits, limitAddresses } from './middleware/rate-limit.ts'
import type { PageSender } from './page.ts'
import { toErrorCode } from './refusals.ts'
import type { Renderer } from './render.ts'
import { type AccountParts, accountRoutes } from './routes/account.ts'
import { callbackRoutes } from './routes/callback.ts'
import { errandRoutes } from './routes/errands.ts'
import { type InteractionParts, interactionRoutes } from './routes/interaction.ts'
import { postedRoutes } from './routes/posted.ts'
import { createVisits } from './visit.ts'

export interface WebParts extends Omit<InteractionParts, 'visits'>, Pick<AccountParts, 'sharings'> {
  readonly engine: IssuerHolder
  readonly posted: PostedRequests
  readonly vault: Vault
  readonly issuer: URL
  readonly proxy: Parameters<typeof pinHost>[1]
  readonly mtlsAlias: Parameters<typeof pinHost>[2]
  readonly limits: AddressLimits | undefined
  readonly renderer: Renderer
  readonly pages: PageSender
  readonly log: Log
  /** serves one of our own pages: what it reads of the store it reads once */
  readonly remembering: (request: object, work: () => Promise<unknown>) => Promise<unknown>
  /** answers when the store answers and keys sign */
  readonly ping: () => Promise<void>
}

/** The whole site: health, assets, our own pages, and behind them the engine for every other path. */
export function createWeb(parts: WebParts): (request: IncomingMessage, response: ServerResponse) => void {
  const app = new Koa()
  // Only after `pinHost` has overwritten the forwarded headers.
  app.proxy = true
  app.use(accessLine(parts.log))
  app.use(securityHeaders())
  app.use(health(parts))
  app.use(assets(parts.renderer))
  app.use(problems(parts.pages, parts.log))
  app.use(pinHost(parts.issuer, parts.proxy, parts.mtlsAlias))
  if (parts.limits) app.use(limitAddresses(parts.limits))
  const toEngine = engine(parts.engine)
  // Programs call these all the time: past our own routes, which have no part in them.
  app.use((ctx, next) => (PROGRAM_PATHS.has(ctx.path) ? toEngine(ctx, next) : next()))
  app.use(home(parts))
  app.use(postedRoutes(parts))
  app.use((ctx, next) => parts.remembering(ctx, next))
  app.use(callbackRoutes({ login: parts.login, browser: parts.browser, rails: ['digilocker'] }))
  const visits = createVisits(parts)
  app.use(interactionRoutes({ ...parts, visits }))
  app.use(errandRoutes({ ...parts, visits, rail: 'digilocker' }))
  app.use(accountRoutes(parts))
  app.use(toEngine)
  app.on('error', (error: unknown) => parts.log.error({ error }, 'request failed'))
  return app.callback()
}

const PROGRAM_PATHS: ReadonlySet<string> = new Set(['/token', '/userinfo', '/introspect', '/revoke', '/par', '/jwks'])

/** One line a request: route name, status and time. No address, no query: both may carry what must not be written down. */
function accessLine(log: Log): Middleware {
  return async (ctx, next) => {
    const started = performance.now()
    await next()
    const finish = () =>
      log.info(
        {
          method: ctx.method,
          route: ctx.state.route ?? 'other',
          status: ctx.res.statusCode,
          ms: Math.round(performance.now() - started),
        },
        'request',
      )
    if (ctx.res.writableEnded) finish()
    else ctx.res.once('close', finish)
  }
}

/** `/health/live`: the process answers. `/health/ready`: the store answers too, and keys sign. Neither looks at the Host header. */
function health({ ping, log }: WebParts): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/health/live' && ctx.path !== '/health/ready') return next()
    ctx.state.route = 'health'
    ctx.body = { status: 'ok' }
    if (ctx.path === '/health/live') return
    try {
      await ping()
    } catch (error) {
      // Not ready is an answer, not a failure of this request.
      log.warn({ error }, 'not ready')
      ctx.status = 503
      ctx.body = { status: 'unavailable', code: toErrorCode(error) }
    }
  }
}

function assets(renderer: Renderer): Middleware {
  return async (ctx, next) => {
    const asset = ctx.method === 'GET' || ctx.method === 'HEAD' ? renderer.assets.find(ctx.path) : undefined
    if (!asset) return next()
    ctx.state.route = 'asset'
    ctx.set(asset.headers)
    ctx.type = asset.type
    ctx.body = asset.body
  }
}

function home({ pages, issuer }: WebParts): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/' || ctx.method !== 'GET') return next()
    ctx.state.route = 'home'
    pages.send(ctx, 'home', (_words, languages) => ({
      issuer: issuer.origin,
      discoveryHref: '/.well-known/openid-configuration',
      languages,
    }))
  }
}

/** The engine is an application of its own with its own cookies and context; it gets the raw request (oidc-provider.md §1). */
function engine(holder: IssuerHolder): Middleware {
  return async (ctx) => {
    ctx.respond = false
    ctx.state.route = `engine ${
      ctx.path
        .toLowerCase()
        .split('/')[1]
        ?.replace(/[^a-z.-]/g, '')
        .slice(0, 20) ?? ''
    }`
    await holder.handle(ctx.req, ctx.res)
  }
}
