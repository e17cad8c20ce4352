import { bodyParser } from '@koa/bodyparser'
import type { Context, Middleware } from 'koa'
import { WebError } from '../../errors.ts'
import type { PostedRequests } from '../../provider/posted-requests.ts'
import { ROUTES } from '../../provider/routes.ts'
import { redirect } from '../form.ts'

/** Where apps send people: served by GET, and by POST in a detour. */
const ENDPOINTS: readonly string[] = [ROUTES.authorization, ROUTES.end_session]
const FORM = 'application/x-www-form-urlencoded'
const HANDLE = 'posted_request'

/** Twice what an address may have; what is longer belongs to `/par`. */
const readText = bodyParser({
  enableTypes: ['text'],
  extendTypes: { text: [FORM] },
  textLimit: '32kb',
}) as unknown as Middleware

/**
 * `POST /authorize` and `POST /logout` (OpenID Connect Core §3.1.2.1; RP-Initiated Logout §2). A form of another site brings
 * no `SameSite=Lax` cookie, so nobody would be known: the parameters are kept, and the browser is sent (303) to the same
 * address by GET, where it shows its cookies, with a handle in place of them. What is asked of a request by GET is asked of
 * this one: the engine sees no other.
 */
export function postedRoutes({ posted }: { readonly posted: PostedRequests }): Middleware {
  return async (ctx, next) => {
    const endpoint = endpointOf(ctx.path)
    if (!endpoint) return next()
    if (ctx.method === 'POST') return keep(ctx, endpoint)
    const handle = ctx.method === 'GET' ? ctx.query[HANDLE] : undefined
    if (handle === undefined) return next()
    const request = typeof handle === 'string' ? await posted.take(handle) : undefined
    if (request === undefined) throw new WebError('INTERACTION_EXPIRED', 'the posted request was served, or is too old')
    // Beside the handle nothing counts. The engine reads the raw request.
    ctx.url = request
    return next()
  }

  async function keep(ctx: Context, endpoint: string): Promise<void> {
    ctx.state.route = 'posted'
    if (!ctx.is(FORM)) throw new WebError('REQUEST_INVALID', 'a posted request must be a form')
    await readText(ctx, async () => undefined)
    // Written anew, so that nothing in it can be anything but a query; a name given twice stays so.
    const parameters = new URLSearchParams(String(ctx.request.body ?? ''))
    const handle = await posted.keep(`${endpoint}?${parameters}`)
    redirect(ctx, `${endpoint}?${new URLSearchParams({ [HANDLE]: handle })}`)
  }
}

/** In any case and with any ending, as the engine takes a path. */
const endpointOf = (path: string): string | undefined =>
  ENDPOINTS.find((endpoint) => endpoint === path.toLowerCase().replace(/\/$/, ''))
