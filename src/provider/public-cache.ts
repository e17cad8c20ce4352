import { createHash } from 'node:crypto'
import type { Middleware } from 'koa'

const PUBLIC = /^\/(jwks|\.well-known\/[\w-]+)\/?$/i

/**
 * Lets others keep the JWK Set and the discovery document for a while, and ask whether they have changed (RFC 9110 §8.8.3,
 * §13.1.2).
 * @param maxAgeSeconds shorter than a key is published before it signs
 */
export function publicCache(maxAgeSeconds: number): Middleware {
  return async (ctx, next) => {
    await next()
    if (ctx.status !== 200 || !PUBLIC.test(ctx.path)) return
    ctx.set('Cache-Control', `public, max-age=${maxAgeSeconds}`)
    const tag = `"${createHash('sha256').update(JSON.stringify(ctx.body)).digest('base64url').slice(0, 22)}"`
    ctx.set('ETag', tag)
    if (!isKnown(ctx.get('If-None-Match'), tag)) return
    ctx.body = null
    ctx.status = 304
  }
}

/** By the weak comparison. Koa's own answer is no whenever the client also says `no-cache`, as fetch does by itself. */
const isKnown = (header: string, tag: string): boolean =>
  header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag)
