import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { Citizen } from '../support/citizen.ts'
import type { Cluster } from '../support/cluster.ts'
import { untilSomebodyWaits } from '../support/databases.ts'
import { type FormReceiver, receiveForms } from '../support/form-receiver.ts'
import { formOf, pressed, sendTo } from '../support/one-browser.ts'
import { REDIRECT_URI } from '../support/stage.ts'
import {
  addApp,
  BOTH,
  postToken,
  type RelyingApp,
  request,
  signedIn,
  twoProcesses,
  userinfoStatus,
} from '../support/two-processes.ts'

/** Bound to the browser's session: without `offline_access` a sign-out ends it. */
const BOUND = { scope: 'openid pan', prompt: 'login' }

/** The moments in which a sign-out meets a login of the same browser, each held still by a lock of ours. */
describe('a sign-out at one process while a login goes on at another (OpenID Connect RP-Initiated Logout 1.0)', () => {
  const opened = twoProcesses()
  let cluster: Cluster
  let database: Database
  let observer: Database
  let receiver: FormReceiver
  /** apps that were told, by client id, once for each time */
  const told: string[] = []

  beforeAll(async () => {
    ;({ cluster } = opened())
    database = await openDatabase({ url: opened().databaseUrl })
    observer = await openDatabase({ url: opened().databaseUrl })
    receiver = await receiveForms((form, _request, response) => {
      told.push(String(decodeJwt(form.get('logout_token') ?? '').aud))
      response.writeHead(200).end()
    })
  })
  afterAll(async () => {
    receiver?.close()
    await database?.close()
    await observer?.close()
  })

  const addToldApp = () => addApp(cluster, { backchannel_logout_uri: `${receiver.origin}/logout` })

  /** She was at these apps before, in another browser. */
  async function knownAt(...apps: readonly RelyingApp[]): Promise<void> {
    for (const app of apps) await signedIn(app, { scope: 'openid pan' }, new Citizen(REDIRECT_URI))
  }

  /** A yes to an earlier consent at an app that is not in her session yet: where the engine goes on, and how its code is used. */
  async function readyToJoin(app: RelyingApp, citizen: Citizen) {
    const { url, verifier } = await request(app, { scope: 'openid pan' })
    const page = await citizen.get(url)
    expect(page.html).toContain('Check again at DigiLocker')
    const form = formOf(page, 'share')
    const { location } = await sendTo(cluster, citizen, 0, form.action, pressed(form, 'decision', 'share'))
    return { resume: new URL(location), verifier }
  }

  /** The page that asks whether she wants to sign out, and what pressing yes sends. */
  async function atSignOut(citizen: Citizen) {
    const form = formOf(await citizen.get(new URL('/logout', cluster.issuer)), 'yes')
    return { action: form.action, yes: pressed(form, 'logout', 'yes') }
  }

  /** While the newest grant of this app is held, whoever is to store something under it, or to end it, waits. */
  async function holdingGrantOf<T>(app: RelyingApp, work: () => Promise<T>): Promise<T> {
    return database.transact(async () => {
      await sql`select from oidc_grant where id = (
        select grant_id from consent where client_id = ${app.id} order by id desc limit 1) for update`.execute(
        database.db(),
      )
      return work()
    })
  }

  async function isSignedIn(app: RelyingApp, citizen: Citizen): Promise<boolean> {
    const { url } = await request(app, { scope: 'openid pan', prompt: 'none' })
    const answers = await Promise.all(BOTH.map((index) => sendTo(cluster, citizen, index, url)))
    return answers.some(({ location }) => location.includes('code='))
  }

  const sessionsOf = async (app: RelyingApp) => {
    const { rows } = await sql<{
      apps: string[]
    }>`select array(select jsonb_object_keys(payload -> 'authorizations')) as apps
      from oidc_model where model = 'Session' and payload -> 'authorizations' ? ${app.id}`.execute(database.db())
    return rows.map(({ apps }) => apps)
  }

  const untilTold = (apps: readonly RelyingApp[]) =>
    expect
      .poll(() => apps.map(({ id }) => told.filter((one) => one === id).length), { timeout: 20_000 })
      .toEqual(apps.map(() => 1))

  it('ends the session that a yes to an earlier consent is about to give a new id', async () => {
    const [first, second] = [await addToldApp(), await addToldApp()]
    await knownAt(second)
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(first, {}, citizen)
    const signOut = await atSignOut(citizen)
    const { resume } = await readyToJoin(second, citizen)
    const late = await holdingGrantOf(second, async () => {
      const resumed = sendTo(cluster, citizen, 0, resume)
      await untilSomebodyWaits(observer)
      const { status } = await sendTo(cluster, citizen, 1, signOut.action, signOut.yes)
      expect(status).toBe(303)
      return { resumed }
    })
    const { status, cookies } = await late.resumed
    expect([status, cookies.includes('dwar_session')]).toEqual([400, false])
    expect(await isSignedIn(first, citizen)).toBe(false)
    expect(await sessionsOf(first)).toEqual([])
    await untilTold([first])
  })

  it('tells the app that joins between its read and its end, and leaves nothing of it alive', async () => {
    const [first, second] = [await addToldApp(), await addToldApp()]
    await knownAt(second)
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(first, BOUND, citizen)
    const signOut = await atSignOut(citizen)
    const { resume, verifier } = await readyToJoin(second, citizen)
    const { signedOut, tokens } = await holdingGrantOf(first, async () => {
      const ending = sendTo(cluster, citizen, 1, signOut.action, signOut.yes)
      await untilSomebodyWaits(observer)
      const { location } = await sendTo(cluster, citizen, 0, resume)
      const joined = await client.authorizationCodeGrant(second.config, new URL(location), {
        pkceCodeVerifier: verifier,
      })
      expect(await userinfoStatus(second, 1, joined.access_token)).toBe(200)
      return { signedOut: ending, tokens: joined }
    })
    expect((await signedOut).status).toBe(303)
    for (const index of BOTH) expect(await userinfoStatus(second, index, tokens.access_token)).toBe(401)
    expect(await isSignedIn(second, citizen)).toBe(false)
    await untilTold([first, second])
    for (const { id } of [first, second]) {
      const revoked = await cluster.operator.events.history({ clientId: id, type: 'grant.revoked' })
      expect(revoked.map(({ body }) => body)).toEqual([{ type: 'grant.revoked', reason: 'logout' }])
    }
  })

  it('tells every app, though two joined at once and each gave the session a new id', async () => {
    const [first, second, third] = [await addToldApp(), await addToldApp(), await addToldApp()]
    await knownAt(second, third)
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(first, {}, citizen)
    const [slow, quick] = [await readyToJoin(second, citizen), await readyToJoin(third, citizen)]
    const late = await holdingGrantOf(second, async () => {
      const resumed = sendTo(cluster, citizen, 0, slow.resume)
      await untilSomebodyWaits(observer)
      expect((await sendTo(cluster, citizen, 1, quick.resume)).location).toContain('code=')
      return { resumed }
    })
    const { location, cookies } = await late.resumed
    expect([location.includes('code='), cookies.includes('dwar_session')]).toEqual([true, false])
    expect((await sessionsOf(first)).map((apps) => apps.toSorted())).toEqual([
      [first.id, second.id, third.id].toSorted(),
    ])
    const { action, yes } = await atSignOut(citizen)
    expect((await sendTo(cluster, citizen, 1, action, yes)).status).toBe(303)
    await untilTold([first, second, third])
  })

  it('keeps its own page good when the session gets a new id while that page is made', async () => {
    const [first, second] = [await addToldApp(), await addToldApp()]
    await knownAt(second)
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(first, {}, citizen)
    const { resume } = await readyToJoin(second, citizen)
    const { resumed, made } = await database.transact(async () => {
      await sql`select from oidc_model where model = 'Session' and payload -> 'authorizations' ? ${first.id} for update`.execute(
        database.db(),
      )
      const resumed = sendTo(cluster, citizen, 0, resume)
      await untilSomebodyWaits(observer)
      const made = sendTo(cluster, citizen, 1, new URL('/logout', cluster.issuer))
      await untilSomebodyWaits(observer, 2)
      return { resumed, made }
    })
    expect((await resumed).location).toContain('code=')
    expect((await made).cookies).not.toContain('dwar_session')
    const xsrf = /name="xsrf" value="([^"]+)"/.exec((await made).html)?.[1] ?? ''
    const confirm = new URL('/logout/confirm', cluster.issuer)
    const answer = await sendTo(cluster, citizen, 0, confirm, new URLSearchParams({ xsrf, logout: 'yes' }))
    expect(answer.status).toBe(303)
    expect(await isSignedIn(first, citizen)).toBe(false)
    await untilTold([first, second])
  })

  it('tells the one app that she signs out of, and goes on with the others', async () => {
    const [first, second] = [await addToldApp(), await addToldApp()]
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(first, BOUND, citizen)
    await signedIn(second, BOUND, citizen)
    const form = formOf(await citizen.get(new URL(`/logout?client_id=${first.id}`, cluster.issuer)), 'yes')
    const ofOne = new URLSearchParams(form.fields.map(([name, value]) => [name, value]))
    expect((await sendTo(cluster, citizen, 0, form.action, ofOne)).status).toBe(303)
    await untilTold([first])
    expect(told).not.toContain(second.id)
    expect(await sessionsOf(second)).toEqual([[second.id]])
    expect([await isSignedIn(first, citizen), await isSignedIn(second, citizen)]).toEqual([false, true])
  })

  it('leaves no code of an app good whose session is over', async () => {
    const app = await addToldApp()
    const citizen = new Citizen(REDIRECT_URI)
    await signedIn(app, BOUND, citizen)
    const { url, verifier } = await request(app, { scope: BOUND.scope, prompt: 'none' })
    const { location } = await sendTo(cluster, citizen, 0, url)
    const { action, yes } = await atSignOut(citizen)
    await sendTo(cluster, citizen, 1, action, yes)
    const answer = await postToken(app, 0, {
      grant_type: 'authorization_code',
      code: new URL(location).searchParams.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    await untilTold([app])
  })
})
