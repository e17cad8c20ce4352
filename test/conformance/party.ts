import { randomBytes } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPostgres } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

export type Parameters = Readonly<Record<string, string | undefined>>

/** An answer of an endpoint for programs, as it came over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A relying app that can break every rule: it sends what a test says, and keeps what it needs to finish the flow. */
export interface Party {
  readonly id: string
  readonly secret: string
  /** a request in order, with changes; `undefined` leaves a parameter out */
  request(change?: Parameters): Promise<Request>
  /** What the redirect URI is told without anybody signing in. */
  answerTo(change: Parameters, citizen?: Citizen): Promise<URL>
  /** A whole login. */
  authorize(change?: Parameters, citizen?: Citizen): Promise<Authorized>
  exchange(authorized: Authorized, change?: Parameters): Promise<Answer>
  /** Login and exchange. */
  tokens(change?: Parameters, citizen?: Citizen): Promise<Tokens>
  refresh(token: string, change?: Parameters): Promise<Answer>
  /** Authenticated with HTTP Basic. */
  post(path: string, form: Parameters): Promise<Answer>
}

export interface Request {
  readonly parameters: URLSearchParams
  readonly verifier: string
  readonly url: URL
}

export interface Authorized extends Request {
  readonly answer: URL
}

export interface Tokens extends Authorized {
  readonly access_token: string
  readonly id_token: string
  readonly refresh_token: string
  readonly answerOfToken: Answer
}

/** What a test file plays on: an issuer over HTTP, and a relying app registered with it. */
export interface Scene {
  readonly stage: Stage
  readonly as: oauth.AuthorizationServer
  readonly party: Party
  addParty(change?: Record<string, unknown>): Promise<Party>
  /** Anonymous: no authentication is added. */
  send(path: string, init?: RequestInit): Promise<Answer>
}

const insecure = { [oauth.allowInsecureRequests]: true }

/** Opens a scene before the tests of the suite that calls this, and closes it after them. */
export function useScene(): Scene {
  const open = freshPostgres()
  let stage: Stage
  let as: oauth.AuthorizationServer
  let party: Party
  const addParty = async (change?: Record<string, unknown>) => {
    const { client_id: id, client_secret: secret } = await stage.addClient(change)
    return createParty(stage.issuer, id, secret)
  }
  beforeAll(async () => {
    stage = await openStage(await open())
    as = await oauth.processDiscoveryResponse(stage.issuer, await oauth.discoveryRequest(stage.issuer, insecure))
    party = await addParty()
  })
  afterAll(() => stage?.close())
  return {
    get stage() {
      return stage
    },
    get as() {
      return as
    },
    get party() {
      return party
    },
    addParty,
    send: (path, init) => send(stage.issuer, path, init),
  }
}

function createParty(issuer: URL, id: string, secret: string): Party {
  const post = (path: string, form: Parameters) =>
    send(issuer, path, {
      method: 'POST',
      body: new URLSearchParams(given(form)),
      headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    })

  async function request(change: Parameters = {}): Promise<Request> {
    const verifier = oauth.generateRandomCodeVerifier()
    const parameters = new URLSearchParams(
      given({
        client_id: id,
        redirect_uri: REDIRECT_URI,
        response_type: 'code',
        scope: 'openid',
        prompt: 'consent',
        state: randomBytes(16).toString('base64url'),
        nonce: randomBytes(16).toString('base64url'),
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...change,
      }),
    )
    return { parameters, verifier, url: new URL(`/authorize?${parameters}`, issuer) }
  }

  async function answerTo(change: Parameters, citizen = new Citizen(REDIRECT_URI)): Promise<URL> {
    const { url } = await citizen.get((await request(change)).url)
    expect(url.href.startsWith(REDIRECT_URI), `not sent back but to ${url.pathname}`).toBe(true)
    return url
  }

  async function authorize(change: Parameters = {}, citizen = new Citizen(REDIRECT_URI)): Promise<Authorized> {
    const sent = await request(change)
    return { ...sent, answer: await logIn(sent.url, { citizen }) }
  }

  const exchange = ({ answer, verifier }: Authorized, change: Parameters = {}) =>
    post('/token', {
      grant_type: 'authorization_code',
      code: answer.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
      ...change,
    })

  async function tokens(change?: Parameters, citizen?: Citizen): Promise<Tokens> {
    const authorized = await authorize(change, citizen)
    const answerOfToken = await exchange(authorized)
    expect(answerOfToken.body).toMatchObject({ access_token: expect.any(String) })
    const text = (name: string) => String(answerOfToken.body[name] ?? '')
    return {
      ...authorized,
      access_token: text('access_token'),
      id_token: text('id_token'),
      refresh_token: text('refresh_token'),
      answerOfToken,
    }
  }

  return {
    id,
    secret,
    request,
    answerTo,
    authorize,
    exchange,
    tokens,
    refresh: (token, change) => post('/token', { grant_type: 'refresh_token', refresh_token: token, ...change }),
    post,
  }
}

async function send(issuer: URL, path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(new URL(path, issuer), { redirect: 'manual', ...init })
  const text = await answer.text()
  const isJson = /json/.test(answer.headers.get('content-type') ?? '')
  return {
    status: answer.status,
    headers: answer.headers,
    body: isJson && text ? (JSON.parse(text) as Record<string, unknown>) : {},
  }
}

const given = (parameters: Parameters): [string, string][] =>
  Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))

/** The claims of a JWT whose signature the caller has checked or does not need. */
export function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

/** What a refusal looks like to a program. */
export const refusal = ({ status, body }: Answer): [number, unknown] => [status, body.error]
