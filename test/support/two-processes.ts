import { setTimeout as pause } from 'node:timers/promises'
import { exportJWK, type GenerateKeyPairResult, SignJWT } from 'jose'
import * as client from 'openid-client'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { Citizen } from './citizen.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { freshPostgresUrl } from './databases.ts'
import { logIn, pinOf, REDIRECT_URI, registration, sharedPki, UPSTREAM } from './stage.ts'

export const BOTH = [0, 1] as const
/** 10 to each process, alternating. */
export const TWENTY = Array.from({ length: 20 }, (_one, index) => index % 2)

export interface TwoProcesses {
  readonly cluster: Cluster
  readonly simulator: Simulator
  readonly databaseUrl: string
}

/** Two issuer processes over one PostgreSQL and one simulator, for the tests of a suite. @param env settings of both */
export function twoProcesses(env: Record<string, string> = {}): () => TwoProcesses {
  const makeUrl = freshPostgresUrl()
  let opened: TwoProcesses | undefined
  beforeAll(async () => {
    const scopes = ['files.issueddocs', 'userdetails', 'picture', 'email']
    const clients = [{ ...UPSTREAM, redirectUris: [], scopes, openid: false }]
    const simulator = await startSimulator({ pki: await sharedPki(), clients })
    const databaseUrl = await makeUrl()
    opened = { simulator, databaseUrl, cluster: await openCluster({ databaseUrl, simulator, size: 2, env }) }
  })
  afterEach(() => opened?.simulator.clearFaults())
  afterAll(async () => {
    await opened?.cluster.close()
    await opened?.simulator.close()
  })
  return () => {
    if (!opened) throw new Error('the two processes have not started')
    return opened
  }
}

/** A client of the cluster, registered by the command line, and openid-client set up for it. */
export interface RelyingApp {
  readonly cluster: Cluster
  readonly id: string
  readonly secret: string
  readonly config: client.Configuration
}

/** Registers a client through another instance than the two that serve it. */
export async function addApp(cluster: Cluster, change: Record<string, unknown> = {}): Promise<RelyingApp> {
  const added = await cluster.operator.clients.add({ ...registration, ...change })
  return toApp(cluster, added.client_id, added.client_secret ?? '')
}

export async function toApp(cluster: Cluster, id: string, secret: string): Promise<RelyingApp> {
  const options = { execute: [client.allowInsecureRequests] }
  return { cluster, id, secret, config: await client.discovery(cluster.issuer, id, secret, undefined, options) }
}

export async function request(app: RelyingApp, parameters: Record<string, string> = {}) {
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

export async function authorized(app: RelyingApp, parameters?: Record<string, string>, citizen?: Citizen) {
  const { url, verifier } = await request(app, parameters)
  return { callback: await logIn(url, { ...(citizen && { citizen }) }), verifier }
}

export async function signedIn(app: RelyingApp, parameters?: Record<string, string>, citizen?: Citizen) {
  const { callback, verifier } = await authorized(app, parameters, citizen)
  return client.authorizationCodeGrant(app.config, callback, { pkceCodeVerifier: verifier })
}

/** A person who has agreed at the upstream and whose browser is about to return to us. */
export async function atUpstreamCallback(app: RelyingApp): Promise<{ citizen: Citizen; callback: URL }> {
  const citizen = new Citizen(new URL('/callback/', app.cluster.issuer).href)
  const signIn = await citizen.submit(await citizen.get((await request(app)).url), /continue/i)
  const pin = pinOf(signIn, 'asha')
  const consent = await citizen.submit(signIn, /Sign in/, [
    ['persona', 'asha'],
    ['pin', pin],
  ])
  return { citizen, callback: (await citizen.submit(consent, /^Allow$/)).url }
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

export async function post(
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
  const text = await answer.text()
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

export const basic = ({ id }: RelyingApp, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

/** @param headers more of them, such as a DPoP proof */
export const postToken = (
  app: RelyingApp,
  index: number,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) => post(app.cluster, index, '/token', form, { ...basic(app, app.secret), ...headers })

/** A fresh DPoP proof for the token endpoint (RFC 9449 §4.2), as a header. */
export async function dpopFor({ cluster }: RelyingApp, { privateKey, publicKey }: GenerateKeyPairResult) {
  const proof = new SignJWT({ jti: crypto.randomUUID(), htm: 'POST', htu: new URL('/token', cluster.issuer).href })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
  return { dpop: await proof.sign(privateKey) }
}

export async function introspectStatus(app: RelyingApp, index: number, secret: string): Promise<number> {
  return (await post(app.cluster, index, '/introspect', { token: 'no-such-token' }, basic(app, secret))).status
}

export async function userinfoStatus({ cluster }: RelyingApp, index: number, accessToken: string): Promise<number> {
  const headers = { authorization: `Bearer ${accessToken}` }
  return (await cluster.fetchAt(index)(new URL('/userinfo', cluster.issuer), { headers })).status
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string | undefined
}

/** @returns the tokens of the one that won */
export function expectOneSuccess(answers: readonly Answer[]): Tokens {
  const won = answers.filter(({ status }) => status === 200)
  const lost = answers.filter(({ status }) => status !== 200)
  expect(lost.map(({ status, body }) => [status, body.error])).toEqual(lost.map(() => [400, 'invalid_grant']))
  expect(won).toHaveLength(1)
  return won[0]?.body as unknown as Tokens
}

export async function expectDead(app: RelyingApp, { access_token, refresh_token }: Tokens): Promise<void> {
  for (const index of BOTH) {
    expect(await userinfoStatus(app, index, access_token)).toBe(401)
    const refreshed = await postToken(app, index, { grant_type: 'refresh_token', refresh_token: refresh_token ?? '' })
    expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant'])
  }
}

/**
 * Of what was asked so long after `since` it must hold. When the answers come does not matter: machines stand still.
 * @param since milliseconds, of the system's clock
 */
export async function expectWithin(ms: number, since: number, holds: () => Promise<boolean>): Promise<void> {
  for (let asked = Date.now(); !(await holds()); asked = Date.now()) {
    expect(asked - since).toBeLessThan(ms)
    await pause(100)
  }
}
