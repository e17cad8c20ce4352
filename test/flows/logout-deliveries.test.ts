import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { Database } from '../../adapters/database.ts'
import { createStorage } from '../../adapters/storage.ts'
import { createLogoutDeliveries, type LogoutOutcome } from '../../src/provider/back-channel-logout.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { receiveForms } from '../support/form-receiver.ts'
import { openStage, type Stage } from '../support/stage.ts'

type Answer = number | 'nothing'

/** Relying apps by path: each answers as it is told, or not at all. */
async function listenForApps() {
  const told: { app: string; account: string }[] = []
  const answers = new Map<string, Answer>()
  const calls = { open: 0, most: 0 }
  const { origin, close } = await receiveForms((form, { url }, response) => {
    const app = url?.slice(1) ?? ''
    const token = form.get('logout_token')
    told.push({ app, account: (token && decodeJwt(token).sub) || '' })
    calls.most = Math.max(calls.most, ++calls.open)
    response.on('close', () => {
      calls.open -= 1
    })
    const answer = answers.get(app) ?? 200
    if (answer === 'nothing') return
    response.writeHead(answer, answer >= 300 && answer < 400 ? { location: '/elsewhere' } : {}).end()
  })
  return {
    told,
    answers,
    calls,
    uri: (app: string) => `${origin}/${app}`,
    toldTo: (app: string) => told.filter((one) => one.app === app),
    close,
  }
}

