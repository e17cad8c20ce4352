import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { InteractionResults, Provider } from 'oidc-provider'
import { WebError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { EventStore } from '../../privacy/event.ts'
import { type ClientPolicy, purposeIn, registeredDomain } from '../../provider/clients.ts'
import { type AskedInteraction, requestOf } from '../../provider/interactions/asked.ts'
import type { ConsentStory } from '../../provider/interactions/consent.ts'
import type { Login } from '../../provider/interactions/login.ts'
import type { OfferItem } from '../../provider/interactions/offer.ts'
import { documentNeeds, requestedNames } from '../../provider/request.ts'
import type { RailIdentity } from '../../rails/rail.ts'
import type { Browser } from '../browser.ts'
import { report } from '../middleware/problems.ts'
import { newIncidentId, type PageSender } from '../page.ts'
import { type ConsentSource, toConsentPage } from '../pages/consent.ts'
import { toStartPage } from '../pages/start.ts'
import { refusals } from '../refusals.ts'

export interface InteractionParts {
  readonly provider: Provider
  readonly login: Login
  readonly consent: ConsentStory
  readonly events: EventStore
  readonly browser: Browser
  readonly pages: PageSender
  readonly clock: () => number
  readonly log: Log
  readonly notice: {
    readonly contact?: { label: string; href: string } | undefined
    readonly complaintHref?: string | undefined
  }
}

const RAIL = 'digilocker'

/** An interaction of the engine as this request sees it: proven by its path-bound cookie. */
interface Visit {
  readonly engine: Awaited<ReturnType<Provider['interactionDetails']>>
  readonly asked: AskedInteraction
  readonly client: { readonly name: string; readonly domain: string }
  readonly locale: string
  readonly path: string
}

/**
 * `/interaction/:uid`: one address for the whole login, whose page depends only on where the login stands. Reload, back
 * button and a second tab therefore show the truth, and every POST answers with a redirect (303).
 */
export function interactionRoutes(parts: InteractionParts): Middleware {
  const { provider, login, consent, browser, pages } = parts
  const router = new Router({ prefix: '/interaction/:uid' })
  const form = bodyParser({ enableTypes: ['form'], formLimit: '64kb' }) as unknown as Middleware

  router.get('/', async (ctx) => {
    const visit = await enter(ctx)
    const csrf = browser.csrf(browser.ensure(ctx), visit.asked.uid)
    const standing = await login.standing(visit.asked.uid)
    if (standing.kind !== 'returned') return showStart(ctx, visit, csrf)
    if (standing.outcome.kind === 'failed') {
      const { code } = standing.outcome
      const incidentId = newIncidentId(standing.attemptId)
      report(parts.log, code, incidentId, undefined, ctx)
      pages.refuse(ctx, code, incidentId, {
        interactionUid: visit.asked.uid,
        csrf,
        clientName: visit.client.name,
      })
      return
    }
    showConsent(ctx, visit, csrf, standing.outcome.identity)
  })

  router.post('/start', form, async (ctx) => {
    const { visit, body } = await enterByForm(ctx)
    if (body.decision === 'cancel') return leave(ctx, visit, 'cancelled')
    redirect(ctx, (await login.begin(RAIL, visit.asked, browser.ensure(ctx))).href)
  })

  router.post('/consent', form, async (ctx) => {
    const { visit, body } = await enterByForm(ctx)
    const standing = await login.standing(visit.asked.uid)
    if (standing.kind !== 'returned' || standing.outcome.kind !== 'identity')
      throw new WebError('INTERACTION_OUT_OF_ORDER', 'there is nothing to consent to yet')
    if (body.decision !== 'share') {
      await consent.refuse(visit.asked, visit.locale)
      return finish(ctx, visit, { error: 'access_denied', error_description: 'the person did not agree to share' })
    }
    const { identity } = standing.outcome
    const result = await consent.grant(
      visit.asked,
      standing.attemptId,
      identity,
      new Set(listOf(body.share)),
      visit.locale,
    )
    await finish(ctx, visit, { ...result })
  })

  router.post('/return', form, async (ctx) => {
    const { visit } = await enterByForm(ctx)
    const standing = await login.standing(visit.asked.uid)
    const failed =
      standing.kind === 'returned' && standing.outcome.kind === 'failed' ? standing.outcome.code : 'cancelled'
    await leave(ctx, visit, failed)
  })

  /** Proves the visit by the engine's cookie for this very path. @throws SessionNotFound */
  async function enter(ctx: Context & { params: Record<string, string | undefined> }): Promise<Visit> {
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
      client: { name: client.clientName ?? client.clientId, domain: registeredDomain([redirectUri]) },
      asked: {
        uid: details.uid,
        clientId: client.clientId,
        scopes: (text(params.scope) ?? '').split(' ').filter(Boolean),
        claims: text(params.claims),
        optional: policy?.optional ?? [],
        purpose: purposeIn(policy, locale),
        purposeInEnglish: purposeIn(policy, 'en'),
        retentionDays: policy?.retentionDays ?? 30,
        freshLogin: (text(params.prompt) ?? '').split(' ').includes('login') || params.max_age !== undefined,
      },
    }
  }

  async function enterByForm(ctx: Context & { params: Record<string, string | undefined> }) {
    const body = (ctx.request as unknown as { body?: Record<string, unknown> }).body ?? {}
    browser.checkCsrf(ctx, ctx.params.uid ?? '', body.csrf)
    const visit = await enter(ctx)
    // From here on a failure still shows the way back to the app.
    ctx.state.wayOut = { interactionUid: visit.asked.uid, csrf: body.csrf, clientName: visit.client.name }
    return { visit, body }
  }

  function showStart(ctx: Context, visit: Visit, csrf: string): void {
    const request = requestOf(visit.asked)
    pages.send(ctx, 'start', (words, languages) =>
      toStartPage(words, {
        client: visit.client,
        purpose: visit.asked.purpose,
        claims: requestedNames(request),
        doctypes: [...new Set(documentNeeds(request).flatMap((need) => need.anyOf))],
        action: `${visit.path}/start`,
        csrf,
        languages,
      }),
    )
  }

  function showConsent(ctx: Context, visit: Visit, csrf: string, identity: RailIdentity): void {
    const offer = consent.offerFor(visit.asked, identity)
    pages.send(ctx, 'consent', (words, languages) =>
      toConsentPage(words, {
        client: visit.client,
        purpose: visit.asked.purpose,
        items: offer.items.map((item) => ({
          claim: item.name,
          value: item.value,
          required: item.required,
          source: toSource(item, identity),
        })),
        missing: offer.missing,
        now: parts.clock(),
        retainUntil: consent.retainUntil(visit.asked, identity),
        notice: parts.notice,
        action: `${visit.path}/consent`,
        csrf,
        languages,
      }),
    )
  }

  /** Back to the relying app without a login, with the standard error; the engine adds `state` and `iss` (RFC 9207). */
  async function leave(ctx: Context, visit: Visit, code: 'cancelled' | keyof typeof refusals): Promise<void> {
    await parts.events.append([
      { body: { type: 'login.abandoned', code }, clientId: visit.asked.clientId, interactionUid: visit.asked.uid },
    ])
    const error = code === 'cancelled' ? 'access_denied' : refusals[code].oauth
    const description =
      code === 'cancelled' ? 'the person cancelled the sign-in' : `the sign-in could not be completed (${code})`
    await finish(ctx, visit, { error, error_description: description })
  }

  return router.routes() as unknown as Middleware
}

function toSource(item: OfferItem, identity: RailIdentity): ConsentSource {
  const document = identity.documents.find((one) => one.kind === 'verified' && one.doctype === item.source)
  if (document?.kind !== 'verified') return { kind: 'account' }
  return {
    kind: 'document',
    doctype: document.doctype,
    documentIssuer: document.fields.documentIssuer.name,
    signerName: document.verification.signerName,
    weakAlgorithm: document.verification.weakAlgorithm,
  }
}

/** Hands the result to the engine, which resumes where it stopped. The interaction in hand is saved: it was read once. */
async function finish(ctx: Context, { engine }: Visit, result: InteractionResults): Promise<void> {
  engine.result = result
  await engine.persist()
  redirect(ctx, engine.returnTo)
}

/** 303 always: the next request is a GET, whatever this one was (security.md OP-14). */
function redirect(ctx: Context, to: string): void {
  ctx.status = 303
  ctx.redirect(to)
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function listOf(value: unknown): string[] {
  return [value].flat().filter((one): one is string => typeof one === 'string')
}
