import { createHash, randomBytes } from 'node:crypto'
import { request } from 'undici'
import { Citizen } from '../test/support/citizen.ts'
import { logIn } from '../test/support/stage.ts'
import type { Act } from './measure.ts'
import type { Ready } from './servers/server.ts'

/** What a relying app and its people do to an issuer. Order matters: a login leaves the tokens that others use. */
export const OPERATIONS = [
  'login',
  'login, documents',
  'userinfo',
  'introspection',
  'refresh',
  'sign in again',
  'code exchange',
] as const
export type Operation = (typeof OPERATIONS)[number]

export const REDIRECT_URI = 'https://shop.example/callback'

/** Nobody's document is needed for a telephone number: what is measured is the login itself. */
const SCOPES = 'openid offline_access phone'
const SCOPES_WITH_DOCUMENTS = 'openid offline_access profile driving_licence pan'
/** Without offline access, which needs consent anew each time. */
const SCOPES_AGAIN = 'openid phone'
/** With Aadhaar linked, and with a licence and a PAN in XML: those whose every login succeeds. */
const PERSONAS = ['asha', 'charu', 'meenakshi', 'george'] as const

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

interface Endpoints {
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly userinfo_endpoint: string
  readonly introspection_endpoint: string
}

interface Code {
  readonly code: string
  readonly verifier: string
}

/** One of those who act at the same time: a person with a browser, and the app's tokens for that person. */
interface Seat {
  readonly persona: string
  tokens: Tokens | undefined
  /** a browser that is signed in */
  browser: Citizen | undefined
  readonly codes: Code[]
}

export interface DriverOptions {
  readonly seats: number
  /** the bare engine signs people in by itself; Dwar sends them to the simulator and asks for consent */
  readonly asksPeople: boolean
}

/** The baseline's in-memory adapter keeps 1,000 rows and forgets the oldest; a code it forgot would count as a failure. */
const MOST_CODES = 400

/** Plays all relying apps and all people of one issuer, checking that each answer is a success. */
export class Driver {
  readonly #endpoints: Endpoints
  readonly #client: Ready
  readonly #authorization: string
  readonly #asksPeople: boolean
  readonly #seats: readonly Seat[]

  static async open(client: Ready, options: DriverOptions): Promise<Driver> {
    const { body } = await request(`${client.issuer}/.well-known/openid-configuration`)
    return new Driver(client, (await body.json()) as Endpoints, options)
  }

