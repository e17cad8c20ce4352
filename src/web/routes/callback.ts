import Router from '@koa/router'
import type { Middleware } from 'koa'
import { type Login, ReturnRefused } from '../../provider/interactions/login.ts'
import type { RailId } from '../../rails/rail.ts'
import type { Browser } from '../browser.ts'

/**
 * `/callback/:rail`: the upstream's redirect lands here. State and browser are proven, the code is exchanged, and the
 * person is sent to her interaction, so that nothing of the upstream's answer stays in an address (303).
 */
export function callbackRoutes(parts: { login: Login; browser: Browser; rails: readonly RailId[] }): Middleware {
  const { login, browser } = parts
  const router = new Router()
  for (const rail of parts.rails) {
    router.get(`/callback/${rail}`, async (ctx) => {
      ctx.state.route = 'callback'
      try {
        const { interactionUid } = await login.takeReturn(rail, new URLSearchParams(ctx.querystring), browser.read(ctx))
        ctx.status = 303
        ctx.redirect(`/interaction/${interactionUid}`)
      } catch (error) {
        if (error instanceof ReturnRefused && error.interactionUid) {
          const secret = browser.ensure(ctx)
          ctx.state.wayOut = { interactionUid: error.interactionUid, csrf: browser.csrf(secret, error.interactionUid) }
        }
        throw error
      }
    })
  }
  return router.routes() as unknown as Middleware
}
