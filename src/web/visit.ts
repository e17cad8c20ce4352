import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import { VaultError, WebError } from '../errors.ts'
import { isAccountClient } from '../provider/account-client.ts'
import { type ClientPolicy, purposeIn, registeredDomain } from '../provider/clients.ts'
import { draftOf } from '../provider/draft.ts'
import type { AskedInteraction } from '../provider/interactions/asked.ts'
import type { Answer } from '../provider/interactions/consent.ts'
import { wantedSubjects } from '../provider/interactions/wanted-person.ts'
import { sectorOf } from '../provider/pairwise.ts'
import type { Vault } from '../vault/vault.ts'
import type { Browser } from './browser.ts'
import { translator } from './i18n.ts'
import type { PageSender } from './page.ts'
import type { Renderer } from './render.ts'

/** What an interaction is about. */
interface Asked {
  readonly asked: AskedInteraction
  readonly client: { readonly name: string; readonly domain: string }
  /** the person's own page asks, and no app */
  readonly own: boolean
  readonly locale: string
  readonly path: string
}

/** An interaction of the engine as one request sees it: proven by its path-bound cookie. */
export interface Visit extends Asked {
  readonly engine: Awaited<ReturnType<Provider['interactionDetails']>>
  /** whose session this browser has, where she needs not sign in but only agree: the engine just found it to go on */
  readonly signedIn: string | undefined
  /** what the engine goes on with, ready to be stored; it then resumes at `engine.returnTo` */
  readonly answer: Answer
}

type Params = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** The parameters that {@link Asked} is made of. */
const CARRIED = [
  ...['client_id', 'redirect_uri', 'scope', 'claims', 'acr_values', 'ui_locales', 'prompt', 'max_age', 'resource'],
] as const

const sealedRequest = (uid: string) => ({ table: 'interaction', column: 'request', row: uid })

type VisitContext = Context & { params: Record<string, string | undefined> }

/** Every page below `/interaction/:uid` begins by proving its visit. */
export function createVisits({
  engine,
  browser,
  pages,
  renderer,
  vault,
}: {
  engine: { readonly provider: Provider }
  vault: Vault
  browser: Browser
  pages: PageSender
  renderer: Renderer
}) {
  /** Proves the visit by the engine's cookie for this very path. @throws SessionNotFound; WebError INTERACTION_EXPIRED, CLIENT_UNKNOWN */
  async function enter(ctx: VisitContext): Promise<Visit> {
    ctx.state.route = 'interaction'
    const { provider } = engine
    const details = await provider.interactionDetails(ctx.req, ctx.res)
    if (details.uid !== ctx.params.uid)
      throw new WebError('INTERACTION_EXPIRED', 'the cookie belongs to another interaction')
    return {
      ...(await understand(ctx, details.uid, details.params as Params)),
      engine: details,
      signedIn: details.prompt.name === 'consent' ? details.session?.accountId : undefined,
      answer: (result) => {
        details.result = result
        return draftOf(details, () => details.persist())
      },
    }
  }

  /** What the parameters of an authorization request mean for the page. */
  async function understand(ctx: VisitContext, uid: string, params: Params): Promise<Asked> {
    ctx.state.uiLocales = text(params.ui_locales)
    const locale = pages.locale(ctx, text(params.ui_locales))
    const client = await engine.provider.Client.find(String(params.client_id))
    if (!client) throw new WebError('CLIENT_UNKNOWN', 'the client of this interaction is gone')
    const policy = client.dwar as ClientPolicy | undefined
    const own = isAccountClient(client.clientId)
    const redirectUri = text(params.redirect_uri) ?? client.redirectUris?.[0] ?? ''
    return {
      locale,
      own,
      path: `/interaction/${uid}`,
      client: {
        name: own ? translator(renderer.locales, locale).t('account.name') : (client.clientName ?? client.clientId),
        domain: registeredDomain([redirectUri]),
      },
      asked: {
        uid,
        clientId: client.clientId,
        scopes: (text(params.scope) ?? '').split(' ').filter(Boolean),
        resources: [params.resource ?? []].flat().map(String),
        claims: text(params.claims),
        acrValues: text(params.acr_values),
        optional: policy?.optional ?? [],
        purpose: purposeIn(policy, locale),
        purposeInEnglish: purposeIn(policy, 'en'),
        wanted: {
          subjects: wantedSubjects(text(params.claims), text(params.id_token_hint)),
          sector: client.subjectType === 'pairwise' ? sectorOf(client) : undefined,
        },
        upstream: policy?.upstream,
        retentionDays: policy?.retentionDays ?? 30,
        freshLogin: (text(params.prompt) ?? '').split(' ').includes('login') || params.max_age !== undefined,
      },
    }
  }

  /** Also proves that the form is one of ours, shown to this browser. @throws WebError CSRF_REFUSED */
  async function enterByForm(ctx: VisitContext) {
    const body = checkForm(ctx)
    const visit = await enter(ctx)
    noteWayOut(ctx, visit, body)
    return { visit, body }
  }

  /**
   * What the form of the start page brings back: the request, so that the journey begins with one statement, which finds
   * out by itself whether the interaction still is. Proven as `enter` and `enterByForm` prove it, and by our seal for this
   * very interaction. Undefined where that cannot do. @throws WebError CSRF_REFUSED, REQUEST_INVALID, CLIENT_UNKNOWN
   */
  async function recall(ctx: VisitContext): Promise<AskedInteraction | undefined> {
    ctx.state.route = 'interaction'
    const body = checkForm(ctx)
    const uid = ctx.params.uid ?? ''
    if (typeof body.request !== 'string' || cookieOf(ctx) !== uid) return undefined
    const known = await understand(ctx, uid, await openRequest(uid, body.request))
    noteWayOut(ctx, known, body)
    return known.asked
  }

  /** For the form of the start page, which gives it back to `recall`. */
  async function carry({ engine }: Visit): Promise<string> {
    const params = Object.fromEntries(CARRIED.map((name) => [name, (engine.params as Params)[name]]))
    return (await vault.seal('system', sealedRequest(engine.uid), JSON.stringify(params))).toString('base64url')
  }

  /** The interaction of this path, as the engine's cookie names it. */
  const cookieOf = (ctx: VisitContext): string | undefined =>
    engine.provider
      .createContext(ctx.req, ctx.res)
      .cookies.get(engine.provider.cookieName('interaction'), { signed: true })

  async function openRequest(uid: string, sealed: string): Promise<Params> {
    try {
      const opened = await vault.open('system', sealedRequest(uid), Buffer.from(sealed, 'base64url'))
      return JSON.parse(opened.toString('utf8')) as Params
    } catch (cause) {
      if (!(cause instanceof VaultError)) throw cause
      throw new WebError('REQUEST_INVALID', 'the form brings a request that we did not seal for it', { cause })
    }
  }

  function checkForm(ctx: VisitContext): Record<string, unknown> {
    const body = (ctx.request as unknown as { body?: Record<string, unknown> }).body ?? {}
    browser.checkCsrf(ctx, ctx.params.uid ?? '', body.csrf)
    return body
  }

  /** From here on a failure still shows the way back to the app. */
  function noteWayOut(ctx: VisitContext, { asked, client }: Asked, { csrf }: Record<string, unknown>): void {
    ctx.state.wayOut = { interactionUid: asked.uid, csrf, clientName: client.name }
  }

  return { enter, enterByForm, recall, carry }
}

export type Visits = ReturnType<typeof createVisits>

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
