import { sql } from 'kysely'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { hashId } from '../../adapters/oidc-parts.ts'
import { createStorage } from '../../adapters/storage.ts'
import { Citizen, type Form } from '../support/citizen.ts'
import type { Cluster } from '../support/cluster.ts'
import { untilSomebodyWaits } from '../support/databases.ts'
import { formOf, pressed, sendTo, sessionOf as sessionIn } from '../support/one-browser.ts'
import { REDIRECT_URI, signInAtDigiLocker } from '../support/stage.ts'
import {
  addApp,
  BOTH,
  expectDead,
  postToken,
  type RelyingApp,
  request,
  signedIn,
  TWENTY,
  twoProcesses,
  userinfoStatus,
} from '../support/two-processes.ts'

/** Bound to the browser's session: without `offline_access` a sign-out ends it. */
const BOUND = { scope: 'openid pan', prompt: 'login' }

/** People press twice, open two tabs and sign out while an app is at work: once is once, whichever process is asked. */
describe('one browser at two issuer processes', () => {
  const opened = twoProcesses()
  let cluster: Cluster
  let database: Database
  /** sees what goes on while `database` is in a transaction */
  let observer: Database
  let app: RelyingApp

  beforeAll(async () => {
    ;({ cluster } = opened())
    database = await openDatabase({ url: opened().databaseUrl })
    observer = await openDatabase({ url: opened().databaseUrl })
    app = await addApp(cluster)
  })
  afterAll(async () => {
    await database?.close()
    await observer?.close()
  })

  async function countOf(table: 'consent' | 'oidc_grant', clientId: string): Promise<number> {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}
      where client_id = ${clientId}`.execute(database.db())
    return rows[0]?.n ?? 0
  }

  const sessionOf = (citizen: Citizen) => sessionIn(cluster, citizen)
  const send = (citizen: Citizen, index: number, url: URL, form?: URLSearchParams) =>
    sendTo(cluster, citizen, index, url, form)
  const shareOf = (form: Form) => pressed(form, 'decision', 'share')

  /** Another request ends the session, or gives it a new id, while `act` has read it and goes on. */
  async function meanwhile<T>(session: Buffer, happens: 'ended' | 'renamed', act: () => Promise<T>) {
    return database.transact(async () => {
      const which = sql`model = 'Session' and id = ${session} returning uid`
      const change =
        happens === 'ended'
          ? sql<{ uid: string }>`delete from oidc_model where ${which}`
          : sql<{
              uid: string
            }>`update oidc_model set id = ${hashId(`renamed ${session.toString('hex')}`)} where ${which}`
      const [row] = (await change.execute(database.db())).rows
      const late = act()
      await untilSomebodyWaits(observer)
      return { uid: row?.uid, late }
    })
  }

  /** The consent page of a login, in a browser that may have others open. */
  async function atConsent(by: RelyingApp, parameters: Record<string, string>, citizen = new Citizen(REDIRECT_URI)) {
    const { url, verifier } = await request(by, parameters)
    return { citizen, verifier, page: await signInAtDigiLocker(citizen, await citizen.get(url), 'asha') }
  }

  /** The same page of a person who was here before: DigiLocker is not asked again. */
  async function atEarlierConsent(by: RelyingApp) {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(by, {}, citizen)
    const { url, verifier } = await request(by)
    const page = await citizen.get(url)
    expect(page.html).toContain('Check again at DigiLocker')
    return { citizen, verifier, page }
  }

  async function atConsentAgain(by: RelyingApp) {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(by, {}, citizen)
    return atConsent(by, { prompt: 'login' }, citizen)
  }

  describe.each([
    { of: 'what DigiLocker brought', begin: (by: RelyingApp) => atConsent(by, {}), before: 0 },
    { of: 'what was verified before', begin: atEarlierConsent, before: 1 },
  ])('deciding on $of', ({ begin, before }) => {
    const no = (form: Form) => pressed(form, 'decision', 'refuse')

    it('takes one of 20 presses of “Share”: one consent, one grant, and every press leads on', async () => {
      const own = await addApp(cluster)
      const { citizen, page, verifier } = await begin(own)
      const form = formOf(page, 'share')
      const answers = await Promise.all(TWENTY.map((index) => send(citizen, index, form.action, shareOf(form))))
      expect(answers.map(({ status }) => status)).toEqual(TWENTY.map(() => 303))
      expect(new Set(answers.map(({ location }) => location)).size).toBe(1)
      expect(await countOf('consent', own.id)).toBe(before + 1)
      expect(await countOf('oidc_grant', own.id)).toBe(before + 1)
      const { url } = await citizen.get(new URL(answers[0]?.location ?? ''))
      const tokens = await client.authorizationCodeGrant(own.config, url, { pkceCodeVerifier: verifier })
      expect(await userinfoStatus(own, 1, tokens.access_token)).toBe(200)
    })

    it('counts one of a yes and a no that are pressed at once', async () => {
      const own = await addApp(cluster)
      const { citizen, page } = await begin(own)
      const form = formOf(page, 'share')
      const answers = await Promise.all(
        TWENTY.map((index) => send(citizen, index, form.action, index === 0 ? shareOf(form) : no(form))),
      )
      expect(answers.map(({ status }) => status)).toEqual(TWENTY.map(() => 303))
      const history = (await cluster.operator.events.history({ clientId: own.id })).map(({ body }) => body.type)
      const decided = history.filter((type) => type === 'consent.granted' || type === 'consent.refused')
      expect(decided).toHaveLength(before + 1)
      expect(await countOf('oidc_grant', own.id)).toBe(decided.filter((type) => type === 'consent.granted').length)
    })

    it('leads on from every page once she has decided: reloaded, or begun anew in another tab', async () => {
      const own = await addApp(cluster)
      const { citizen, page } = await begin(own)
      const form = formOf(page, 'share')
      const { location } = await send(citizen, 0, form.action, shareOf(form))
      const start = new URL(`${form.action.pathname.replace(/consent$/, 'start')}`, form.action)
      const csrf = new URLSearchParams(form.fields.filter(([name]) => name === 'csrf').map(([k, v]) => [k, v]))
      const answers = [await send(citizen, 1, page.url), await send(citizen, 1, start, csrf)]
      expect(answers.map((answer) => [answer.status, answer.location])).toEqual([
        [303, location],
        [303, location],
      ])
      expect(await countOf('oidc_grant', own.id)).toBe(before + 1)
    })

    it('resumes one of 20 times: one code, and the others are told that it is over', async () => {
      const own = await addApp(cluster)
      const { citizen, page } = await begin(own)
      const form = formOf(page, 'share')
      const { location } = await send(citizen, 0, form.action, shareOf(form))
      const answers = await Promise.all(TWENTY.map((index) => send(citizen, index, new URL(location))))
      const codes = answers.filter((answer) => answer.location.startsWith(REDIRECT_URI))
      expect(codes).toHaveLength(1)
      for (const { html } of answers.filter((answer) => !codes.includes(answer)))
        expect(html).toContain('INTERACTION_EXPIRED')
      const history = await cluster.operator.events.history({ clientId: own.id, type: 'code.issued' })
      expect(history).toHaveLength(before + 1)
    })
  })

  it('shares nothing anew of what she takes back while her yes is on its way', async () => {
    const own = await addApp(cluster)
    const { citizen, page } = await atEarlierConsent(own)
    const form = formOf(page, 'share')
    const [granted] = await cluster.operator.events.history({ clientId: own.id, type: 'consent.granted' })
    const { sharings } = createStorage(database, () => Math.floor(Date.now() / 1000))
    let press: ReturnType<typeof send> | undefined
    await database.transact(async () => {
      await sharings.withdraw(granted?.accountId ?? '', own.id)
      press = send(citizen, 0, form.action, shareOf(form))
      await untilSomebodyWaits(observer)
    })
    const answer = await press
    expect([answer?.status, answer?.location]).toEqual([303, `${page.url.pathname}?changed=1`])
    expect((await citizen.get(new URL(answer?.location ?? '', page.url))).html).not.toContain(
      'Check again at DigiLocker',
    )
    expect([await countOf('consent', own.id), await countOf('oidc_grant', own.id)]).toEqual([1, 0])
  })

  it('issues one code for 20 parallel uses of a pushed request (RFC 9126 §7.3)', async () => {
    const own = await addApp(cluster)
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(own, BOUND, citizen)
    const verifier = client.randomPKCECodeVerifier()
    const pushed = await client.buildAuthorizationUrlWithPAR(own.config, {
      redirect_uri: REDIRECT_URI,
      scope: BOUND.scope,
      prompt: 'none',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const answers = await Promise.all(TWENTY.map((index) => send(citizen, index, pushed)))
    const codes = answers.flatMap(({ location }) => URL.parse(location)?.searchParams.get('code') ?? [])
    expect(codes).toHaveLength(1)
    const tokens = await client.authorizationCodeGrant(
      own.config,
      new URL(answers.find(({ location }) => location.includes('code='))?.location ?? ''),
      { pkceCodeVerifier: verifier },
    )
    expect(await userinfoStatus(own, 0, tokens.access_token)).toBe(200)
  })

  it('lets two logins in one browser session at two apps both succeed, again and again', async () => {
    const [one, two] = [await addApp(cluster), await addApp(cluster)]
    let together = 0
    for (let round = 0; together < 4; round++) {
      expect(round).toBeLessThan(80) // of which half and more may be no race, below
      const citizen = new Citizen(REDIRECT_URI)
      await signedIn(app, BOUND, citizen) // the session that both will change
      const pages = [await atConsent(one, BOUND, citizen), await atConsent(two, BOUND, citizen)] as const
      const resumes = await Promise.all(
        pages.map(async ({ page }, index) => {
          const form = formOf(page, 'share')
          return new URL((await send(citizen, index, form.action, shareOf(form))).location)
        }),
      )
      const callbacks = await Promise.all(resumes.map((url, index) => send(citizen, index, url)))
      const late = callbacks.filter(({ location }) => location === '')
      // One process was so slow that the other had ended: its cookie names a session whose id the other login has changed
      // (BR-1), so it is refused. That is no race; a browser that had waited would have sent the new cookie.
      for (const { html } of late) expect(html).toContain('INTERACTION_EXPIRED')
      expect(late.length).toBeLessThan(2)
      if (late.length === 0) together++
      for (const [index, by] of [one, two].entries()) {
        const callback = callbacks[index]?.location
        if (!callback) continue
        const tokens = await client.authorizationCodeGrant(by.config, new URL(callback), {
          pkceCodeVerifier: pages[index]?.verifier ?? '',
        })
        for (const process of BOTH) expect(await userinfoStatus(by, process, tokens.access_token)).toBe(200)
      }
    }
  }, 240_000)

  it('lets two silent logins of one session at two apps both succeed', async () => {
    const apps = [await addApp(cluster), await addApp(cluster)]
    const citizen = new Citizen(REDIRECT_URI)
    for (const by of apps) await signedIn(by, BOUND, citizen)
    const silent = await Promise.all(apps.map((by) => request(by, { scope: BOUND.scope, prompt: 'none' })))
    const callbacks = await Promise.all(silent.map(({ url }, index) => send(citizen, index, url)))
    for (const [index, by] of apps.entries()) {
      const tokens = await client.authorizationCodeGrant(by.config, new URL(callbacks[index]?.location ?? ''), {
        pkceCodeVerifier: silent[index]?.verifier ?? '',
      })
      expect(await userinfoStatus(by, index, tokens.access_token)).toBe(200)
    }
  })

  it('leaves nothing alive that was exchanged while the person signed out', async () => {
    for (let round = 0; round < 4; round++) {
      const citizen = new Citizen(REDIRECT_URI)
      const { page, verifier } = await atConsent(app, BOUND, citizen)
      const { url } = await citizen.submit(page, /^share$/)
      const signOut = await citizen.get(new URL('/logout', cluster.issuer))
      const form = formOf(signOut, 'yes')
      const yes = pressed(form, 'logout', 'yes')
      const exchange = postToken(app, 0, {
        grant_type: 'authorization_code',
        code: url.searchParams.get('code') ?? '',
        redirect_uri: REDIRECT_URI,
        code_verifier: verifier,
      })
      const [answer] = await Promise.all([exchange, send(citizen, 1, form.action, yes)])
      for (const index of BOTH)
        expect(await userinfoStatus(app, index, String(answer.body.access_token ?? 'none'))).toBe(401)
    }
  })

  it('keeps a session ended that others of its requests had read before (security.md BR-1)', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, {}, citizen)
    const signOut = await citizen.get(new URL('/logout', cluster.issuer))
    const form = formOf(signOut, 'yes')
    const yes = pressed(form, 'logout', 'yes')
    const silently = (await request(app, { prompt: 'none' })).url
    // Of this browser as it is now: its other tabs, or whoever has a copy of its cookie and never rests.
    const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
    const ask = (index: number) => cluster.fetchAt(index)(silently, { headers: { cookie }, redirect: 'manual' })
    const before = await ask(0)
    expect(new URL(before.headers.get('location') ?? '').searchParams.get('code')).toBeTruthy()
    const [signedOut] = await Promise.all([send(citizen, 1, form.action, yes), ...TWENTY.map(ask)])
    expect(signedOut.status).toBe(303)
    for (const index of BOTH) {
      const location = (await ask(index)).headers.get('location') ?? ''
      expect(new URL(location).searchParams.get('error')).toBe('login_required')
    }
  })

  it.each([
    { what: 'a code', parameters: { prompt: 'none' }, next: '/authorize' },
    { what: 'a page', parameters: { prompt: 'consent' }, next: '/interaction/' },
  ])('gives no cookie again to who asked for $what before the session ended', async ({ parameters, next }) => {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, {}, citizen)
    const { url } = await request(app, parameters)
    const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
    const session = await sessionOf(citizen)
    const { late } = await meanwhile(session, 'ended', () =>
      cluster.fetchAt(0)(url, { headers: { cookie }, redirect: 'manual' }),
    )
    const { status, headers } = await late
    expect(status).toBe(303)
    expect(headers.get('location')).toContain(next)
    expect(headers.getSetCookie().map((one) => one.split('=')[0])).not.toContain('dwar_session')
    expect(headers.getSetCookie().map((one) => one.split('=')[0])).not.toContain('dwar_session.sig')
    const left = sql`select from oidc_model where model = 'Session' and id = ${session}`
    expect((await left.execute(database.db())).rows).toEqual([])
  })

  it('gives no cookie that the browser has: a late answer would bring back the id that another has changed', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, {}, citizen)
    const { url } = await request(app, { prompt: 'none' })
    const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
    const late = await cluster.fetchAt(0)(url, { headers: { cookie }, redirect: 'manual' })
    expect(late.headers.get('location')).toContain('code=')
    await signedIn(app, { prompt: 'login' }, citizen) // gives the session a new id, and is answered sooner
    for (const set of late.headers.getSetCookie()) await citizen.jar.setCookie(set, cluster.issuer.href)
    const again = await send(citizen, 1, (await request(app, { prompt: 'none' })).url)
    expect(again.location).toContain('code=')
  })

  it.each([
    { what: 'tells the app', signsIn: false, told: 'error' },
    { what: 'signs in', signsIn: true, told: 'code' },
  ])('$what when a silent login comes again, her session over or another', async ({ signsIn, told }) => {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, {}, citizen)
    const { url } = await request(app, { prompt: 'none' })
    const { late } = await meanwhile(await sessionOf(citizen), 'ended', () => send(citizen, 0, url))
    const { status, location } = await late
    expect([status, new URL(location, url).href]).toEqual([303, url.href])
    // What the other request gave the browser has reached it by now.
    if (signsIn) await signedIn(app, { prompt: 'login' }, citizen)
    const again = await send(citizen, 0, new URL(location, url))
    expect([...new URL(again.location).searchParams.keys()]).toContain(told)
  })

  it.each(['none', 'consent'])(
    'gives no empty session to a cookie that has just become old, prompt=%s',
    async (prompt) => {
      const own = await addApp(cluster)
      const { citizen, page } = await atEarlierConsent(own)
      const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
      await citizen.submit(page, /^share$/)
      // Another tab sent it before the answer that changed it was here, and is answered after that.
      const late = await cluster.fetchAt(1)((await request(own, { prompt })).url, { headers: { cookie } })
      expect(late.status).toBe(303)
      expect(late.headers.getSetCookie().map((one) => one.split('=')[0])).not.toContain('dwar_session')
      const { location } = await send(citizen, 0, (await request(own, { prompt: 'none' })).url)
      expect(location).toContain('code=')
    },
  )

  it('keeps a session ended that was signed out of altogether and of one app at once', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, {}, citizen)
    const form = formOf(await citizen.get(new URL(`/logout?client_id=${app.id}`, cluster.issuer)), 'yes')
    const ofOneApp = new URLSearchParams(form.fields.map(([k, v]) => [k, v]))
    const session = await sessionOf(citizen)
    const { uid, late } = await meanwhile(session, 'ended', () => send(citizen, 0, form.action, ofOneApp))
    expect((await late).status).toBe(303)
    const left = sql`select from oidc_model where model = 'Session' and uid = ${uid}`
    expect((await left.execute(database.db())).rows).toEqual([])
  })

  it.each([
    {
      what: 'ends a yes to an earlier consent',
      begin: atEarlierConsent,
      happens: 'ended',
      status: 400,
      left: 0,
      cookie: false,
    },
    {
      what: 'goes on after such a yes',
      begin: atEarlierConsent,
      happens: 'renamed',
      status: 303,
      left: 1,
      cookie: false,
    },
    {
      what: 'begins anew for who signs in',
      begin: atConsentAgain,
      happens: 'ended',
      status: 303,
      left: 1,
      cookie: true,
    },
    {
      what: 'begins anew beside it for who signs in',
      begin: atConsentAgain,
      happens: 'renamed',
      status: 303,
      left: 2,
      cookie: true,
    },
  ] as const)('$what when the session is $happens meanwhile', async ({ begin, happens, status, left, cookie }) => {
    const own = await addApp(cluster)
    const { citizen, page } = await begin(own)
    const form = formOf(page, 'share')
    const { location } = await send(citizen, 0, form.action, shareOf(form))
    const session = await sessionOf(citizen)
    const { uid, late } = await meanwhile(session, happens, () => send(citizen, 0, new URL(location)))
    const resumed = await late
    expect([resumed.status, resumed.cookies.includes('dwar_session')]).toEqual([status, cookie])
    const standing = sql`select from oidc_model where model = 'Session' and uid = ${uid}`
    expect((await standing.execute(database.db())).rows).toHaveLength(left)
  })

  it('signs out of a session that gets a new id meanwhile', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, {}, citizen)
    const form = formOf(await citizen.get(new URL('/logout', cluster.issuer)), 'yes')
    const yes = pressed(form, 'logout', 'yes')
    const session = await sessionOf(citizen)
    const { uid, late } = await meanwhile(session, 'renamed', () => send(citizen, 0, form.action, yes))
    expect((await late).status).toBe(303)
    const left = sql`select from oidc_model where model = 'Session' and uid = ${uid}`
    expect((await left.execute(database.db())).rows).toEqual([])
  })

  it('leaves nothing alive that was refreshed while the person took her consent back', async () => {
    const own = await addApp(cluster, { dwar: { purpose: { en: 'To try it' }, graceSeconds: 10 } })
    const citizen = new Citizen(REDIRECT_URI)
    const tokens = await signedIn(own, {}, citizen)
    const form = (await citizen.get(new URL('/account', cluster.issuer))).forms.find(({ fields }) =>
      fields.some(([, value]) => value === own.id),
    )
    const withdraw = send(
      citizen,
      1,
      new URL('/account/withdraw', cluster.issuer),
      new URLSearchParams(form?.fields.map(([k, v]) => [k, v])),
    )
    const refreshes = TWENTY.map((index) =>
      postToken(own, index, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }),
    )
    expect((await withdraw).status).toBe(303)
    for (const { status, body } of await Promise.all(refreshes))
      if (status === 200) await expectDead(own, body as unknown as { access_token: string })
    await expectDead(own, tokens)
    expect(await countOf('oidc_grant', own.id)).toBe(0)
  })
})
