import { generateKeyPair } from 'jose'
import { sql } from 'kysely'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import type { Cluster } from '../support/cluster.ts'
import { REDIRECT_URI, registration } from '../support/stage.ts'
import {
  addApp,
  authorized,
  basic,
  dpopFor,
  expectDead,
  expectOneSuccess,
  post,
  postToken,
  type RelyingApp,
  signedIn,
  TWENTY,
  twoProcesses,
  userinfoStatus,
} from '../support/two-processes.ts'

/** as long as there is: twenty calls at once must fit into it on any machine */
const GRACE = 30
const withGrace = (change: Record<string, unknown> = {}) => ({
  ...registration,
  ...change,
  dwar: { ...registration.dwar, graceSeconds: GRACE },
})

/** Networks lose answers, and apps have several processes: a second use in time is the same refresh, not a thief. */
describe('a refresh whose answer was lost, on two processes — security.md OP-6, RFC 9700 §4.14.2', () => {
  const opened = twoProcesses()
  let cluster: Cluster
  let database: Database
  let app: RelyingApp

  beforeAll(async () => {
    ;({ cluster } = opened())
    database = await openDatabase({ url: opened().databaseUrl })
    app = await addApp(cluster, withGrace())
  })
  afterAll(() => database?.close())

  const refresh = (token: string | undefined, index = 0, more: Record<string, string> = {}, by = app) =>
    postToken(by, index, { grant_type: 'refresh_token', refresh_token: token ?? '', ...more })

  /** As if so many seconds had gone by since tokens were used. */
  async function letPass(seconds: number): Promise<void> {
    const back = sql`make_interval(secs => ${seconds})`
    await sql`update oidc_model set consumed_at = consumed_at - ${back} where consumed_at is not null`.execute(
      database.db(),
    )
    await sql`update refresh_repeat set ends_at = ends_at - ${back}`.execute(database.db())
  }

  async function liveRefreshTokens(by: RelyingApp): Promise<number> {
    const { rows } = await sql<{ live: number }>`select count(*)::int as live from oidc_model
      where model = 'RefreshToken' and client_id = ${by.id} and consumed_at is null`.execute(database.db())
    return rows[0]?.live ?? 0
  }

  const eventsOf = async (by: RelyingApp) =>
    (await cluster.operator.events.history({ clientId: by.id })).map(({ body }) => body.type)

  it('gives 20 parallel uses one and the same refresh token, and the database one branch', async () => {
    const own = await addApp(cluster, withGrace())
    const { refresh_token: first } = await signedIn(own)
    const answers = await Promise.all(TWENTY.map((index) => refresh(first, index, {}, own)))
    expect(answers.map(({ status }) => status)).toEqual(TWENTY.map(() => 200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect(await liveRefreshTokens(own)).toBe(1)
    for (const { body } of answers) expect(await userinfoStatus(own, 1, String(body.access_token))).toBe(200)
    const events = await eventsOf(own)
    expect(events.filter((type) => type === 'refresh_token.repeated')).toHaveLength(19)
    expect(events).not.toContain('token.reused')
    expect((await refresh([...successors].map(String)[0], 1, {}, own)).status).toBe(200)
  })

  it('lets openid-client go on after an answer that never arrived, ID token included', async () => {
    const { refresh_token: first = '' } = await signedIn(app)
    await refresh(first) // the answer that the app never saw
    const again = await client.refreshTokenGrant(app.config, first)
    expect(again.claims()?.iss).toBe(cluster.issuer.origin)
    expect(again.expires_in).toBeLessThanOrEqual(600)
    const next = await client.refreshTokenGrant(app.config, again.refresh_token ?? '')
    expect(next.refresh_token).not.toBe(again.refresh_token)
  })

  it('ends the family at a use after the window', async () => {
    const first = await signedIn(app)
    const rotated = await refresh(first.refresh_token)
    await letPass(GRACE + 1)
    expect((await refresh(first.refresh_token, 1)).body).toMatchObject({ error: 'invalid_grant' })
    await expectDead(app, rotated.body as unknown as { access_token: string })
    expect(await eventsOf(app)).toContain('token.reused')
  })

  it('ends the family at a use of the old token once the new one was used', async () => {
    const first = await signedIn(app)
    const second = await refresh(first.refresh_token)
    const third = await refresh(String(second.body.refresh_token), 1)
    expect((await refresh(first.refresh_token)).body).toMatchObject({ error: 'invalid_grant' })
    await expectDead(app, third.body as unknown as { access_token: string })
  })

  it('ends the family at a second use with another scope', async () => {
    const first = await signedIn(app)
    const rotated = await refresh(first.refresh_token)
    expect((await refresh(first.refresh_token, 1, { scope: 'openid' })).body).toMatchObject({ error: 'invalid_grant' })
    await expectDead(app, rotated.body as unknown as { access_token: string })
  })

  it('tells another client nothing, and lets the family live', async () => {
    const stranger = await addApp(cluster, withGrace())
    const { refresh_token: first } = await signedIn(app)
    const rotated = await refresh(first)
    const answer = await refresh(first, 1, {}, stranger)
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
    expect(JSON.stringify(answer.body)).not.toContain(String(rotated.body.refresh_token))
    expect(await userinfoStatus(app, 1, String(rotated.body.access_token))).toBe(200)
  })

  it('gives no answer again to a client that does not authenticate this time', async () => {
    const { refresh_token: first } = await signedIn(app)
    await refresh(first)
    const form = { grant_type: 'refresh_token', refresh_token: first ?? '', client_id: app.id }
    expect((await post(cluster, 1, '/token', form)).status).toBe(401)
    expect((await post(cluster, 1, '/token', form, basic(app, 'wrong'))).status).toBe(401)
  })

  it('takes another DPoP key for another request: the family ends (RFC 9449 §5)', async () => {
    const [own, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    const { refresh_token: first = '' } = await signedIn(app)
    const form = { grant_type: 'refresh_token', refresh_token: first }
    const rotated = await postToken(app, 0, form, await dpopFor(app, own))
    const again = await postToken(app, 1, form, await dpopFor(app, own))
    expect([rotated.status, again.status, again.body.token_type]).toEqual([200, 200, 'DPoP'])
    expect(again.body.refresh_token).toBe(rotated.body.refresh_token)
    const stolen = await postToken(app, 1, form, await dpopFor(app, other))
    expect([stolen.status, stolen.body.error]).toEqual([400, 'invalid_grant'])
    const successor = await refresh(String(rotated.body.refresh_token))
    expect([successor.status, successor.body.error]).toEqual([400, 'invalid_grant'])
  })

  it('serves a public client whose tokens are bound to its key, and nobody without that key', async () => {
    const [own, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    const bound = { token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true }
    const spa = await addApp(cluster, withGrace(bound))
    const postAs = async (form: Record<string, string>, key: typeof own, index = 0) =>
      post(cluster, index, '/token', { client_id: spa.id, ...form }, await dpopFor(spa, key))
    const { callback, verifier } = await authorized(spa)
    const code = { code: callback.searchParams.get('code') ?? '', redirect_uri: REDIRECT_URI, code_verifier: verifier }
    const tokens = await postAs({ grant_type: 'authorization_code', ...code }, own)
    const form = { grant_type: 'refresh_token', refresh_token: String(tokens.body.refresh_token) }
    const answers = await Promise.all(TWENTY.map((index) => postAs(form, own, index)))
    expect(answers.map(({ status }) => status)).toEqual(TWENTY.map(() => 200))
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    expect((await postAs(form, other, 1)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('leaves nothing alive when the grant is revoked while 20 refreshes run', async () => {
    const first = await signedIn(app)
    const revoke = post(cluster, 1, '/revoke', { token: first.refresh_token ?? '' }, basic(app, app.secret))
    const answers = await Promise.all([...TWENTY.map((index) => refresh(first.refresh_token, index)), revoke])
    for (const { body } of answers.filter(({ status, body }) => status === 200 && body?.access_token))
      await expectDead(app, body as unknown as { access_token: string })
    await expectDead(app, first)
  })

  it('without a window one of 20 succeeds and the family is dead', async () => {
    const strict = await addApp(cluster)
    const { refresh_token: first } = await signedIn(strict)
    const won = expectOneSuccess(await Promise.all(TWENTY.map((index) => refresh(first, index, {}, strict))))
    await expectDead(strict, won)
    expect(await eventsOf(strict)).not.toContain('refresh_token.repeated')
  })

  it('gives nothing again to a client that proves nothing, however it came by a window', async () => {
    const own = await addApp(cluster, withGrace())
    const change = JSON.stringify({ token_endpoint_auth_method: 'none' })
    await sql`update client set metadata = metadata || ${change}::jsonb where id = ${own.id}`.execute(database.db())
    const { callback, verifier } = await authorized(own)
    const code = { code: callback.searchParams.get('code') ?? '', redirect_uri: REDIRECT_URI, code_verifier: verifier }
    const postAs = (form: Record<string, string>) => post(cluster, 0, '/token', { client_id: own.id, ...form })
    const tokens = await postAs({ grant_type: 'authorization_code', ...code })
    const form = { grant_type: 'refresh_token', refresh_token: String(tokens.body.refresh_token) }
    const rotated = await postAs(form)
    expect([rotated.status, (await postAs(form)).body.error]).toEqual([200, 'invalid_grant'])
    expect(await userinfoStatus(own, 1, String(rotated.body.access_token))).toBe(401)
  })

  it('is refused at registration to a client that neither authenticates nor binds its tokens, and beyond 30 seconds', async () => {
    const refused = (metadata: object) =>
      expect(cluster.operator.clients.add(metadata)).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
    await refused(withGrace({ token_endpoint_auth_method: 'none' }))
    await refused({ ...registration, dwar: { ...registration.dwar, profile: 'fapi2', graceSeconds: 5 } })
    await refused({ ...registration, dwar: { ...registration.dwar, graceSeconds: 31 } })
  })
})
