import { setTimeout as pause } from 'node:timers/promises'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as client from 'openid-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { Citizen } from '../support/citizen.ts'
import { type Cluster, openCluster } from '../support/cluster.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import { logIn, pinOf, REDIRECT_URI, registration, sharedPki, UPSTREAM } from '../support/stage.ts'

const makeUrl = freshPostgresUrl()
const BOTH = [0, 1] as const
/** 10 to each process, alternating. */
const TWENTY = Array.from({ length: 20 }, (_one, index) => index % 2)

/**
 * Two issuer processes over one PostgreSQL, as in production: what may happen once happens once, whichever process is
 * asked, and what one process was told the other knows.
 */
describe('two issuer processes over one PostgreSQL', () => {
  let simulator: Simulator
  let cluster: Cluster
  let app: RelyingApp

  beforeAll(async () => {
    simulator = await startSimulator({
      pki: await sharedPki(),
      clients: [
        {
          ...UPSTREAM,
          redirectUris: [],
          scopes: ['files.issueddocs', 'userdetails', 'picture', 'email'],
          openid: false,
        },
      ],
    })
    cluster = await openCluster({ databaseUrl: await makeUrl(), simulator, size: 2 })
    app = await addApp(cluster)
  })
  afterEach(() => simulator.clearFaults())
  afterAll(async () => {
    await cluster?.close()
    await simulator?.close()
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
    expect(cluster.processes.map(({ output }) => /"route":"interaction"/.test(output()))).toEqual([true, true])
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
    const done = Date.now()
    for (const index of BOTH)
      await expectWithin(2000, done, async () => (await introspectStatus(added, index, added.secret)) === 401)
    for (const index of BOTH) expect(await introspectStatus(added, index, rotated)).toBe(200)
  })

  it('stops a removed client within two seconds on both, with all it holds', async () => {
    const added = await addApp(cluster)
    const tokens = await signedIn(added)
    for (const index of BOTH) expect(await introspectStatus(added, index, added.secret)).toBe(200)
    await cluster.operator.clients.remove(added.id)
    const done = Date.now()
    for (const index of BOTH) expect(await userinfoStatus(added, index, tokens.access_token)).toBe(401)
    for (const index of BOTH)
      await expectWithin(2000, done, async () => (await introspectStatus(added, index, added.secret)) === 401)
  })

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
    const third = await cluster.start()
    const index = cluster.processes.indexOf(third)
    const { citizen, callback } = await atUpstreamCallback(app)
    simulator.setFaults([{ endpoint: 'token', delayMs: 1000 }])
    const cookie = await citizen.jar.getCookieString(cluster.issuer.href)
    const underWay = cluster.fetchAt(index)(callback, { headers: { cookie, accept: 'text/html' } })
    await pause(300)
    const ended = third.stop('SIGTERM')
    await pause(200)
    await expect(cluster.fetchAt(index)(new URL('/jwks', cluster.issuer))).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
    const answer = await underWay
    expect(answer.status).toBe(303)
    expect(await ended).toBe(0)
    const onward = new Citizen(REDIRECT_URI)
    Object.assign(onward, { jar: citizen.jar })
    const consent = await onward.get(new URL(answer.headers.get('location') ?? '', cluster.issuer))
    expect((await onward.submit(consent, /^share$/)).url.searchParams.get('code')).toBeTruthy()
  })
})

/** A client of the cluster, registered by the command line, and openid-client set up for it. */
interface RelyingApp {
  readonly cluster: Cluster
  readonly id: string
  readonly secret: string
  readonly config: client.Configuration
}

/** Registers a client through another instance than the two that serve it. */
async function addApp(cluster: Cluster): Promise<RelyingApp> {
  const added = await cluster.operator.clients.add(registration)
  return toApp(cluster, added.client_id, added.client_secret ?? '')
}

async function toApp(cluster: Cluster, id: string, secret: string): Promise<RelyingApp> {
  const options = { execute: [client.allowInsecureRequests] }
  return { cluster, id, secret, config: await client.discovery(cluster.issuer, id, secret, undefined, options) }
}

async function request(app: RelyingApp, parameters: Record<string, string> = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(app.config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid offline_access pan',
    prompt: 'consent',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  })
  return { url, verifier }
}

async function authorized(app: RelyingApp, parameters?: Record<string, string>, citizen?: Citizen) {
  const { url, verifier } = await request(app, parameters)
  return { callback: await logIn(url, { ...(citizen && { citizen }) }), verifier }
}

async function signedIn(app: RelyingApp, parameters?: Record<string, string>, citizen?: Citizen) {
  const { callback, verifier } = await authorized(app, parameters, citizen)
  return client.authorizationCodeGrant(app.config, callback, { pkceCodeVerifier: verifier })
}

/** A person who has agreed at the upstream and whose browser is about to return to us. */
async function atUpstreamCallback(app: RelyingApp): Promise<{ citizen: Citizen; callback: URL }> {
  const citizen = new Citizen(new URL('/callback/', app.cluster.issuer).href)
  const signIn = await citizen.submit(await citizen.get((await request(app)).url), /continue/i)
  const pin = pinOf(signIn, 'asha')
  const consent = await citizen.submit(signIn, /Sign in/, [
    ['persona', 'asha'],
    ['pin', pin],
  ])
  return { citizen, callback: (await citizen.submit(consent, /^Allow$/)).url }
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function post(
  cluster: Cluster,
  index: number,
  at: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await cluster.fetchAt(index)(new URL(at, cluster.issuer), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const basic = ({ id }: RelyingApp, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

const postToken = (app: RelyingApp, index: number, form: Record<string, string>) =>
  post(app.cluster, index, '/token', form, basic(app, app.secret))

async function introspectStatus(app: RelyingApp, index: number, secret: string): Promise<number> {
  return (await post(app.cluster, index, '/introspect', { token: 'no-such-token' }, basic(app, secret))).status
}

async function userinfoStatus({ cluster }: RelyingApp, index: number, accessToken: string): Promise<number> {
  const headers = { authorization: `Bearer ${accessToken}` }
  return (await cluster.fetchAt(index)(new URL('/userinfo', cluster.issuer), { headers })).status
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string | undefined
}

/** @returns the tokens of the one that won */
function expectOneSuccess(answers: readonly Answer[]): Tokens {
  const won = answers.filter(({ status }) => status === 200)
  const lost = answers.filter(({ status }) => status !== 200)
  expect(lost.map(({ status, body }) => [status, body.error])).toEqual(lost.map(() => [400, 'invalid_grant']))
  expect(won).toHaveLength(1)
  return won[0]?.body as unknown as Tokens
}

async function expectDead(app: RelyingApp, { access_token, refresh_token }: Tokens): Promise<void> {
  for (const index of BOTH) {
    expect(await userinfoStatus(app, index, access_token)).toBe(401)
    const refreshed = await postToken(app, index, { grant_type: 'refresh_token', refresh_token: refresh_token ?? '' })
    expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant'])
  }
}

async function expectWithin(ms: number, since: number, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    expect(Date.now() - since).toBeLessThan(ms)
    await pause(100)
  }
}
