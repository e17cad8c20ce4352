import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPostgres } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

const open = freshPostgres()

/** A request and the statements that it sent, BEGIN and COMMIT included. */
type Step = readonly [request: string, statements: number]

/**
 * What each step of each flow costs the database, exactly: a number that changes here changed on purpose (design.md §6).
 * The clock stands still, so that the look at the clients' version, one statement a second for a whole process, is not
 * counted; the system's data key is in the cache, as it is in any process that has served one login.
 */
describe('storage round trips', () => {
  const table: { flow: string; statements: number; budget: number | undefined }[] = []
  let stage: Stage
  let config: client.Configuration
  let steps: { request: string; texts: string[] }[] = []
  let sent: string[] = []
  let stopWatching: () => void

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] }) // no clock work between two requests
    const now = Math.floor(Date.now() / 1000)
    stage = await openStage(await open({ onStatement: (text) => sent.push(text) }), { clock: () => now })
    const { client_id, client_secret } = await stage.addClient()
    config = await client.discovery(stage.issuer, client_id, client_secret, undefined, {
      execute: [client.allowInsecureRequests],
    })
    stopWatching = watchRequests(stage.issuer, (request) => {
      steps.push({ request, texts: sent })
      sent = []
    })
    await signIn({}, 'bala')
    await client.fetchUserInfo(config, (await signIn({}, 'bala')).access_token, client.skipSubjectCheck)
  })
  afterAll(async () => {
    console.info(toTable(table))
    stopWatching()
    await stage.close()
    vi.useRealTimers()
  })

  async function request(parameters: Record<string, string> = {}) {
    const verifier = client.randomPKCECodeVerifier()
    const sentParameters = {
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access profile pan driving_licence',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    }
    return { verifier, parameters: sentParameters }
  }

  async function signIn(given: Record<string, string> = {}, persona = 'asha', citizen?: Citizen) {
    const { verifier, parameters } = await request(given)
    const options = { persona, ...(citizen && { citizen }) }
    const callback = await logIn(client.buildAuthorizationUrl(config, parameters), options)
    return client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier })
  }

  /** Runs a flow and puts its cost into the table. */
  async function cost<T>(
    flow: string,
    budget: number | undefined,
    run: () => Promise<T>,
  ): Promise<{ result: T; steps: Step[] }> {
    steps = []
    sent = []
    const result = await run()
    const counted = steps.map(({ request, texts }): Step => [request, texts.length])
    table.push({ flow, statements: sum(counted), budget })
    return { result, steps: counted }
  }

  const only = async (flow: string, budget: number | undefined, run: () => Promise<unknown>) =>
    (await cost(flow, budget, run)).steps

  it('counts a first login of a new person, page by page', async () => {
    const { verifier, parameters } = await request()
    const url = client.buildAuthorizationUrl(config, parameters)
    const login = await cost('first login, up to the code', undefined, () => logIn(url, { persona: 'asha' }))
    const exchange = await cost('code exchange, new person', undefined, () =>
      client.authorizationCodeGrant(config, login.result, { pkceCodeVerifier: verifier }),
    )
    expect([...login.steps, ...exchange.steps]).toEqual([
      ['GET /authorize', 1], // interaction with its event
      ['GET /interaction/:uid', 1], // interaction with its journey
      ['POST /interaction/:uid/start', 1], // journey with its event, if the interaction still is
      ['GET /callback/digilocker', 2], // state spent; outcome with its events
      ['GET /interaction/:uid', 1], // interaction with its journey
      ['POST /interaction/:uid/consent', 2], // the same with account and data key; all of the decision
      ['GET /authorize/:uid', 2], // interaction with grant, consent and account; code with session, event and the interaction's end
      ['POST /token', 2], // code with all that hangs on it; spent, with both tokens and all events
    ])
    table.push({ flow: 'first login, whole', statements: sum(login.steps) + sum(exchange.steps), budget: 12 })
    expect(sum([...login.steps, ...exchange.steps])).toBe(12)
  })

  it('counts a login of a known person', async () => {
    const login = await cost('login of a known person, whole', 12, () => signIn())
    expect(login.steps.slice(5)).toEqual([
      ['POST /interaction/:uid/consent', 2],
      ['GET /authorize/:uid', 2],
      ['POST /token', 2],
    ])
    table.push({ flow: 'code exchange, known person', statements: login.steps.at(-1)?.[1] ?? 0, budget: 3 })
    expect(sum(login.steps)).toBe(12)
  })

  it('counts a silent login, and a first page that is pushed', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    await signIn({ scope: 'openid pan', prompt: 'login' }, 'asha', citizen)
    const { parameters } = await request({ scope: 'openid pan', prompt: 'none' })
    const silent = await only('silent login, up to the code', undefined, async () => {
      const { url } = await citizen.get(client.buildAuthorizationUrl(config, parameters))
      expect(url.searchParams.get('code')).toBeTruthy()
    })
    expect(silent).toEqual([['GET /authorize', 3]]) // session; account, grant and consent; code with its event and the session
    const pushed = await request()
    const { result, steps } = await cost('pushed request', undefined, () =>
      client.buildAuthorizationUrlWithPAR(config, pushed.parameters),
    )
    expect(steps).toEqual([['POST /par', 1]])
    expect(
      await only('/authorize with a pushed request, and the page', undefined, () =>
        new Citizen(REDIRECT_URI).get(result),
      ),
    ).toEqual([
      ['GET /authorize', 2], // pushed request, interaction with its event
      ['GET /interaction/:uid', 1],
    ])
  })

  it('counts what is done with tokens', async () => {
    const first = await signIn()
    const refreshed = await cost('refresh', 3, () => client.refreshTokenGrant(config, first.refresh_token ?? ''))
    expect(refreshed.steps).toEqual([['POST /token', 2]]) // token with all that hangs on it; spent, with both tokens and all events
    const { access_token, refresh_token = '' } = refreshed.result
    const userinfo = (token: string) => () => client.fetchUserInfo(config, token, client.skipSubjectCheck)
    expect(await only('userinfo, offline token', 1, userinfo(access_token))).toEqual([['GET /userinfo', 1]])
    const bound = await signIn({ scope: 'openid pan', prompt: 'login' })
    expect(await only('userinfo, session-bound token', 1, userinfo(bound.access_token))).toEqual([['GET /userinfo', 1]])
    for (const [kind, token] of [
      ['access token', access_token],
      ['refresh token', refresh_token],
      ['unknown', 'x'.repeat(43)],
    ] as const) {
      const counted = await only(`introspection, ${kind}`, 1, () => client.tokenIntrospection(config, token))
      expect(counted).toEqual([['POST /introspect', 1]])
    }
    const reuse = () => client.refreshTokenGrant(config, first.refresh_token ?? '').catch(() => undefined)
    expect(await only('reuse of a refresh token', undefined, reuse)).toEqual([['POST /token', 3]]) // token, destroyed, family with its events
    const revocation = await only('revocation', undefined, () => client.tokenRevocation(config, bound.access_token))
    expect(revocation).toEqual([['POST /revoke', 3]]) // token, destroyed, family with its event
  })

  it('counts the ways out: cancelled, refused, signed out', async () => {
    const citizen = new Citizen('https://shop.example/')
    const { parameters } = await request()
    const start = await citizen.get(client.buildAuthorizationUrl(config, parameters))
    expect(await only('cancel on the first page', undefined, () => citizen.submit(start, /^cancel$/))).toEqual([
      ['POST /interaction/:uid/start', 2], // interaction; result with its event
      ['GET /authorize/:uid', 2], // interaction ×2
    ])
    const tokens = await signIn({ scope: 'openid pan', prompt: 'login' }, 'asha', citizen)
    const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' })
    const page = await cost('sign-out page', undefined, () => citizen.get(url))
    expect(page.steps).toEqual([['GET /logout', 2]]) // session ×2
    expect(await only('signing out', undefined, () => citizen.submit(page.result, /^yes$/))).toEqual([
      ['POST /logout/confirm', 3],
      ['GET /logout/success', 0],
    ])
  })

  it('asks nothing of the database for discovery and keys', async () => {
    for (const path of ['/.well-known/openid-configuration', '/jwks'])
      expect(await only(path, 0, () => fetch(new URL(path, stage.issuer)))).toEqual([[`GET ${path}`, 0]])
  })
})

