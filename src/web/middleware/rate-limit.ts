import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import { WebError } from '../../errors.ts'
import { limitedAddress } from '../../limits/address.ts'
import type { Limiter } from '../../limits/limiter.ts'
import { routeOf } from '../../provider/client-limits.ts'

export interface AddressLimits {
  readonly limiter: Pick<Limiter, 'wait' | 'count'>
  /** requests of one address in a minute to one route, by who comes there */
  readonly browsers: number
  readonly programs: number
  readonly onLimited: (route: string) => void
}

interface LimitedRoute {
  readonly who: 'browsers' | 'programs'
  /** looking at it is counted by itself, and may be done this many times as often as sending its forms */
  readonly looks?: number
}

/** By the first word of a path, in any case and with any ending, as the engine takes it. What is not here is one more. */
const ROUTES: Readonly<Record<string, LimitedRoute>> = {
  authorize: { who: 'browsers' },
  callback: { who: 'browsers' },
  logout: { who: 'browsers' },
  interaction: { who: 'browsers', looks: 4 },
  account: { who: 'browsers', looks: 4 },
  token: { who: 'programs' },
  par: { who: 'programs' },
  introspect: { who: 'programs' },
  revoke: { who: 'programs' },
  userinfo: { who: 'programs' },
}

/** Limits per address. Belongs after `pinHost`, which has left of the forwarded addresses what our own proxy wrote. */
export function limitAddresses(limits: AddressLimits): Middleware {
  return async (ctx, next) => {
    const name = routeOf(ctx.path)
    const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined
    if (!route) return next()
    const looks = ctx.method === 'POST' ? undefined : route.looks
    const subject = `address ${name}${looks === undefined ? '' : ' looks'} ${addressOf(ctx.req)}`
    const seconds = limits.limiter.wait(subject, limits[route.who] * (looks ?? 1))
    if (seconds === undefined) {
      limits.limiter.count(subject)
      return next()
    }
    ctx.state.route = `limited ${name}`
    limits.onLimited(name)
    ctx.set('Retry-After', String(seconds))
    if (route.who === 'browsers') throw new WebError('RATE_LIMITED', 'too many requests of one address in a minute')
    refuseProgram(ctx)
  }
}

/** Whose request it is: as our own proxy says where there is one, else who is at the other end of the line. */
export function addressOf({ headers, socket }: IncomingMessage): string {
  return limitedAddress([headers['x-forwarded-for'] ?? socket.remoteAddress ?? ''].flat().join())
}

/** RFC 6585 §4, in the form of an OAuth error. */
function refuseProgram(ctx: Context): void {
  ctx.status = 429
  ctx.body = {
    error: 'temporarily_unavailable',
    error_description: 'too many requests in this minute; Retry-After says when to come again',
    code: 'RATE_LIMITED',
  }
}
