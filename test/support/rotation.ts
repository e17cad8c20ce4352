import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as client from 'openid-client'
import type { Cluster } from './cluster.ts'
import { logIn, REDIRECT_URI, registration } from './stage.ts'

/** Everything that is done with a token of ours, once. */
export interface Sample {
  readonly operation: 'login' | 'refresh' | 'userinfo' | 'introspection'
  /** milliseconds since the load began */
  readonly at: number
  readonly ms: number
  /** of the key that signed the ID token, where there was one */
  readonly kid: string | undefined
  readonly fault: string | undefined
}

export interface Load {
  readonly samples: readonly Sample[]
  /** one per algorithm */
  readonly apps: readonly Pick<RelyingApp, 'alg' | 'changeSecret'>[]
  /** milliseconds since the load began */
  now(): number
  /** waits until so many more things were done */
  more(count: number): Promise<void>
  /** waits until what was done is enough */
  until(isEnough: (samples: readonly Sample[]) => boolean): Promise<void>
  stop(): Promise<void>
}

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const

/**
 * Relying apps that refresh, ask for userinfo, introspect and sign people in without a pause, over a front that hands each
 * request to the next process. Each app has its own cached JWK Set, as jose ships it, and believes no token that it cannot
 * verify.
 */
export async function startLoad(cluster: Cluster, { seats = 1 } = {}): Promise<Load> {
  const began = performance.now()
  const samples: Sample[] = []
  const waiting: { isEnough: (samples: readonly Sample[]) => boolean; done: () => void }[] = []
  let stopped = false

  const note = (sample: Sample) => {
    samples.push(sample)
    for (const one of waiting) if (one.isEnough(samples)) one.done()
  }

  const apps = await Promise.all(ALGORITHMS.map((alg) => openApp(cluster, alg)))

  async function measure<T extends { id_token?: string | undefined } | object>(
    operation: Sample['operation'],
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const from = performance.now()
    const sample = (kid: string | undefined, fault: string | undefined) =>
      note({ operation, at: from - began, ms: performance.now() - from, kid, fault })
    try {
      const result = await work()
      const token = 'id_token' in result ? result.id_token : undefined
      sample(token && decodeProtectedHeader(token).kid, undefined)
      return result
    } catch (error) {
      sample(undefined, describe(error))
      return undefined
    }
  }

  async function sit(app: RelyingApp): Promise<void> {
    while (!stopped) {
      const tokens = await measure('login', () => app.signIn())
      await keepGoing(app, tokens?.refresh_token)
    }
  }

  /** One family for some rounds; then the person signs in again. */
  async function keepGoing(app: RelyingApp, first: string | undefined): Promise<void> {
    let refreshToken = first
    for (let round = 0; round < ROUNDS && refreshToken && !stopped; round += 1) {
      const given = refreshToken
      const tokens = await measure('refresh', () => app.refresh(given))
      const accessToken = tokens?.access_token
      if (!accessToken) return
      refreshToken = tokens.refresh_token
      await measure('userinfo', () => app.userInfo(accessToken))
      await measure('introspection', () => app.introspect(accessToken))
    }
  }

  const until: Load['until'] = (isEnough) =>
    isEnough(samples) ? Promise.resolve() : new Promise((done) => waiting.push({ isEnough, done }))

  const running = apps.flatMap((app) => Array.from({ length: seats }, () => sit(app)))
  return {
    samples,
    apps,
    now: () => performance.now() - began,
    more(count) {
      const enough = samples.length + count
      return until(({ length }) => length >= enough)
    },
    until,
    async stop() {
      stopped = true
      await Promise.all(running)
    },
  }
}

const ROUNDS = 8

type RelyingApp = Awaited<ReturnType<typeof openApp>>

async function openApp(cluster: Cluster, alg: string) {
  const metadata = { ...registration, client_name: alg, id_token_signed_response_alg: alg }
  const { client_id: id, client_secret: secret = '' } = await cluster.operator.clients.add(metadata)
  const discover = (known: string) =>
    client.discovery(cluster.issuer, id, known, undefined, { execute: [client.allowInsecureRequests] })
  let config = await discover(secret)
  const jwks = createRemoteJWKSet(new URL('/jwks', cluster.issuer), { timeoutDuration: 30_000 })
  const checked = async <T extends { id_token?: string | undefined }>(tokens: T): Promise<T> => {
    await jwtVerify(tokens.id_token ?? '', jwks, { issuer: cluster.issuer.origin, audience: id, algorithms: [alg] })
    return tokens
  }
  return {
    id,
    alg,
    /** as an operator of an app does it: a new secret, put in place while the old one still counts */
    async changeSecret(overlapSeconds: number) {
      const { client_secret: next = '' } = await cluster.operator.clients.rotateSecret(id, overlapSeconds)
      return async () => {
        config = await discover(next)
      }
    },
    async signIn() {
      const verifier = client.randomPKCECodeVerifier()
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: REDIRECT_URI,
        scope: 'openid offline_access phone',
        prompt: 'consent',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      return checked(await client.authorizationCodeGrant(config, await logIn(url), { pkceCodeVerifier: verifier }))
    },
    refresh: async (token: string) => checked(await client.refreshTokenGrant(config, token)),
    userInfo: (token: string) => client.fetchUserInfo(config, token, client.skipSubjectCheck),
    async introspect(token: string) {
      const answer = await client.tokenIntrospection(config, token)
      if (!answer.active) throw new Error('inactive')
      return answer
    },
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code, error: oauth } = error as { code?: unknown; error?: unknown }
  return [error.name, oauth ?? code ?? error.message.slice(0, 200)].join(' ')
}

/** The change that takes longest: asks for it and waits until another key signs, for every algorithm. */
export async function rotateSigningKeys(cluster: Cluster): Promise<void> {
  const currents = async () =>
    (await cluster.operator.keys.list()).filter(({ state }) => state === 'current').map(({ kid }) => kid)
  const before = await currents()
  await cluster.operator.keys.rotate()
  while ((await currents()).some((kid) => before.includes(kid))) await new Promise((done) => setTimeout(done, 100))
}
