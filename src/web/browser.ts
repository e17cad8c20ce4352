import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context } from 'koa'
import { WebError } from '../errors.ts'
import type { KeyedHasher } from '../vault/keyed-hash.ts'

/**
 * This browser, for as long as a login takes: a random secret in a cookie. A journey to DigiLocker is bound to its hash,
 * and so is every form (security.md UP-1, BR-4).
 */
export interface Browser {
  /** The secret, made and set if the browser has none. */
  ensure(ctx: Context): string
  /** The secret the browser brought, if any. */
  read(ctx: Context): string | undefined
  /** The token that a form of this interaction must bring back. */
  csrf(secret: string, interactionUid: string): string
  /** @throws WebError CSRF_REFUSED */
  checkCsrf(ctx: Context, interactionUid: string, token: unknown): void
}

const COOKIE_SECONDS = 3600

export function createBrowser(hash: KeyedHasher, secure: boolean): Browser {
  const name = secure ? '__Host-dwar_browser' : 'dwar_browser'
  const read = (ctx: Context) => {
    const secret = ctx.cookies.get(name, { signed: false })
    return secret && /^[\w-]{43}$/.test(secret) ? secret : undefined
  }
  const csrf = (secret: string, uid: string) => hash('csrf', `${secret}:${uid}`).toString('base64url')
  return {
    read,
    csrf,
    ensure(ctx) {
      const secret = read(ctx) ?? randomBytes(32).toString('base64url')
      ctx.cookies.set(name, secret, {
        httpOnly: true,
        sameSite: 'lax',
        secure,
        path: '/',
        maxAge: COOKIE_SECONDS * 1000,
        signed: false,
        overwrite: true,
      })
      return secret
    },
    checkCsrf(ctx, uid, token) {
      const site = ctx.get('Sec-Fetch-Site')
      if (site && site !== 'same-origin') throw new WebError('CSRF_REFUSED', 'the form was posted from another site')
      const secret = read(ctx)
      const expected = Buffer.from(secret === undefined ? '' : csrf(secret, uid))
      const given = Buffer.from(typeof token === 'string' ? token : '')
      if (expected.length === 0 || given.length !== expected.length || !timingSafeEqual(given, expected))
        throw new WebError('CSRF_REFUSED', 'the form token does not belong to this browser')
    },
  }
}
