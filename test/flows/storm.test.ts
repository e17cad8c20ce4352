import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { hashId } from '../../adapters/oidc-parts.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import type { Cluster } from '../support/cluster.ts'
import { type FormReceiver, receiveForms } from '../support/form-receiver.ts'
import { REDIRECT_URI, signInAtDigiLocker } from '../support/stage.ts'
import {
  addApp,
  basic,
  post,
  postToken,
  type RelyingApp,
  request,
  twoProcesses,
  userinfoStatus,
} from '../support/two-processes.ts'

const ROUNDS = 3
const AT_ONCE = 8

/** What one login gave, as far as the app knows. */
interface Held {
  readonly app: RelyingApp
  readonly bound: boolean
  readonly access: string
  readonly sid: string | undefined
  readonly refresh: string | undefined
}

interface Browser {
  readonly citizen: Citizen
  /** codes that nobody has exchanged */
  readonly codes: { app: RelyingApp; bound: boolean; code: string; verifier: string }[]
}

/**
 * One person, two browsers, two apps, two processes: whatever she and the apps do at once, what remains fits together.
 * Which acts meet is left to chance; that what is checked holds is not.
 */
describe('whatever happens at once', () => {
  const opened = twoProcesses()
  let cluster: Cluster
  let database: Database
  let receiver: FormReceiver
  /** client id and sid of everybody who was told of a sign-out */
  const told = new Set<string>()
  let apps: RelyingApp[] = []
  let browsers: Browser[] = []
  let held: Held[] = []
  let breaches: string[] = []

  beforeAll(async () => {
    ;({ cluster } = opened())
    database = await openDatabase({ url: opened().databaseUrl })
    receiver = await receiveForms((form, _request, response) => {
      const { aud, sid } = decodeJwt(form.get('logout_token') ?? '')
      told.add(`${aud} ${sid}`)
      response.writeHead(200).end()
    })
  })
  afterAll(async () => {
    receiver?.close()
    await database?.close()
  })

  const some = <T>(of: readonly T[]): T | undefined => of[Math.floor(Math.random() * of.length)]
  const any = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T
  const process = () => Math.floor(Math.random() * 2)

  function look(page: Page): Page {
    if (page.status >= 500) breaches.push(`${page.status} at ${page.url.pathname}`)
    return page
  }

  /** Presses a button of this value, if the page has it. */
  async function press({ citizen }: Browser, page: Page, value: string): Promise<Page | undefined> {
    const has = page.forms.some(({ buttons }) => buttons.some((button) => button.value === value))
    return has ? look(await citizen.submit(page, new RegExp(`^${value}$`))) : undefined
  }

  function keep(browser: Browser, app: RelyingApp, bound: boolean, verifier: string, page: Page | undefined): void {
    const code = page?.url.href.startsWith(REDIRECT_URI) && page.url.searchParams.get('code')
    if (code) browser.codes.push({ app, bound, code, verifier })
  }

  const scopeOf = (bound: boolean) => (bound ? 'openid pan' : 'openid offline_access pan')

  async function login(browser: Browser, app: RelyingApp, bound: boolean): Promise<void> {
    const { url, verifier } = await request(app, { scope: scopeOf(bound), prompt: bound ? 'login' : 'login consent' })
    const page = look(await browser.citizen.get(url))
    const start = page.forms.find(({ buttons }) => buttons.some(({ text }) => /continue/i.test(text)))
    if (!start) return
    const upstream = await browser.citizen.submit(page, /continue/i)
    // Her other tabs may take a page from under this one: then this login comes to nothing.
    const isAsked = upstream.html.includes('name="pin"')
    const consent = isAsked
      ? await signInAtDigiLocker(browser.citizen, page, 'asha').catch(() => undefined)
      : await browser.citizen.submit(upstream, /^Allow$/).catch(() => undefined)
    if (consent) keep(browser, app, bound, verifier, await press(browser, look(consent), 'share'))
  }

  /** Answers an earlier consent, if she is signed in. */
  async function again(browser: Browser, app: RelyingApp, value: 'share' | 'refuse'): Promise<void> {
    const bound = Math.random() < 0.5
    const { url, verifier } = await request(app, { scope: scopeOf(bound) })
    const page = look(await browser.citizen.get(url))
    keep(browser, app, bound, verifier, await press(browser, page, value))
  }

  async function silent(browser: Browser, app: RelyingApp): Promise<void> {
    const { url, verifier } = await request(app, { scope: scopeOf(true), prompt: 'none' })
    keep(browser, app, true, verifier, look(await browser.citizen.get(url)))
  }

  async function signOut(browser: Browser): Promise<void> {
    await press(browser, look(await browser.citizen.get(new URL('/logout', cluster.issuer))), 'yes')
  }

  async function withdraw({ citizen }: Browser, app: RelyingApp): Promise<void> {
    const page = look(await citizen.get(new URL('/account', cluster.issuer)))
    const csrf = page.forms.flatMap(({ fields }) => fields).find(([name]) => name === 'csrf')?.[1]
    if (csrf) look(await citizen.post(new URL('/account/withdraw', cluster.issuer), { csrf, client: app.id }))
  }

  function hold(app: RelyingApp, bound: boolean, status: number, body: Record<string, unknown>): void {
    if (status >= 500) breaches.push(`${status} at /token`)
    if (status !== 200) return
    const { access_token, refresh_token, id_token } = body as Record<string, string | undefined>
    const sid = id_token && String(decodeJwt(id_token).sid)
    held.push({ app, bound, access: access_token ?? '', refresh: refresh_token, sid })
  }

  async function exchange({ codes }: Browser, replay = false): Promise<void> {
    const one = some(codes)
    if (!one) return
    if (!replay) codes.splice(codes.indexOf(one), 1)
    const form = {
      grant_type: 'authorization_code',
      code: one.code,
      redirect_uri: REDIRECT_URI,
      code_verifier: one.verifier,
    }
    const { status, body } = await postToken(one.app, process(), form)
    hold(one.app, one.bound, status, body)
  }

  async function refresh(): Promise<void> {
    const one = some(held.filter(({ refresh }) => refresh))
    if (!one) return
    const form = { grant_type: 'refresh_token', refresh_token: one.refresh ?? '' }
    const { status, body } = await postToken(one.app, process(), form)
    hold(one.app, one.bound, status, body)
  }

  async function revoke(): Promise<void> {
    const one = some(held)
    if (!one) return
    const form = { token: one.refresh ?? one.access }
    const { status } = await post(cluster, process(), '/revoke', form, basic(one.app, one.app.secret))
    if (status >= 500) breaches.push(`${status} at /revoke`)
  }

  const acts: readonly (readonly [weight: number, (browser: Browser, app: RelyingApp) => Promise<void>])[] = [
    [3, silent],
    [2, (browser, app) => login(browser, app, Math.random() < 0.5)],
    [4, (browser, app) => again(browser, app, 'share')],
    [1, (browser, app) => again(browser, app, 'refuse')],
    [2, signOut],
    [1, withdraw],
    [2, refresh],
    [2, (browser) => exchange(browser)],
    [1, (browser) => exchange(browser, true)],
    [1, revoke],
  ]
  const weighted = acts.flatMap(([weight, act]) => Array.from({ length: weight }, () => act))

  async function begin(): Promise<void> {
    const logout = { backchannel_logout_uri: `${receiver.origin}/logout`, backchannel_logout_session_required: true }
    apps = [await addApp(cluster, logout), await addApp(cluster, logout)]
    browsers = [0, 1].map(() => ({ citizen: new Citizen(REDIRECT_URI), codes: [] }))
    held = []
    breaches = []
    for (const browser of browsers)
      for (const [index, app] of apps.entries()) {
        await login(browser, app, index === 0)
        await exchange(browser)
      }
    expect(held).toHaveLength(4)
  }

  async function rows<T>(query: ReturnType<typeof sql<T>>): Promise<T[]> {
    return (await query.execute(database.db())).rows
  }
  const ids = () => sql.join(apps.map(({ id }) => id))

  /** What a token that works hangs on. */
  async function checkTokens(): Promise<void> {
    for (const { app, access, bound } of held) {
      const works = (await userinfoStatus(app, process(), access)) === 200
      const [row] = await rows(sql<{ granted: boolean; ended: boolean; session: boolean }>`
        select g.id is not null as granted,
          exists (select from event e where e.grant_id = m.grant_id
            and e.type in ('consent.withdrawn', 'grant.revoked', 'token.reused')) as ended,
          exists (select from oidc_model s where s.model = 'Session' and s.uid = m.session_uid) as session
        from oidc_model m left join oidc_grant g on g.id = m.grant_id where m.model = 'AccessToken' and m.id = ${hashId(access)}`)
      if (works && (!row?.granted || row.ended || (bound && !row.session)))
        breaches.push(`a token works: ${JSON.stringify(row)}`)
    }
  }

  /** Consents, grants, events and interactions tell one story. */
  async function checkStory(): Promise<void> {
    const found = await rows(sql<{ what: string }>`
      select 'grant without its consent, or with two' as what from oidc_grant g where g.client_id in (${ids()})
        and (select count(*) from consent c where c.grant_id = g.id) <> 1
      union all select 'consent without its event, or with two' from consent c where c.client_id in (${ids()})
        and (select count(*) from event e where e.type = 'consent.granted' and e.grant_id = c.grant_id) <> 1
      union all select 'event of a consent that is not there' from event e where e.client_id in (${ids()})
        and e.type = 'consent.granted' and not exists (select from consent c where c.grant_id = e.grant_id)
      union all select 'consent that ended, with its grant' from event e join oidc_grant g on g.id = e.grant_id
        where e.client_id in (${ids()}) and e.type in ('consent.withdrawn', 'grant.revoked')
      union all select 'grant that is gone without a word' from consent c where c.client_id in (${ids()})
        and not exists (select from oidc_grant g where g.id = c.grant_id)
        and not exists (select from event e where e.grant_id = c.grant_id and e.type in ('consent.withdrawn', 'grant.revoked'))
      union all select 'withdrawn consent with its values' from event e join consent c on c.grant_id = e.grant_id
        join consent_value v on v.consent_id = c.id where e.client_id in (${ids()}) and e.type = 'consent.withdrawn'
      union all select 'two endings of one grant: ' || string_agg(e.type || coalesce(e.data ->> 'reason', ''), ' ' order by e.id)
        from event e where e.client_id in (${ids()})
        and e.type = 'grant.revoked' group by e.grant_id having count(*) > 1
      union all select 'interaction decided twice' from event e where e.client_id in (${ids()})
        and e.type in ('consent.granted', 'consent.refused') group by e.interaction_uid having count(*) > 1
      union all select 'interaction with two codes' from event e where e.client_id in (${ids()})
        and e.type = 'code.issued' and e.interaction_uid is not null group by e.interaction_uid having count(*) > 1
      union all select 'more codes redeemed than issued' from event e where e.client_id in (${ids()})
        group by e.grant_id
        having count(*) filter (where e.type = 'code.redeemed') > count(*) filter (where e.type = 'code.issued')
      union all select 'refresh tokens do not add up' from event e where e.client_id in (${ids()}) group by e.grant_id
        having count(*) filter (where e.type = 'refresh_token.rotated')
          > count(*) filter (where e.type = 'refresh_token.issued')`)
    breaches.push(...found.map(({ what }) => what))
  }

  /** She signs out of each browser at last: then no session of hers is left, and none was lost on the way. */
  async function signOutAtLast(): Promise<void> {
    for (const browser of browsers) {
      while (browser.codes.length > 0) await exchange(browser)
      await signOut(browser)
    }
    const left = sql`select from oidc_model where model = 'Session' and account_id is not null`
    if ((await rows(left)).length > 0) breaches.push('a session outlives its sign-out')
  }

  /** A session ends by a sign-out alone: whoever had joined one that is over was told. */
  async function checkTold(): Promise<void> {
    const owed = () => rows(sql`select from logout_delivery where client_id in (${ids()})`)
    await expect.poll(owed, { timeout: 60_000, interval: 50 }).toEqual([])
    for (const { app, access, sid } of held) {
      const [row] = await rows(sql<{ over: boolean }>`select not exists (
          select from oidc_model s where s.model = 'Session' and s.uid = m.session_uid) as over
        from oidc_model m where m.model = 'AccessToken' and m.id = ${hashId(access)}`)
      if (row?.over && sid !== undefined && !told.has(`${app.id} ${sid}`)) breaches.push('an app was not told')
    }
  }

  it('leaves one story, no token without its consent or session, and nobody untold', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await begin()
      await Promise.all(Array.from({ length: AT_ONCE }, () => any(weighted)(any(browsers), any(apps))))
      await checkTokens()
      await checkStory()
      await signOutAtLast()
      await checkTold()
      await checkTokens()
      await checkStory()
      expect({ round, breaches }).toEqual({ round, breaches: [] })
    }
    const errors = cluster.processes.flatMap(({ output }) =>
      output()
        .split('\n')
        .filter((line) => line.includes('"level":50')),
    )
    expect(errors).toEqual([])
  }, 180_000)
})
