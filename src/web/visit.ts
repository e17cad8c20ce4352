import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import { WebError } from '../errors.ts'
import { type ClientPolicy, purposeIn, registeredDomain } from '../provider/clients.ts'
import type { AskedInteraction } from '../provider/interactions/asked.ts'
import type { Browser } from './browser.ts'
import type { PageSender } from './page.ts'

/** An interaction of the engine as one request sees it: proven by its path-bound cookie. */
export interface Visit {
  readonly engine: Awaited<ReturnType<Provider['interactionDetails']>>
  readonly asked: AskedInteraction
  /** whose session this browser has, where she needs not sign in but only agree: the engine just found it to go on */
  readonly signedIn: string | undefined
  readonly client: { readonly name: string; readonly domain: string }
  readonly locale: string
  readonly path: string
}

type VisitContext = Context & { params: Record<string, string | undefined> }

/** Every page below `/interaction/:uid` begins by proving its visit. */
export function createVisits({
  provider,
  browser,
  pages,
}: {
  provider: Provider
  browser: Browser
  pages: PageSender
}) {
  /** Proves the visit by the engine's cookie for this very path. @throws SessionNotFound; WebError INTERACTION_EXPIRED, CLIENT_UNKNOWN */
  async function enter(ctx: VisitContext): Promise<Visit> {
    ctx.state.route = 'interaction'
    const details = await provider.interactionDetails(ctx.req, ctx.res)
    if (details.uid !== ctx.params.uid)
      throw new WebError('INTERACTION_EXPIRED', 'the cookie belongs to another interaction')
    const params = details.params as Record<string, string | number | undefined>
    ctx.state.uiLocales = text(params.ui_locales)
    const locale = pages.locale(ctx, text(params.ui_locales))
    const client = await provider.Client.find(String(params.client_id))
    if (!client) throw new WebError('CLIENT_UNKNOWN', 'the client of this interaction is gone')
    const policy = client.dwar as ClientPolicy | undefined
    const redirectUri = text(params.redirect_uri) ?? client.redirectUris?.[0] ?? ''
    return {
      engine: details,
      locale,
      path: `/interaction/${details.uid}`,
      signedIn: details.prompt.name === 'consent' ? details.session?.accountId : undefined,
      client: { name: client.clientName ?? client.clientId, domain: registeredDomain([redirectUri]) },
      asked: {
        uid: details.uid,
        clientId: client.clientId,
        scopes: (text(params.scope) ?? '').split(' ').filter(Boolean),
        resources: [details.params.resource ?? []].flat().map(String),
        claims: text(params.claims),
        acrValues: text(params.acr_values),
        optional: policy?.optional ?? [],
        purpose: purposeIn(policy, locale),
        purposeInEnglish: purposeIn(policy, 'en'),
        upstream: policy?.upstream,
        retentionDays: policy?.retentionDays ?? 30,
        freshLogin: (text(params.prompt) ?? '').split(' ').includes('login') || params.max_age !== undefined,
      },
    }
  }

  /** Also proves that the form is one of ours, shown to this browser. @throws WebError CSRF_REFUSED */
  async function enterByForm(ctx: VisitContext) {
    const body = (ctx.request as unknown as { body?: Record<string, unknown> }).body ?? {}
    browser.checkCsrf(ctx, ctx.params.uid ?? '', body.csrf)
    const visit = await enter(ctx)
    // From here on a failure still shows the way back to the app.
    ctx.state.wayOut = { interactionUid: visit.asked.uid, csrf: body.csrf, clientName: visit.client.name }
    return { visit, body }
  }

  return { enter, enterByForm }
}

export type Visits = ReturnType<typeof createVisits>

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