describeOnEachDatabase('deliveries of sign-outs', (open) => {
  let database: Database
  let apps: Awaited<ReturnType<typeof listenForApps>>
  let stage: Stage
  let ahead = 0
  const began = Math.floor(Date.now() / 1000)
  /** Stands still until a test lets time pass: however slow the machine, no pause ends before. */
  const now = () => began + ahead

  beforeAll(async () => {
    database = await open()
    apps = await listenForApps()
    stage = await openStage(database, { clock: now, jobSecondMs: 200 })
    return async () => {
      await stage.close()
      apps.close()
    }
  })
  afterEach(async () => {
    for (const table of ['event', 'logout_delivery']) await allow(table)
    await database.hot('test_clear', 'delete from logout_delivery', [])
    ahead = 0
  })

  const addApp = async (answer: Answer = 200) => {
    const id = `app-${randomUUID()}`
    apps.answers.set(id, answer)
    await stage.addClient({ backchannel_logout_uri: apps.uri(id), subject_type: 'public' }, id)
    return id
  }

  /** Sign-outs that an app must be told of. */
  const owe = async (app: string, accounts: readonly string[], endsIn = 86_400, dueSince = 0) => {
    await database.hot(
      'test_owe',
      `insert into logout_delivery (id, client_id, account_id, due_at, ends_at)
       select gen_random_uuid(), $1, account, to_timestamp($3), to_timestamp($4)
       from jsonb_array_elements_text($2::jsonb) as a(account)`,
      [app, JSON.stringify(accounts), now() - dueSince, now() + endsIn],
    )
  }
  const accounts = (count: number) => Array.from({ length: count }, () => `acct-${randomUUID()}`)
  const owed = async (app: string) =>
    database.hot<{ attempts: number; later: boolean }>(
      'test_owed',
      'select attempts, due_at > to_timestamp($2) as later from logout_delivery where client_id = $1',
      [app, now()],
    )
  const eventsOf = async (app: string) =>
    (await stage.app.events.history({ clientId: app }))
      .map(({ body }) => body)
      .filter(({ type }) => /^logout/.test(type))
  const soon = (check: () => Promise<void> | void, timeout = 45_000) =>
    vi.waitFor(
      () => {
        letLostCallsBeMadeAgain()
        return check()
      },
      { timeout, interval: 50 },
    )
  /** On a machine that stands still for longer than a call may take, an app that answers is called in vain, and rests. */
  const letLostCallsBeMadeAgain = () => {
    const isLost = ({ msg, reason, client }: Record<string, unknown>) =>
      msg === 'app not told of a sign-out' && reason === 'unreachable' && apps.answers.get(String(client)) !== 'nothing'
    const lost = lines().filter(isLost).length
    if (lost > lostBefore) ahead += 15
    lostBefore = lost
  }
  let lostBefore = 0
  const lines = () =>
    stage
      .logs()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it('tell an app at once, however much another one that hangs is owed', async () => {
    const [dead, healthy] = [await addApp('nothing'), await addApp()]
    await owe(dead, accounts(200), 86_400, 60)
    await owe(healthy, accounts(20))
    const everybody = () => expect(new Set(apps.toldTo(healthy).map(({ account }) => account)).size).toBe(20)
    await soon(everybody, 120_000)
    expect(apps.toldTo(dead).length).toBeLessThan(10) // of 200, four as a rule: nobody waits for the others
  }, 130_000)

  it('tell the apps that can be told while more apps hang than there are slots', async () => {
    const dead = await Promise.all(Array.from({ length: 20 }, () => addApp('nothing')))
    const healthy = await addApp()
    apps.calls.most = apps.calls.open
    for (const app of dead) await owe(app, accounts(10), 86_400, 60)
    await owe(healthy, accounts(3))
    await soon(() => expect(new Set(apps.toldTo(healthy).map(({ account }) => account)).size).toBe(3), 120_000)
    const inVain = dead.reduce((sum, app) => sum + apps.toldTo(app).length, 0)
    expect(inVain).toBeLessThan(60) // of 200: a call or two to each
    // 16 at once, and what we have hung up on and the app has not noticed yet
    expect(apps.calls.most).toBeGreaterThan(8)
    expect(apps.calls.most).toBeLessThan(24)
  }, 130_000)

  it('leave an app that hangs alone for a while, and tell it all when it is back', async () => {
    const app = await addApp('nothing')
    const [owing, longOwed] = [accounts(30), accounts(1)]
    await owe(app, owing)
    await soon(async () => expect((await owed(app)).some(({ later }) => later)).toBe(true))
    await owe(app, longOwed, 86_400, 60)
    const healthy = await addApp()
    await owe(healthy, accounts(1))
    await soon(() => expect(apps.toldTo(healthy).length).toBeGreaterThan(0))
    const inVain = apps.toldTo(app).length
    expect(inVain).toBeLessThan(8) // four, as a rule
    apps.answers.set(app, 200)
    ahead += 120
    await soon(async () => expect(await owed(app)).toEqual([]))
    const told = apps.toldTo(app).slice(inVain)
    expect(new Set(told.map(({ account }) => account))).toEqual(new Set([...owing, ...longOwed]))
  })

  it('go on when a client cannot be read, and put its own off', async () => {
    const [broken, healthy] = [await addApp(), await addApp()]
    await database.hot(
      'test_break_client',
      `update client set metadata = jsonb_set(metadata, '{id_token_signed_response_alg}', '"none of ours"') where id = $1`,
      [broken],
    )
    await database.hot('test_versions', `update cache_version set version = version + 1`, [])
    await owe(broken, accounts(1), 86_400, 60)
    await owe(healthy, accounts(1))
    await soon(async () => expect((await owed(broken)).map(({ later }) => later)).toEqual([true]))
    await soon(() => expect(apps.toldTo(healthy).length).toBeGreaterThan(0))
    expect(new Set(outcomesOf(broken).map(({ reason }) => reason))).toEqual(new Set(['ours']))
    expect(jobsFailed()).toEqual([])
  })

  it('go on when what came of one cannot be written down', async () => {
    const [app, healthy] = [await addApp(), await addApp()]
    await refuse(`event add constraint test_refusal check (client_id <> '${app}') not valid`)
    await owe(app, accounts(1), 86_400, 60)
    await owe(healthy, accounts(1))
    await soon(async () => expect(await eventsOf(healthy)).toMatchObject([{ type: 'logout.delivered' }]))
    await soon(() => expect(outcomesOf(app)).toContainEqual(expect.objectContaining({ reason: 'ours' })))
    await soon(async () => expect(await owed(app)).toMatchObject([{ later: true }]))
    expect(jobsFailed()).toEqual([])
    await allow('event')
  })

  it('go on when one cannot be put off: its lease ends by itself', async () => {
    const [app, healthy] = [await addApp(503), await addApp()]
    await refuse(
      `logout_delivery add constraint test_refusal check (client_id <> '${app}' or due_at < to_timestamp(${now()}))`,
    )
    await owe(app, accounts(1), 86_400, 60)
    await owe(healthy, accounts(1))
    await soon(async () => expect(await eventsOf(healthy)).toHaveLength(1))
    await soon(() =>
      expect(outcomesOf(app)).toEqual([
        expect.objectContaining({ reason: expect.stringMatching(/^(status|unreachable)$/) }),
        expect.objectContaining({ reason: 'ours' }),
      ]),
    )
    expect(jobsFailed()).toEqual([])
    await allow('logout_delivery')
    apps.answers.set(app, 200)
    ahead += 70
    await soon(async () => expect(await eventsOf(app)).toMatchObject([{ type: 'logout.delivered' }]))
  })

  it('are not tried past their end, and are given up aloud: event, log and metric', async () => {
    const app = await addApp()
    const before = await told('given-up', 'ended')
    await owe(app, accounts(2), 0, 60)
    await soon(async () => expect(await owed(app)).toEqual([]))
    expect(apps.toldTo(app)).toEqual([])
    const event = { type: 'logout.undeliverable', attempts: 0, reason: 'ended' }
    expect(await eventsOf(app)).toEqual([event, event])
    const ended = expect.objectContaining({ level: 40, reason: 'ended' })
    await soon(() => expect(givenUp(app)).toEqual([ended, ended])) // said once it is written down
    await soon(async () => expect(await told('given-up', 'ended')).toBe(before + 2))
  })

  it('go on giving up when one cannot be given up, and say so each time', async () => {
    const [stuck, app] = [await addApp(), await addApp()]
    await refuse(`event add constraint test_refusal check (client_id <> '${stuck}') not valid`)
    await owe(stuck, accounts(1), -60, 120)
    await owe(app, accounts(1), 0, 60)
    await soon(async () => expect(await eventsOf(app)).toHaveLength(1))
    await soon(() => expect(outcomesOf(stuck)[0]).toMatchObject({ reason: 'ours', level: 50 }))
    await allow('event')
    await soon(async () => expect(await owed(stuck)).toEqual([]))
  })

  it('are given up after three times 400, the app’s considered answer (§2.8)', async () => {
    const app = await addApp(400)
    await owe(app, accounts(1))
    await tryAgain(app, 2)
    await soon(async () => {
      if ((await owed(app))[0]?.later) ahead += 60
      expect(await owed(app)).toEqual([])
    })
    const lost = outcomesOf(app).filter(({ status }) => status !== 400).length
    const refused = expect.objectContaining({ reason: 'refused', attempts: outcomesOf(app).length + 1 })
    expect(await eventsOf(app)).toEqual([refused])
    expect(outcomesOf(app).length - lost).toBeLessThanOrEqual(2)
    expect(outcomesOf(app).length).toBeGreaterThanOrEqual(2)
    await soon(() => expect(givenUp(app)).toEqual([refused]))
  })

  it.each([404, 429, 500, 302, 'nothing'] as const)('are tried again after %s', async (answer) => {
    const app = await addApp(answer)
    await owe(app, accounts(1))
    await tryAgain(app, 2)
    const reason = answer === 'nothing' ? { reason: 'unreachable' } : { reason: 'status', status: answer }
    expect(outcomesOf(app)).toContainEqual(expect.objectContaining(reason))
    expect(apps.toldTo('elsewhere')).toEqual([])
  })

  it('are done with 204 as well as 200 (§2.8)', async () => {
    const app = await addApp(204)
    await owe(app, accounts(1))
    await soon(async () => expect(await eventsOf(app)).toMatchObject([{ type: 'logout.delivered' }]))
  })

  it('are given up when their client is gone', async () => {
    const app = `gone-${randomUUID()}`
    await owe(app, accounts(1))
    await soon(() => expect(givenUp(app)).toEqual([expect.objectContaining({ reason: 'client' })]))
    expect(await eventsOf(app)).toEqual([{ type: 'logout.undeliverable', attempts: 1, reason: 'client' }])
  })

  it('of two workers go to one each, and each is made once', async () => {
    const app = await addApp()
    const owing = accounts(60)
    const parts = {
      store: createStorage(database, now).logouts,
      provider: () => stage.app.provider,
      clock: now,
      random: () => 0,
    }
    const outcomes: LogoutOutcome[] = []
    const workers = [1, 2].map(() => createLogoutDeliveries({ ...parts, onOutcome: (one) => void outcomes.push(one) }))
    await owe(app, owing)
    await Promise.all(workers.map(({ deliverDue }) => deliverDue()))
    await soon(async () => expect(await eventsOf(app)).toHaveLength(60))
    const told = apps.toldTo(app).map(({ account }) => account)
    expect(new Set(told)).toEqual(new Set(owing))
    const lost = outcomesOf(app).length + outcomes.filter(({ kind }) => kind === 'failed').length
    expect(told).toHaveLength(60 + lost)
  })

  it('are not begun any more by a process that is ending', async () => {
    const app = await addApp()
    // due by a clock that only these two go by
    const later = 1_000_000
    await owe(app, accounts(3), 9 * later, -later)
    const parts = {
      store: createStorage(database, now).logouts,
      provider: () => stage.app.provider,
      onOutcome: () => undefined,
      clock: () => now() + 2 * later,
      random: () => 0,
    }
    const [ending, other] = [createLogoutDeliveries(parts), createLogoutDeliveries(parts)]
    ending.stop()
    await ending.deliverDue()
    expect(apps.toldTo(app)).toEqual([])
    await other.deliverDue()
    expect(apps.toldTo(app)).toHaveLength(3)
  })

  it('that a worker held for longer than its lease are settled by the one that has them now', async () => {
    const { logouts } = createStorage(database, now)
    // later than the clock of the workers that run here
    const later = 1_000_000
    await owe('held', accounts(1), 9 * later, -later)
    const take = async (when: number) =>
      (await logouts.takeDue(when, when + 30, 9, 9, {})).find((d) => d.clientId === 'held')
    const late = await take(now() + 2 * later)
    if (!late) throw new Error('not taken')
    const owner = await take(now() + 3 * later)
    if (!owner) throw new Error('not taken again')
    expect(await logouts.settle(late, { body: { type: 'logout.delivered', attempts: 1 } })).toBe(false)
    await logouts.postpone(late, now())
    expect(await owed('held')).toEqual([{ attempts: 2, later: true }])
    expect(await eventsOf('held')).toEqual([])
    expect(await logouts.settle(owner, { body: { type: 'logout.delivered', attempts: 2 } })).toBe(true)
    expect(await eventsOf('held')).toEqual([{ type: 'logout.delivered', attempts: 2 }])
  })

  const outcomesOf = (client: string) =>
    lines().filter((line) => line.client === client && line.msg === 'app not told of a sign-out')
  const givenUp = (client: string) =>
    lines().filter((line) => line.client === client && line.msg === 'sign-out given up')
  const jobsFailed = () => lines().filter(({ msg }) => msg === 'job failed')
  const told = async (outcome: string, reason: string): Promise<number> => {
    const counters = await stage.app.readMetrics()
    const { values = [] } = counters.find(({ name }) => name === 'dwar_logouts_told_total') ?? {}
    return values.find(({ labels }) => labels.outcome === outcome && labels.reason === reason)?.value ?? 0
  }
  /** Until it was tried so often in vain and put off each time; then time passes. */
  async function tryAgain(app: string, times: number): Promise<void> {
    for (let least = 1; least <= times; least++) {
      await soon(async () => {
        const [delivery] = await owed(app)
        expect([delivery?.later, (delivery?.attempts ?? 0) >= least]).toEqual([true, true])
      })
      ahead += 60
    }
  }
  /** The database itself refuses what is written of an app. */
  const refuse = (change: string) => database.hot(`test_refuse_${randomUUID()}`, `alter table ${change}`, [])
  const allow = (table: string) =>
    database.hot(`test_allow_${table}`, `alter table ${table} drop constraint if exists test_refusal`, [])
})