const sum = (steps: readonly Step[]) => steps.reduce((total, [, count]) => total + count, 0)

const ID = /[\w-]{43}/

/** Tells of each request to this origin when its answer has left: requests come one at a time here. */
function watchRequests(origin: URL, onAnswered: (request: string) => void): () => void {
  const note = (message: unknown) => {
    const { request, server } = message as { request: IncomingMessage; server: Server }
    if ((server.address() as AddressInfo | null)?.port !== Number(origin.port)) return
    const { pathname } = new URL(request.url ?? '/', origin)
    onAnswered(`${request.method} ${pathname.replace(ID, ':uid')}`)
  }
  subscribe('http.server.response.finish', note)
  return () => void unsubscribe('http.server.response.finish', note)
}

function toTable(rows: readonly { flow: string; statements: number; budget: number | undefined }[]): string {
  const width = Math.max(...rows.map(({ flow }) => flow.length))
  const line = (...[flow, statements, budget]: (string | number)[]) =>
    `${String(flow).padEnd(width)}  ${String(statements).padStart(10)}  ${String(budget).padStart(6)}`
  return [
    '',
    line('storage round trips', 'statements', 'budget'),
    ...rows.map(({ flow, statements, budget }) => line(flow, statements, budget ?? '')),
  ].join('\n')
}
