import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { AppError, type ErrorCode, WebError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { isAssured, needsOf, requestOf } from '../../provider/interactions/asked.ts'
import type { ConsentStory } from '../../provider/interactions/consent.ts'
import type { Entry } from '../../provider/interactions/entry.ts'
import type { Login, Returned, Standing } from '../../provider/interactions/login.ts'
import type { Offer, OfferItem } from '../../provider/interactions/offer.ts'
import type { Reuse } from '../../provider/interactions/reuse.ts'
import { requestedNames } from '../../provider/request.ts'
import type { DecisionStore } from '../../provider/stores.ts'
import type { RailId } from '../../rails/rail.ts'
import type { Browser } from '../browser.ts'
import { readForm, redirect } from '../form.ts'
import { report } from '../middleware/problems.ts'
import { newIncidentId, type PageSender } from '../page.ts'
import { type ConsentSource, type ConsentView, digestOfShown, toConsentPage } from '../pages/consent.ts'
import { toStartPage } from '../pages/start.ts'
import { refusals } from '../refusals.ts'
import type { Visit, Visits } from '../visit.ts'
import { type Choice, createEarlier } from './earlier.ts'

export interface InteractionParts {
  readonly visits: Visits
  readonly login: Login
  readonly consent: ConsentStory
  readonly reuse: Reuse
  readonly entry: Entry
  readonly decisions: Pick<DecisionStore, 'leave'>
  readonly browser: Browser
  readonly pages: PageSender
  readonly clock: () => number
  readonly log: Log
  readonly notice: {
    readonly withdrawHref?: string | undefined
    readonly contact?: { label: string; href: string } | undefined
    readonly complaintHref?: string | undefined
  }
}

const RAIL: RailId = 'digilocker'

/** How it shows that another press has decided. */
const DECIDED: ReadonlySet<string> = new Set<ErrorCode>(['INTERACTION_OUT_OF_ORDER', 'INTERACTION_EXPIRED'])

/**
 * `/interaction/:uid`: one address for the whole login, whose page depends only on where the login stands. Reload, back
 * button and a second tab therefore show the truth, and every POST answers with a redirect (303).
 */
export function interactionRoutes(parts: InteractionParts): Middleware {
  const { login, consent, browser, pages } = parts
  const router = new Router({ prefix: '/interaction/:uid' })
  const { enter, enterByForm, recall, carry } = parts.visits
  const earlier = createEarlier(parts)

  router.get('/', async (ctx) => {
    const visit = await enter(ctx)
    if (visit.engine.result) return redirect(ctx, visit.engine.returnTo)
    const csrf = browser.csrf(browser.ensure(ctx), visit.asked.uid)
    const standing = await login.standing(visit.asked.uid)
    if (standing.kind !== 'returned') {
      if (!(await earlier.show(ctx, visit, csrf))) await showStart(ctx, visit, csrf)
      return
    }
    const code = await failureOf(visit, standing)
    if (code) {
      const incidentId = newIncidentId(standing.attemptId)
      report(parts.log, code, incidentId, undefined, ctx)
      pages.refuse(ctx, code, incidentId, {
        interactionUid: visit.asked.uid,
        csrf,
        clientName: visit.client.name,
      })
      return
    }
    if (standing.outcome.kind !== 'identity') return
    const returned = { attemptId: standing.attemptId, ...standing.outcome }
    if (visit.own) redirect(ctx, (await enterAccount(ctx, visit, returned)).href)
    else showConsent(ctx, visit, csrf, returned)
  })

  router.post('/start', readForm, async (ctx) => {
    const { decision } = (ctx.request as unknown as { body: Record<string, unknown> }).body
    if (decision === 'cancel') return leave(ctx, (await enterByForm(ctx)).visit, 'cancelled')
    const asked = (await recall(ctx)) ?? askedAnew((await enterByForm(ctx)).visit)
    const begun = await login.begin(RAIL, asked, browser.ensure(ctx)).catch((error: unknown) => onwards(ctx, error))
    redirect(ctx, begun.href)
  })

  router.post('/consent', readForm, async (ctx) => {
    const { visit, body } = await enterByForm(ctx)
    const choice = { share: body.decision === 'share', chosen: new Set(listOf(body.share)), shown: body.shown }
    try {
      // What she did not see she did not agree to: she is shown it, unless another press has decided.
      if ((await decide(visit, choice)) === 'changed' && !(await enter(ctx)).engine.result)
        return redirect(ctx, `${visit.path}?changed=1`)
    } catch (error) {
      return redirect(ctx, (await onwards(ctx, error)).href)
    }
    redirect(ctx, visit.engine.returnTo)
  })

  /** Pressed twice, or in another tab: the first press has decided, and what comes later goes where that one goes. */
  async function onwards(ctx: Parameters<typeof enter>[0], error: unknown): Promise<URL> {
    if (!(error instanceof AppError && DECIDED.has(error.code))) throw error
    const { engine } = await enter(ctx)
    if (!engine.result) throw error
    return new URL(engine.returnTo)
  }

  /** Nothing is asked of her: to see her own page it is enough that it is she. */
  async function enterAccount(ctx: Parameters<typeof enter>[0], visit: Visit, returned: Returned): Promise<URL> {
    try {
      await parts.entry.enter(visit.asked, returned, visit.answer)
    } catch (error) {
      return onwards(ctx, error)
    }
    return new URL(visit.engine.returnTo)
  }

  async function decide(visit: Visit, choice: Choice): Promise<'decided' | 'changed'> {
    const standing = await login.standing(visit.asked.uid)
    const earlierAnswer = standing.kind !== 'returned' && (await earlier.decide(visit, choice))
    if (earlierAnswer) return earlierAnswer
    if (standing.kind !== 'returned' || standing.outcome.kind !== 'identity' || (await failureOf(visit, standing)))
      throw new WebError('INTERACTION_OUT_OF_ORDER', 'there is nothing to consent to yet')
    if (visit.own) throw new WebError('INTERACTION_OUT_OF_ORDER', 'there is nothing to consent to')
    const returned = { attemptId: standing.attemptId, ...standing.outcome }
    if (!choice.share) await consent.refuse(visit.asked, returned, visit.locale, visit.answer)
    else if (choice.shown !== digestOfShown(toShown(visit, consent.offerFor(visit.asked, returned), returned.identity)))
      return 'changed'
    else await consent.grant(visit.asked, returned, choice.chosen, visit.locale, visit.answer)
    return 'decided'
  }

  router.post('/return', readForm, async (ctx) => {
    const { visit } = await enterByForm(ctx)
    const standing = await login.standing(visit.asked.uid)
    await leave(ctx, visit, (standing.kind === 'returned' && (await failureOf(visit, standing))) || 'cancelled')
  })

  async function showStart(ctx: Context, visit: Visit, csrf: string): Promise<void> {
    const carried = await carry(visit)
    pages.send(ctx, 'start', (words, languages) =>
      toStartPage(words, {
        client: visit.client,
        own: visit.own,
        purpose: visit.asked.purpose,
        claims: requestedNames(requestOf(visit.asked)),
        doctypes: [...new Set(needsOf(visit.asked).flatMap((need) => need.anyOf))],
        paused: login.isPaused(RAIL),
        action: `${visit.path}/start`,
        csrf,
        request: carried,
        languages,
      }),
    )
  }

  function showConsent(ctx: Context, visit: Visit, csrf: string, returned: Returned): void {
    const { identity, sessionOpen } = returned
    const offer = consent.offerFor(visit.asked, returned)
    pages.send(ctx, 'consent', (words, languages) =>
      toConsentPage(words, {
        client: visit.client,
        ...toShown(visit, offer, identity),
        changed: ctx.query.changed !== undefined,
        missing: offer.missing.map((document) => ({
          ...document,
          canBePulled: login.pullFields(RAIL, document.doctype) !== undefined,
        })),
        sessionOpen,
        path: visit.path,
        now: parts.clock(),
        retainUntil: consent.retainUntil(visit.asked, identity),
        notice: parts.notice,
        csrf,
        languages,
      }),
    )
  }

  /** Back to the relying app without a login, with the standard error; the engine adds `state` and `iss` (RFC 9207). */
  async function leave(ctx: Context, visit: Visit, code: 'cancelled' | keyof typeof refusals): Promise<void> {
    const error = code === 'cancelled' ? 'access_denied' : refusals[code].oauth
    const description =
      code === 'cancelled' ? 'the person cancelled the sign-in' : `the sign-in could not be completed (${code})`
    await parts.decisions.leave(await visit.answer({ error, error_description: description }), {
      body: { type: 'login.abandoned', code },
      clientId: visit.asked.clientId,
      interactionUid: visit.asked.uid,
    })
    redirect(ctx, visit.engine.returnTo)
  }

  /**
   * Why a journey that came back leads no further; also when it was made by somebody else than the request is about, or
   * when the documents prove less than the app insists on.
   */
  async function failureOf(
    { asked, own }: Visit,
    { outcome }: Standing & { kind: 'returned' },
  ): Promise<ErrorCode | undefined> {
    if (outcome.kind === 'failed') return outcome.code
    if (own && !(await parts.entry.isKnown(outcome.identity))) return 'ACCOUNT_UNKNOWN'
    if (!(await consent.isSheWhoIsWanted(asked, outcome.identity))) return 'ACCOUNT_MISMATCH'
    return isAssured(asked, outcome.identity.documents) ? undefined : 'ACR_UNMET'
  }

  return router.routes() as unknown as Middleware
}

/** On another try DigiLocker asks who she is where one person alone will do: its session may be somebody else's. */
const askedAnew = ({ asked }: Visit): Visit['asked'] => ({
  ...asked,
  freshLogin: asked.freshLogin || (asked.wanted?.subjects.length ?? 0) > 0,
})

/** What she decides on. */
function toShown(
  { asked }: Visit,
  { items }: Offer,
  identity: Returned['identity'],
): Pick<ConsentView, 'purpose' | 'items'> {
  return {
    purpose: asked.purpose,
    items: items.map((item) => ({
      claim: item.name,
      value: item.value,
      required: item.required,
      source: toSource(item, identity),
    })),
  }
}

function toSource(item: OfferItem, identity: Returned['identity']): ConsentSource {
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

function listOf(value: unknown): string[] {
  return [value].flat().filter((one): one is string => typeof one === 'string')
}
