import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as client from 'openid-client'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { Citizen } from '../support/citizen.ts'
import type { Cluster } from '../support/cluster.ts'
import { openRecordingProxy, type RecordingProxy } from '../support/recording-proxy.ts'
import { REDIRECT_URI, registration } from '../support/stage.ts'
import {
  addApp,
  atUpstreamCallback,
  authorized,
  BOTH,
  dpopFor,
  expectDead,
  expectOneSuccess,
  expectWithin,
  introspectStatus,
  post,
  postToken,
  type RelyingApp,
  request,
  signedIn,
  TWENTY,
  toApp,
  twoProcesses,
  userinfoStatus,
} from '../support/two-processes.ts'

/**
 * Two issuer processes over one PostgreSQL, as in production: what may happen once happens once, whichever process is
 * asked, and what one process was told the other knows.
 */
describe('two issuer processes over one PostgreSQL', () => {
  const opened = twoProcesses()
  let simulator: Simulator
  let cluster: Cluster
  let app: RelyingApp

  beforeAll(async () => {
    ;({ simulator, cluster } = opened())
    app = await addApp(cluster)
  })

  it('exchanges one of 20 parallel uses of a code (RFC 6749 §4.1.2), and the family is dead afterwards', async () => {
    const { callback, verifier } = await authorized(app)
    const form = {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }
    const answers = await Promise.all(TWENTY.map((index) => postToken(app, index, form)))
    const won = expectOneSuccess(answers)
    await expectDead(app, won)
  })

  it('rotates one of 20 parallel uses of a refresh token (RFC 9700 §4.14.2), and the family is dead afterwards', async () => {
    const first = await signedIn(app)
    const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token ?? '' }
    const answers = await Promise.all(TWENTY.map((index) => postToken(app, index, form)))
    const won = expectOneSuccess(answers)
    await expectDead(app, won)
    await expectDead(app, first)
  })

  it('accepts one of 20 parallel uses of a client assertion (RFC 7523 §3, jti)', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const keys = { keys: [await exportJWK(publicKey)] }
    const metadata = { ...registration, token_endpoint_auth_method: 'private_key_jwt', jwks: keys }
    const { client_id: id } = await cluster.operator.clients.add(metadata)
    const assertion = await new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(cluster.issuer.origin)
      .setIssuedAt()
      .setExpirationTime('50s')
      .sign(privateKey)
    const form = {
      client_id: id,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      token: 'no-such-token',
    }
    const answers = await Promise.all(TWENTY.map((index) => post(cluster, index, '/introspect', form)))
    expect(answers.filter(({ status }) => status === 200).map(({ body }) => body)).toEqual([{ active: false }])
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.map(({ status, body }) => [status, body.error])).toEqual(refused.map(() => [401, 'invalid_client']))
  })

  it('accepts one of 20 parallel uses of a DPoP proof (RFC 9449 §11.1, jti)', async () => {
    const proof = await dpopFor(app, await generateKeyPair('ES256'))
    const families = []
    for (let left = TWENTY.length; left > 0; left -= 10)
      families.push(...(await Promise.all(Array.from({ length: 10 }, () => signedIn(app)))))
    const answers = await Promise.all(
      families.map(({ refresh_token }, index) =>
        postToken(app, index % 2, { grant_type: 'refresh_token', refresh_token: refresh_token ?? '' }, proof),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const { status, body } of answers.filter(({ status }) => status !== 200))
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  it('takes one of 10 parallel callbacks of a state: one token request reaches the upstream', async () => {
    const { citizen, callback } = await atUpstreamCallback(app)
    const before = simulator.requestCounts().token ?? 0
    const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
    const answers = await Promise.all(
      TWENTY.slice(0, 10).map((index) =>
        cluster.fetchAt(index)(callback, { headers: { cookie, accept: 'text/html' } }),
      ),
    )
    expect((simulator.requestCounts().token ?? 0) - before).toBe(1)
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 303))
      expect(await answer.text()).toContain('RAIL_STATE_USED')
  })

  it('sends a whole login through both processes, page by page', async () => {
    const tokens = await signedIn(app)
    const served = () => cluster.processes.map(({ output }) => /"route":"interaction"/.test(output()))
    await expect.poll(served, { timeout: 45_000 }).toEqual([true, true])
    for (const index of BOTH) expect(await userinfoStatus(app, index, tokens.access_token)).toBe(200)
  })

  it('knows a client at once that the command line added', async () => {
    const uri = ['--redirect-uri', REDIRECT_URI]
    const added = await cluster.dwar('client', 'add', '--name', 'New Shop', ...uri, '--purpose', 'To try it out')
    const shop = await toApp(cluster, String(added.client_id), String(added.client_secret))
    for (const index of BOTH) expect(await introspectStatus(shop, index, shop.secret)).toBe(200)
    const { callback, verifier } = await authorized(shop, { scope: 'openid profile' })
    const tokens = await client.authorizationCodeGrant(shop.config, callback, { pkceCodeVerifier: verifier })
    expect(tokens.id_token).toBeDefined()
  })

  it('stops the old secret within two seconds of its rotation on both, and takes the new one at once', async () => {
    const added = await addApp(cluster)
    for (const index of BOTH) expect(await introspectStatus(added, index, added.secret)).toBe(200)
    const rotated = String((await cluster.dwar('client', 'rotate-secret', added.id)).client_secret)
    await expectWithin(2000, Date.now(), () => isRefusedByBoth(added))
    for (const index of BOTH) expect(await introspectStatus(added, index, rotated)).toBe(200)
  })

  it('stops a removed client within two seconds on both, with all it holds', async () => {
    const added = await addApp(cluster)
    const tokens = await signedIn(added)
    for (const index of BOTH) expect(await introspectStatus(added, index, added.secret)).toBe(200)
    await cluster.operator.clients.remove(added.id)
    const removedAt = Date.now()
    for (const index of BOTH) expect(await userinfoStatus(added, index, tokens.access_token)).toBe(401)
    await expectWithin(2000, removedAt, () => isRefusedByBoth(added))
  })

  const isRefusedByBoth = async (by: RelyingApp) => {
    const statuses = await Promise.all(BOTH.map((index) => introspectStatus(by, index, by.secret)))
    return statuses.every((status) => status === 401)
  }

  it('sees on one process the sign-out that happened on the other', async () => {
    const citizen = new Citizen('https://shop.example/')
    const tokens = await signedIn(app, { scope: 'openid pan', prompt: 'login' }, citizen)
    expect(await userinfoStatus(app, 1, tokens.access_token)).toBe(200)
    const turnByTurn = cluster.route
    cluster.route = () => 0
    const url = client.buildEndSessionUrl(app.config, { id_token_hint: tokens.id_token ?? '' })
    await citizen.submit(await citizen.get(url), /^yes$/)
    expect(await userinfoStatus(app, 1, tokens.access_token)).toBe(401)
    cluster.route = () => 1
    const { url: authorize } = await request(app, { scope: 'openid pan', prompt: 'none' })
    expect((await citizen.get(authorize)).url.searchParams.get('error')).toBe('login_required')
    cluster.route = turnByTurn
  })

  it('finishes the request under way on SIGTERM, takes no new one, and exits with 0', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await using upstream = disposable(await openRecordingProxy(simulator.url, released))
    const third = await cluster.start({ DIGILOCKER_BASE_URL: upstream.origin })
    const index = cluster.processes.indexOf(third)
    const { citizen, callback } = await atUpstreamCallback(app)
    const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
    const underWay = cluster.fetchAt(index)(callback, { headers: { cookie, accept: 'text/html' } })
    let answered = false
    void underWay.finally(() => {
      answered = true
    })
    await expect.poll(() => upstream.calls.length, { timeout: 45_000 }).toBe(1)
    const ended = third.stop('SIGTERM')
    const another = () =>
      cluster
        .fetchAt(index)(new URL('/jwks', cluster.issuer))
        .then(({ status }) => status, codeOf)
    await expect.poll(another, { timeout: 45_000 }).toBe('ECONNREFUSED')
    expect(answered).toBe(false)
    release()
    const answer = await underWay
    expect(answer.status).toBe(303)
    expect(await ended).toBe(0)
    const onward = new Citizen(REDIRECT_URI)
    Object.assign(onward, { jar: citizen.jar })
    const consent = await onward.get(new URL(answer.headers.get('location') ?? '', cluster.issuer))
    expect((await onward.submit(consent, /^share$/)).url.searchParams.get('code')).toBeTruthy()
  })
})

const disposable = (proxy: RecordingProxy) => ({ ...proxy, [Symbol.asyncDispose]: () => proxy.close() })
const codeOf = (error: unknown) => (error as { code?: string }).code
