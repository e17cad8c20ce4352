import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { WebError } from '../../errors.ts'
import { NOTICE_VERSION } from '../../provider/interactions/consent.ts'
import type { Login } from '../../provider/interactions/login.ts'
import type { RailId } from '../../rails/rail.ts'
import type { Browser } from '../browser.ts'
import { readForm, redirect } from '../form.ts'
import type { PageSender } from '../page.ts'
import { toPullPage } from '../pages/pull.ts'
import type { Visits } from '../visit.ts'

export interface ErrandParts {
  readonly rail: RailId
  readonly login: Login
  readonly browser: Browser
  readonly pages: PageSender
  readonly visits: Visits
}

/**
 * What she can do about a missing document before she decides: ask its office again, or have it put into her locker.
 * Each answers with a redirect to her one page, which then shows what came of it; nothing she typed stands in an address.
 */
export function errandRoutes({ rail, login, browser, pages, visits }: ErrandParts): Middleware {
  const router = new Router({ prefix: '/interaction/:uid' })

  router.post('/again', readForm, async (ctx) => {
    const { visit, body } = await visits.enterByForm(ctx)
    await login.runErrand(visit.asked, { kind: 'ask-again', doctypes: [String(body.doctype)] })
    redirect(ctx, visit.path)
  })

  router.get('/pull/:doctype', async (ctx) => {
    const visit = await visits.enter(ctx)
    const { doctype, fields } = pullOf(ctx)
    pages.send(ctx, 'pull', (words, languages) =>
      toPullPage(words, {
        client: visit.client,
        doctype,
        fields,
        problem: ctx.query.problem !== undefined,
        action: `${visit.path}/pull/${doctype}`,
        backHref: visit.path,
        csrf: browser.csrf(browser.ensure(ctx), visit.asked.uid),
        languages,
      }),
    )
  })

  router.post('/pull/:doctype', readForm, async (ctx) => {
    const { visit, body } = await visits.enterByForm(ctx)
    const { doctype } = pullOf(ctx)
    const fields = login.readPullFields(rail, doctype, body)
    if (!fields) return redirect(ctx, `${visit.path}/pull/${doctype}?problem=1`)
    const agreed = { notice: NOTICE_VERSION, locale: visit.locale }
    await login.runErrand(visit.asked, { kind: 'pull', doctype, fields }, agreed)
    redirect(ctx, visit.path)
  })

  /** @throws WebError NOT_FOUND for what is not pulled here */
  function pullOf(ctx: Context & { params: Record<string, string | undefined> }) {
    const doctype = ctx.params.doctype ?? ''
    const fields = login.pullFields(rail, doctype)
    if (!fields) throw new WebError('NOT_FOUND', 'this document is not pulled here')
    return { doctype, fields }
  }

  return router.routes() as unknown as Middleware
}
