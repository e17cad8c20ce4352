import { bodyParser } from '@koa/bodyparser'
import type { Context, Middleware } from 'koa'

/** Our forms are short. Only on our own routes: the engine reads its own bodies. */
export const readForm = bodyParser({ enableTypes: ['form'], formLimit: '64kb' }) as unknown as Middleware

/** 303 always: the next request is a GET, whatever this one was (security.md OP-14). */
export function redirect(ctx: Context, to: string): void {
  ctx.status = 303
  ctx.redirect(to)
}
