import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { hashId } from '../../adapters/oidc-parts.ts'
import { sweep } from '../../adapters/sweep.ts'
import type { Cluster } from '../support/cluster.ts'
import { REDIRECT_URI } from '../support/stage.ts'
import {
  addApp,
  authorized,
  expectDead,
  postToken,
  type RelyingApp,
  type Tokens,
  twoProcesses,
  userinfoStatus,
} from '../support/two-processes.ts'

const TWO_MINUTES = 120
/** Longer than an access token lives. */
const HALF_AN_HOUR = 1800
/** Of four processes the last two live two minutes later, when a code of now has expired. */
const LATER = [2, 3] as const

describe('a code that was used and comes back after it has expired (RFC 6749 §4.1.2)', () => {
  const opened = twoProcesses()
  let cluster: Cluster
  let database: Database
  let app: RelyingApp

  beforeAll(async () => {
    ;({ cluster } = opened())
    database = await openDatabase({ url: opened().databaseUrl })
    app = await addApp(cluster)
    const clock = new URL(`../support/clock-ahead.ts?seconds=${TWO_MINUTES}`, import.meta.url)
    for (const _one of LATER) await cluster.start({ NODE_OPTIONS: `--import ${clock.href}` })
  })
  afterAll(() => database?.close())

  const now = () => Math.floor(Date.now() / 1000)
  const sweepAt = (seconds: number) => sweep(database, now() + seconds, 500)

  async function codeOf(parameters?: Record<string, string>) {
    const { callback, verifier } = await authorized(app, parameters)
    const code = callback.searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier }
    return { code, form }
  }

  async function used(parameters?: Record<string, string>) {
    const { code, form } = await codeOf(parameters)
    const { status, body } = await postToken(app, 0, form)
    expect(status).toBe(200)
    return { code, form, tokens: body as unknown as Tokens }
  }

  async function rowOf(code: string) {
    const found = sql<{ grant_id: string }>`select grant_id from oidc_model
      where model = 'AuthorizationCode' and id = ${hashId(code)}`
    return (await found.execute(database.db())).rows[0]
  }

  const reused = async () => {
    const history = await cluster.operator.events.history({ clientId: app.id, type: 'token.reused' })
    return history.map(({ grantId }) => grantId)
  }

  it('ends all that came of it, once, though its own time is over and the sweep has run', async () => {
    const { code, form, tokens } = await used()
    const grantId = (await rowOf(code))?.grant_id
    await sweepAt(TWO_MINUTES)
    expect(await userinfoStatus(app, 2, tokens.access_token)).toBe(200)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_one, index) => postToken(app, 2 + (index % 2), form)),
    )
    for (const { status, body } of answers) expect([status, body.error]).toEqual([400, 'invalid_grant'])
    await expectDead(app, tokens)
    expect((await reused()).filter((one) => one === grantId)).toHaveLength(1)
    const [told] = await cluster.operator.events.history({ clientId: app.id, type: 'token.reused' })
    expect(told?.body).toEqual({ type: 'token.reused', model: 'AuthorizationCode' })
  })

  it('ends the tokens of a refresh that comes at the same time as well', async () => {
    const { form, tokens } = await used()
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }
    const [refreshed] = await Promise.all([postToken(app, 3, refresh), postToken(app, 2, form)])
    await expectDead(app, tokens)
    if (refreshed.status === 200) await expectDead(app, refreshed.body as unknown as Tokens)
  })

  it.each([
    { who: 'another app', change: {}, by: () => addApp(cluster) },
    { who: 'whoever does not know the verifier', change: { code_verifier: 'x'.repeat(43) }, by: async () => app },
    { who: 'who names another redirect URI', change: { redirect_uri: 'https://shop.example/' }, by: async () => app },
  ])('ends nothing for $who', async ({ change, by }) => {
    const { form, tokens } = await used()
    const answer = await postToken(await by(), 2, { ...form, ...change })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    expect(await userinfoStatus(app, 2, tokens.access_token)).toBe(200)
  })

  it('ends nothing for an app that cannot authenticate', async () => {
    const { form, tokens } = await used()
    expect((await postToken({ ...app, secret: randomUUID() }, 2, form)).status).toBe(401)
    expect(await userinfoStatus(app, 2, tokens.access_token)).toBe(200)
  })

  it('is simply refused when it was never used', async () => {
    const { code, form } = await codeOf()
    const grantId = (await rowOf(code))?.grant_id
    const answer = await postToken(app, 2, form)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    expect(await reused()).not.toContain(grantId)
    const grants = await sql`select from oidc_grant where id = ${grantId}`.execute(database.db())
    expect(grants.rows).toHaveLength(1)
    await sweepAt(HALF_AN_HOUR)
    expect(await rowOf(code)).toBeUndefined()
  })

  it('is kept no longer than what came of it', async () => {
    const bound = await used({ scope: 'openid pan', prompt: 'login' })
    const offline = await used()
    await sweepAt(TWO_MINUTES)
    expect([await rowOf(bound.code), await rowOf(offline.code)]).toEqual([
      { grant_id: expect.any(String) },
      { grant_id: expect.any(String) },
    ])
    await sweepAt(HALF_AN_HOUR)
    expect([await rowOf(bound.code), await rowOf(offline.code)]).toEqual([undefined, { grant_id: expect.any(String) }])
    await sql`update oidc_grant set expires_at = now() - interval '1 day' where id = ${(await rowOf(offline.code))?.grant_id}`.execute(
      database.db(),
    )
    await sweepAt(0)
    expect(await rowOf(offline.code)).toBeUndefined()
  })
})
