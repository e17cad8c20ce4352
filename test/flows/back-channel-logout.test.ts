import { type CryptoKey, compactDecrypt, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createLogoutStore } from '../../adapters/logout-store.ts'
import { createRequestMemo } from '../../adapters/request-memo.ts'
import type { EventType } from '../../src/privacy/event.ts'
import { Citizen } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { receiveForms } from '../support/form-receiver.ts'
import { addRelyingApp, makeKey, type RelyingApp } from '../support/relying-app.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

/** The back-channel endpoint of a relying app, that answers as it is told. */
async function listenForLogouts() {
  const tokens: string[] = []
  const requests: { method: string | undefined; type: string | undefined; names: string[] }[] = []
  let answer: number | 'nothing' = 200
  const { origin, close } = await receiveForms((form, { method, headers }, response) => {
    requests.push({ method, type: headers['content-type'], names: [...form.keys()] })
    const token = form.get('logout_token')
    if (token) tokens.push(token)
    if (answer === 'nothing') return
    response.writeHead(answer, answer === 302 ? { location: 'http://localhost:1/' } : {}).end()
  })
  return {
    uri: `${origin}/logout`,
    tokens,
    requests,
    answerWith: (next: typeof answer) => {
      answer = next
    },
    close,
  }
}

describeOnEachDatabase('OpenID Connect Back-Channel Logout 1.0', (open) => {
  let stage: Stage
  let receiver: Awaited<ReturnType<typeof listenForLogouts>>
  let shop: RelyingApp
  let ahead = 0

  beforeAll(async () => {
    stage = await openStage(await open(), {
      clock: () => Math.floor(Date.now() / 1000) + ahead,
      jobSecondMs: 25,
    })
    receiver = await listenForLogouts()
    shop = await addToldApp()
  })
  afterEach(() => {
    ahead = 0
    receiver.answerWith(200)
    receiver.tokens.length = 0
  })
  afterAll(async () => {
    await stage.close()
    receiver.close()
  })

  const addToldApp = (change: Record<string, unknown> = {}) =>
    addRelyingApp(stage, {
      backchannel_logout_uri: receiver.uri,
      backchannel_logout_session_required: true,
      id_token_signed_response_alg: 'ES256',
      ...change,
    })

  async function signIn(app: RelyingApp, citizen: Citizen, persona = 'asha') {
    const { verifier, parameters } = await app.request()
    const back = await walk(citizen, app.authorizeUrl(parameters), persona)
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const tokens = await oauth.processAuthorizationCodeResponse(
      app.as,
      app.client,
      await app.exchange(callback, verifier),
      { expectedNonce: parameters.get('nonce') ?? '' },
    )
    return { idToken: tokens.id_token ?? '', claims: oauth.getValidatedIdTokenClaims(tokens) }
  }

  /** A second login of the same browser finds DigiLocker signed in already. */
  async function walk(citizen: Citizen, url: URL, persona: string): Promise<URL> {
    if (citizen.visited.length === 0) return logIn(url, { citizen, persona })
    const upstream = await citizen.submit(await citizen.get(url), /continue/i)
    return (await citizen.submit(await citizen.submit(upstream, /^Allow$/), /^share$/)).url
  }

  const opened = async (token: string, key: CryptoKey) =>
    new TextDecoder().decode((await compactDecrypt(token, key)).plaintext)

  async function signOut(citizen: Citizen, idToken: string, button = /^yes$/) {
    const url = new URL('/logout', stage.issuer)
    url.searchParams.set('id_token_hint', idToken)
    return citizen.submit(await citizen.get(url), button)
  }

  const eventsOf = async (app: RelyingApp, type: EventType) =>
    stage.app.events.history({ clientId: app.client.client_id, type })

  const toldTo = ({ client }: RelyingApp) =>
    receiver.tokens.filter((token) => decodeJwt(token).aud === client.client_id)

  const arrived = (count: number) =>
    vi.waitFor(() => expect(receiver.tokens.length).toBeGreaterThanOrEqual(count), { timeout: 45_000, interval: 50 })

  it('tells every app of the session by a signed logout token (§2.4, §2.5)', async () => {
    const other = await addToldApp({ backchannel_logout_session_required: false })
    const citizen = new Citizen(REDIRECT_URI)
    const first = await signIn(shop, citizen)
    const second = await signIn(other, citizen)
    await signOut(citizen, second.idToken)
    await arrived(2)
    const keys = createRemoteJWKSet(new URL(shop.as.jwks_uri ?? ''))
    const told = await Promise.all(
      receiver.tokens.map(async (token) => {
        const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: stage.issuer.origin })
        expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'logout+jwt' })
        expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120)
        expect(payload).toMatchObject({
          jti: expect.any(String),
          events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        })
        expect(payload).not.toHaveProperty('nonce')
        return payload
      }),
    )
    const of = (app: RelyingApp) => told.find(({ aud }) => aud === app.client.client_id)
    expect(of(shop)).toMatchObject({ sub: first.claims?.sub, sid: first.claims?.sid })
    expect(first.claims?.sid).toEqual(expect.any(String))
    expect(of(other)).toMatchObject({ sub: second.claims?.sub })
    expect(of(other)).not.toHaveProperty('sid')
    await vi.waitFor(async () => expect(await eventsOf(other, 'logout.delivered')).toHaveLength(1), { timeout: 45_000 })
  })

  it('tells an app that consent was taken back, as it knows people, and none that has no address — DPDP Act 2023 §6(6)', async () => {
    const bySubject = await addToldApp({ backchannel_logout_session_required: false })
    const untold = await addRelyingApp(stage, { id_token_signed_response_alg: 'ES256' })
    const citizen = new Citizen(REDIRECT_URI)
    const there = new Map<RelyingApp, Awaited<ReturnType<typeof signIn>>>()
    for (const app of [shop, bySubject, untold]) there.set(app, await signIn(app, citizen))
    await signIn(shop, new Citizen(REDIRECT_URI)) // in another browser: a session of its own
    await signIn(shop, new Citizen(REDIRECT_URI), 'bala') // somebody else
    const withdraw = async (app: RelyingApp) =>
      citizen.submit(await citizen.get(new URL('/account', stage.issuer)), /Take back consent/, [
        ['client', app.client.client_id],
      ])
    await withdraw(untold)
    await withdraw(bySubject)
    const deliveries = (app: RelyingApp, count: number) =>
      vi.waitFor(async () => expect(await eventsOf(app, 'logout.delivered')).toHaveLength(count), { timeout: 45_000 })
    const told = (app: RelyingApp) => toldTo(app).map((token) => decodeJwt(token))
    const before = (await eventsOf(shop, 'logout.delivered')).length
    await deliveries(bySubject, 1)
    expect(told(bySubject)[0]).toMatchObject({ sub: there.get(bySubject)?.claims?.sub })
    expect(told(bySubject)[0]).not.toHaveProperty('sid')
    await withdraw(shop)
    await deliveries(shop, before + 2)
    const sids = new Set(told(shop).map(({ sid }) => sid))
    expect(sids).toContain(there.get(shop)?.claims?.sid)
    expect(sids.size).toBe(2)
    await signIn(bySubject, citizen)
    await withdraw(shop) // nothing is left to take back
    await withdraw(bySubject)
    await deliveries(bySubject, 2)
    expect(await eventsOf(shop, 'logout.delivered')).toHaveLength(before + 2)
    expect(told(untold)).toEqual([])
    expect(await eventsOf(untold, 'logout.undeliverable')).toEqual([])
  })

  it('encrypts the logout token for an app whose ID tokens are encrypted (§2.4, §2.6)', async () => {
    const { privateKey, jwk } = await makeKey('ECDH-ES+A256KW', { use: 'enc', alg: 'ECDH-ES+A256KW' })
    const app = await addToldApp({
      jwks: { keys: [jwk] },
      id_token_encrypted_response_alg: 'ECDH-ES+A256KW',
      id_token_encrypted_response_enc: 'A256GCM',
    })
    const citizen = new Citizen(REDIRECT_URI)
    const { verifier, parameters } = await app.request()
    const back = await walk(citizen, app.authorizeUrl(parameters), 'asha')
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const answer = (await (await app.exchange(callback, verifier)).json()) as { id_token: string }
    const idToken = await opened(answer.id_token, privateKey)
    await signOut(citizen, idToken)
    await arrived(1)
    const [sealed = ''] = receiver.tokens
    expect(decodeProtectedHeader(sealed)).toMatchObject({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM', cty: 'JWT' })
    const keys = createRemoteJWKSet(new URL(app.as.jwks_uri ?? ''))
    const { payload, protectedHeader } = await jwtVerify(await opened(sealed, privateKey), keys, {
      issuer: stage.issuer.origin,
      audience: app.client.client_id,
    })
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'logout+jwt' })
    expect(payload).toMatchObject({ sub: decodeJwt(idToken).sub, sid: decodeJwt(idToken).sid })
  })

  it('posts a form with the token and nothing else (§2.5)', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const { idToken } = await signIn(shop, citizen)
    receiver.requests.length = 0
    await signOut(citizen, idToken)
    await arrived(1)
    expect(receiver.requests[0]).toEqual({
      method: 'POST',
      type: expect.stringMatching(/^application\/x-www-form-urlencoded/),
      names: ['logout_token'],
    })
  })

  it('does not let the person wait for an app that does not answer', async () => {
    receiver.answerWith('nothing')
    let tried: boolean[] = []
    // On a machine that stood still the app's 2.5 s may be over before we look: then once more.
    for (let tries = 0; tries < 5 && tried[0] !== false; tries++) {
      const app = await addToldApp()
      const citizen = new Citizen(REDIRECT_URI)
      const { idToken } = await signIn(app, citizen)
      expect((await signOut(citizen, idToken)).status).toBe(200)
      tried = await wereTried(app)
    }
    expect(tried).toEqual([false]) // the app is still to be told, or is being told
  })

  it.each([503, 302] as const)('tries again after %i, with a new token (§2.8)', async (status) => {
    const app = await addToldApp()
    const citizen = new Citizen(REDIRECT_URI)
    const { idToken } = await signIn(app, citizen)
    receiver.answerWith(status)
    await signOut(citizen, idToken)
    const own = () => toldTo(app)
    await vi.waitFor(() => expect(own().length).toBeGreaterThan(0), { timeout: 45_000 })
    receiver.answerWith(200)
    await putOff(app)
    ahead += 60
    await vi.waitFor(async () => expect(await eventsOf(app, 'logout.delivered')).toHaveLength(1), { timeout: 45_000 })
    const ids = own().map((token) => decodeJwt(token).jti)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThan(1)
  })

  it('gives up after a day, and says so', async () => {
    const app = await addToldApp()
    const citizen = new Citizen(REDIRECT_URI)
    const { idToken } = await signIn(app, citizen)
    receiver.answerWith(500)
    await signOut(citizen, idToken)
    await putOff(app)
    ahead += 86_400
    await vi.waitFor(
      async () =>
        expect((await eventsOf(app, 'logout.undeliverable')).map(({ body }) => body)).toEqual([
          expect.objectContaining({ reason: 'ended' }),
        ]),
      { timeout: 45_000 },
    )
    expect(await waiting(app)).toBe(0)
  })

  it('tells only the app that the person leaves, when she stays signed in elsewhere', async () => {
    const left = await addToldApp()
    const other = await addToldApp()
    const citizen = new Citizen(REDIRECT_URI)
    const { idToken } = await signIn(left, citizen)
    await signIn(other, citizen)
    await signOut(citizen, idToken, /stay|signed in/i)
    await vi.waitFor(async () => expect(await eventsOf(left, 'logout.delivered')).toHaveLength(1), { timeout: 45_000 })
    expect([await waiting(other), await eventsOf(other, 'logout.delivered')]).toEqual([0, []])
  })

  it('gives a delivery to one of many workers, and to the next when that one dies', async () => {
    const memo = createRequestMemo()
    const clock = () => 4_000_000_000
    const logouts = createLogoutStore(stage.database, clock, memo)
    await stage.database.hot(
      'test_insert_deliveries',
      `insert into logout_delivery (id, client_id, account_id, due_at, ends_at)
       select gen_random_uuid(), 'gone', 'acct', to_timestamp(3999999999), to_timestamp(4000086400)
       from generate_series(1, 5)`,
      [],
    )
    const taken = await Promise.all(
      Array.from({ length: 20 }, () => logouts.takeDue(4_000_000_000, 4_000_000_030, 3, 9, {})),
    )
    expect(
      taken
        .flat()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([...new Set(taken.flat().map(({ id }) => id))].toSorted())
    const gone = (deliveries: readonly { clientId: string }[]) =>
      deliveries.filter(({ clientId }) => clientId === 'gone')
    expect(gone(taken.flat())).toHaveLength(5)
    expect(gone(await logouts.takeDue(4_000_000_029, 4_000_000_060, 9, 9, {}))).toEqual([])
    expect(gone(await logouts.takeDue(4_000_000_030, 4_000_000_060, 9, 9, {}))).toHaveLength(5)
    await stage.database.hot('test_delete_deliveries', `delete from logout_delivery where client_id = 'gone'`, [])
  })

  /** Until a delivery has failed and waits for later: time must not run past the lease of one that is under way. */
  const putOff = ({ client }: RelyingApp) =>
    vi.waitFor(
      async () => {
        const rows = await stage.database.hot(
          'test_find_put_off',
          `select 1 as later from logout_delivery
           where client_id = $1 and attempts > 0 and lease_until is null and due_at > to_timestamp($2)`,
          [client.client_id, Math.floor(Date.now() / 1000) + ahead],
        )
        expect(rows).toHaveLength(1)
      },
      { timeout: 45_000, interval: 20 },
    )

  /** Of each delivery that is owed, whether a try has come to its end. */
  async function wereTried({ client }: RelyingApp): Promise<boolean[]> {
    const rows = await stage.database.hot<{ tried: boolean }>(
      'test_find_tried',
      'select attempts > 0 and lease_until is null as tried from logout_delivery where client_id = $1',
      [client.client_id],
    )
    return rows.map(({ tried }) => tried)
  }

  async function waiting({ client }: RelyingApp): Promise<number> {
    const [row] = await stage.database.hot<{ count: number }>(
      'test_count_deliveries',
      'select count(*)::int as count from logout_delivery where client_id = $1',
      [client.client_id],
    )
    return row?.count ?? -1
  }
})
