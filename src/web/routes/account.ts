import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Provider } from 'oidc-provider'
import { type SharedWithApp, type SharingStore, toApps } from '../../privacy/sharing.ts'
import { accountSignIn } from '../../provider/account-client.ts'
import { findBrowserSession } from '../../provider/browser-session.ts'
import { registeredDomain } from '../../provider/clients.ts'
import type { Browser } from '../browser.ts'
import { readForm, redirect } from '../form.ts'
import type { PageSender } from '../page.ts'
import { type AppView, toAccountPage } from '../pages/account.ts'

export interface AccountParts {
  readonly engine: { readonly provider: Provider }
  readonly sharings: SharingStore
  readonly browser: Browser
  readonly pages: PageSender
  readonly clock: () => number
  readonly issuer: URL
  readonly notice: { readonly contact?: { label: string; href: string } | undefined }
}

/** More than a year of daily sign-ins. */
const LIMIT = 500

/** A form of this page is bound to the browser and to who is signed in: after another sign-in it means nothing. */
const formOf = (sessionUid: string): string => `account:${sessionUid}`

/**
 * `/account`: what the person who is signed in here shares, and with whom; each app can be taken back with one press
 * (DPDP Act 2023 §6(4): withdrawing is as easy as consenting). Who is not signed in can sign in with DigiLocker.
 */
export function accountRoutes(parts: AccountParts): Middleware {
  const { engine, sharings, browser, pages } = parts
  const router = new Router({ prefix: '/account' })
  const sessionOf = (ctx: Context) => findBrowserSession(engine.provider, ctx.req, ctx.res)

  router.get('/', async (ctx) => {
    ctx.state.route = 'account'
    // Back from the sign-in: what the engine tells an app is nothing for the address bar.
    if (ctx.query.iss !== undefined) return redirect(ctx, '/account')
    const session = await sessionOf(ctx)
    const apps = session && (await appsOf(session.accountId))
    const csrf = session && browser.csrf(browser.ensure(ctx), formOf(session.uid))
    pages.send(ctx, 'account', (words, languages) =>
      toAccountPage(words, {
        apps,
        csrf,
        action: '/account/withdraw',
        signInHref: accountSignIn(parts.issuer),
        contact: parts.notice.contact,
        languages,
      }),
    )
  })

  router.post('/withdraw', readForm, async (ctx) => {
    ctx.state.route = 'account'
    const session = await sessionOf(ctx)
    const body = (ctx.request as unknown as { body?: Record<string, unknown> }).body ?? {}
    // Her session may have ended while she read: the page says how to go on.
    if (!session) return redirect(ctx, '/account')
    browser.checkCsrf(ctx, formOf(session.uid), body.csrf)
    if (typeof body.client === 'string') await sharings.withdraw(session.accountId, body.client)
    redirect(ctx, '/account')
  })

  async function appsOf(accountId: string): Promise<AppView[]> {
    const apps = toApps(await sharings.list(accountId, parts.clock(), LIMIT))
    return Promise.all(apps.map(async (app) => ({ ...app, client: await identityOf(app) })))
  }

  /** An app may have been removed since; what it got was got all the same. */
  async function identityOf({ clientId }: SharedWithApp): Promise<AppView['client']> {
    const client = await engine.provider.Client.find(clientId)
    return client && { name: client.clientName ?? clientId, domain: registeredDomain(client.redirectUris) }
  }

  return router.routes() as unknown as Middleware
}