  private constructor(client: Ready, endpoints: Endpoints, { seats, asksPeople }: DriverOptions) {
    this.#client = client
    this.#endpoints = endpoints
    this.#asksPeople = asksPeople
    this.#authorization = `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`
    this.#seats = Array.from({ length: seats }, (_, at) => ({
      persona: PERSONAS[at % PERSONAS.length] ?? PERSONAS[0],
      tokens: undefined,
      browser: undefined,
      codes: [],
    }))
  }

  /** The baseline releases no documents: there is nothing to compare with. */
  can(operation: Operation): boolean {
    return this.#asksPeople || operation !== 'login, documents'
  }

  /** Brings about what the operation starts from; not part of what is measured. @param count of operations to be ready for */
  async prepare(operation: Operation, count: number): Promise<void> {
    await Promise.all(
      this.#seats.map(async (seat) => {
        if (operation === 'sign in again' || operation === 'code exchange') await this.#ensureSession(seat)
        if (operation === 'code exchange')
          await this.#stock(seat, Math.ceil(Math.min(count, MOST_CODES) / this.#seats.length))
        if (operation === 'userinfo' || operation === 'introspection' || operation === 'refresh')
          seat.tokens ??= await this.#logIn(seat, SCOPES)
      }),
    )
  }

  /** The operation as a function of the seat that does it. */
  act(operation: Operation): Act {
    const acts: Record<Operation, (seat: Seat) => Promise<unknown>> = {
      login: async (seat) => {
        seat.tokens = await this.#logIn(seat, SCOPES)
      },
      'login, documents': (seat) => this.#logIn(seat, SCOPES_WITH_DOCUMENTS),
      userinfo: (seat) => this.#readUserinfo(tokensOf(seat)),
      introspection: (seat) => this.#introspect(tokensOf(seat)),
      refresh: async (seat) => {
        seat.tokens = await this.#refresh(tokensOf(seat))
      },
      'sign in again': async (seat) => this.#exchange(await this.#authorizeAgain(seat)),
      'code exchange': async (seat) => {
        const code = seat.codes.pop()
        return code ? this.#exchange(code) : OUT_OF_STOCK
      },
    }
    return async (at) => {
      const seat = this.#seats[at]
      if (!seat) throw new RangeError(`there is no seat ${at}`)
      return (await acts[operation](seat)) !== OUT_OF_STOCK
    }
  }

  async #ensureSession(seat: Seat): Promise<void> {
    if (seat.browser) return
    seat.browser = new Citizen(REDIRECT_URI)
    await this.#logIn(seat, SCOPES_AGAIN, seat.browser)
  }

  async #stock(seat: Seat, count: number): Promise<void> {
    seat.codes.length = 0 // what an earlier round left may have expired
    while (seat.codes.length < count) seat.codes.push(await this.#authorizeAgain(seat))
  }

  async #logIn(seat: Seat, scope: string, citizen = new Citizen(REDIRECT_URI)): Promise<Tokens> {
    const verifier = randomBytes(32).toString('base64url')
    const url = this.#authorizationUrl({ scope, prompt: 'consent' }, verifier)
    const callback = this.#asksPeople
      ? await logIn(url, { citizen, persona: seat.persona, redirectUri: REDIRECT_URI })
      : (await citizen.get(url)).url
    return this.#exchange({ code: codeOf(callback), verifier })
  }

  async #authorizeAgain(seat: Seat): Promise<Code> {
    const verifier = randomBytes(32).toString('base64url')
    const citizen = seat.browser ?? new Citizen(REDIRECT_URI)
    const { url } = await citizen.get(this.#authorizationUrl({ scope: SCOPES_AGAIN }, verifier))
    return { code: codeOf(url), verifier }
  }

  #authorizationUrl(parameters: Readonly<Record<string, string>>, verifier: string): URL {
    const url = new URL(this.#endpoints.authorization_endpoint)
    url.search = new URLSearchParams({
      client_id: this.#client.clientId,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: randomBytes(16).toString('base64url'),
      nonce: randomBytes(16).toString('base64url'),
      ...parameters,
    }).toString()
    return url
  }

  #exchange({ code, verifier }: Code): Promise<Tokens> {
    return this.#post<Tokens>(this.#endpoints.token_endpoint, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: REDIRECT_URI,
    })
  }

  async #refresh({ refresh_token = '' }: Tokens): Promise<Tokens> {
    const rotated = await this.#post<Tokens>(this.#endpoints.token_endpoint, {
      grant_type: 'refresh_token',
      refresh_token,
    })
    if (!rotated.refresh_token || rotated.refresh_token === refresh_token) throw new Error('refresh did not rotate')
    return rotated
  }

  async #introspect({ access_token }: Tokens): Promise<void> {
    const { active } = await this.#post<{ active: boolean }>(this.#endpoints.introspection_endpoint, {
      token: access_token,
    })
    if (!active) throw new Error('introspection: the token is not active')
  }

  async #readUserinfo({ access_token }: Tokens): Promise<void> {
    const claims = await read<{ sub?: string; phone_number?: string }>(
      await request(this.#endpoints.userinfo_endpoint, { headers: { authorization: `Bearer ${access_token}` } }),
      'userinfo',
    )
    if (!claims.sub || !claims.phone_number) throw new Error('userinfo: a claim is missing')
  }

  async #post<T>(endpoint: string, form: Readonly<Record<string, string>>): Promise<T> {
    const response = await request(endpoint, {
      method: 'POST',
      headers: { authorization: this.#authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
    return read<T>(response, form.grant_type ?? 'introspection')
  }
}

const OUT_OF_STOCK = Symbol('out of stock')

async function read<T>({ statusCode, body }: Awaited<ReturnType<typeof request>>, what: string): Promise<T> {
  const answer = await body.json()
  if (statusCode === 200) return answer as T
  throw new Error(`${what}: status ${statusCode}, ${(answer as { error?: string }).error ?? 'no error code'}`)
}

function codeOf(callback: URL): string {
  const code = callback.searchParams.get('code')
  if (code) return code
  throw new Error(`authorization: no code, ${callback.searchParams.get('error') ?? `stopped at ${callback.pathname}`}`)
}

function tokensOf({ tokens }: Seat): Tokens {
  if (tokens) return tokens
  throw new Error('a login must come before what its tokens are for')
}
