import type { EventEmitter } from 'node:events'
import type { Context, Middleware } from 'koa'
import type { Provider } from 'oidc-provider'
import { KeyError } from '../errors.ts'
import type { Log } from '../log.ts'

const RETRY_AFTER_SECONDS = 5

export interface NoSignatureParts {
  /** @throws KeyError while nothing can be signed */
  readonly check: () => Promise<void>
  /** what this request has spent counts again */
  readonly restore: (ctx: Context) => Promise<void>
  readonly newIncidentId: () => string
  readonly log: Log
}

/**
 * What happens while whoever holds the keys is away: a token request is refused before it spends anything; and one that
 * was under way gives back what it has spent, stores nothing and says when to come again.
 */
export function withoutSignature(provider: Provider, parts: NoSignatureParts): void {
  const failed = new WeakSet<object>()
  const emitter = provider as unknown as EventEmitter
  emitter.on('server_error', (ctx: object, error: unknown) => {
    if (isKeyError(error)) failed.add(ctx)
  })
  provider.use(guard(parts, failed))
}

function guard(parts: NoSignatureParts, failed: WeakSet<object>): Middleware {
  return async (ctx, next) => {
    if (/^\/token\/?$/i.test(ctx.path) && ctx.method === 'POST') {
      try {
        await parts.check()
      } catch (error) {
        return refuse(ctx as Context, parts, error)
      }
    }
    await next()
    if (!failed.has(ctx)) return
    await parts.restore(ctx as Context)
    refuse(ctx as Context, parts, undefined)
  }
}

function refuse(ctx: Context, { newIncidentId, log }: NoSignatureParts, error: unknown): void {
  const incidentId = newIncidentId()
  log.error({ code: 'KEY_HOLDER_UNAVAILABLE', incidentId, error }, 'nothing can be signed')
  ctx.status = 503
  ctx.set('Retry-After', String(RETRY_AFTER_SECONDS))
  ctx.set('Cache-Control', 'no-store')
  if (ctx.response.is('html')) return // a browser has its page already
  ctx.body = {
    error: 'server_error',
    error_description: 'the issuer cannot sign at the moment; nothing was spent, try again',
    incident_id: incidentId,
  }
}

function isKeyError(error: unknown): boolean {
  return error instanceof KeyError || (error instanceof Error && error.cause instanceof KeyError)
}
