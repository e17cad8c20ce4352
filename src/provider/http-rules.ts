import type { Context, Middleware } from 'koa'
import { ROUTES } from './routes.ts'

/** Longer bodies the engine does not read. */
const MAX_BODY_BYTES = 56 * 1024

const POST = ['POST']
const BOTH = ['GET', 'POST']

const METHODS: Readonly<Record<string, readonly string[]>> = {
  [ROUTES.authorization]: BOTH,
  [ROUTES.end_session]: BOTH,
  [ROUTES.userinfo]: BOTH,
  [ROUTES.jwks]: ['GET'],
  [ROUTES.token]: POST,
  [ROUTES.pushed_authorization_request]: POST,
  [ROUTES.introspection]: POST,
  [ROUTES.revocation]: POST,
}

/**
 * What HTTP itself has a status for, which the engine does not use: 413 for a body that is too long by its own word, and
 * 405 with what is allowed for a method that an endpoint does not take (RFC 9126 §2.3; RFC 9110 §15.5.6, §15.5.14).
 */
export const httpRules: Middleware = async (ctx, next) => {
  if (Number(ctx.request.length ?? 0) > MAX_BODY_BYTES) return refuse(ctx, 413, 'the request is too long')
  await next()
  if (ctx.status !== 404 || ctx.body) return
  const allowed = methodsAt(ctx.path)
  if (!allowed) return refuse(ctx, 404, 'there is nothing at this path')
  ctx.set('Allow', allowed.join(', '))
  refuse(ctx, 405, `this endpoint takes ${allowed.join(' and ')}`)
}

/** In any case and with any ending, as the engine takes a path. */
const methodsAt = (path: string): readonly string[] | undefined => {
  const name = path.toLowerCase().replace(/\/$/, '')
  return Object.hasOwn(METHODS, name) ? METHODS[name] : undefined
}

function refuse(ctx: Context, status: 404 | 405 | 413, description: string): void {
  ctx.status = status
  ctx.body = { error: status === 404 ? 'not_found' : 'invalid_request', error_description: description }
}
