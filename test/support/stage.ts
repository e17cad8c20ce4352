import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import type { Database } from '../../adapters/database.ts'
import type { ClientWithSecret } from '../../src/admin/clients.ts'
import { type App, createApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config/config.ts'
import { parseTrust, TrustStore } from '../../src/documents/trust/trust.ts'
import { createLog } from '../../src/log.ts'
import { listen } from '../../src/server.ts'
import type { Pki } from '../../src/simulator/pki.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { Citizen, type Page } from './citizen.ts'
import { testPki } from './pki.ts'
import { judgeWhatIsTold } from './told.ts'

export const UPSTREAM = { clientId: 'TESTPARTNER', clientSecret: 'an-upstream-secret-for-tests' }
export const REDIRECT_URI = 'https://shop.example/callback'

/** The whole product on real parts: issuer over HTTP, database, simulator. */
export interface Stage {
  readonly issuer: URL
  readonly app: App
  readonly config: Config
  readonly simulator: Simulator
  readonly database: Database
  /** every log line at debug level, as text */
  readonly logs: () => string
  addClient(
    change?: Record<string, unknown>,
    id?: string,
  ): Promise<ClientWithSecret & { readonly client_secret: string }>
  close(): Promise<void>
}

export interface StageOptions {
  readonly env?: Record<string, string>
  readonly clock?: () => number
  /** several issuers over one database and one simulator share these */
  readonly secrets?: Record<string, string>
  readonly simulator?: Simulator
  /** how long a second of the jobs' clocks takes: for those who wait for a job */
  readonly jobSecondMs?: number
}

let pki: Promise<Pki> | undefined

/** One PKI for a test file. */
export function sharedPki(): Promise<Pki> {
  pki ??= testPki()
  return pki
}

export function newSecrets(): Record<string, string> {
  return {
    DWAR_VAULT_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    DWAR_INDEX_SECRET: randomBytes(32).toString('base64'),
    DWAR_COOKIE_KEYS: randomBytes(32).toString('base64url'),
  }
}

export async function openStage(database: Database, options: StageOptions = {}): Promise<Stage> {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  let handle: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) =>
    response.writeHead(503).end()
  const listening = await listen((request, response) => handle(request, response), { host: '127.0.0.1', port: 0 })
  const issuer = new URL(`http://localhost:${listening.port}`)
  const simulator =
    options.simulator ??
    (await startSimulator({
      pki: await sharedPki(),
      clients: [
        {
          ...UPSTREAM,
          redirectUris: [],
          scopes: ['files.issueddocs', 'userdetails', 'picture', 'email'],
          openid: false,
        },
      ],
    }))
  simulator.addRedirectUri(UPSTREAM.clientId, new URL('/callback/digilocker', issuer).href)
  const config = readConfig({
    ...(options.secrets ?? newSecrets()),
    DWAR_ENV: 'test',
    DWAR_ISSUER: issuer.origin,
    DWAR_LOG_LEVEL: 'debug',
    DWAR_RATE_LIMITS: 'off', // everything in a test comes from one address
    DIGILOCKER_BASE_URL: simulator.url.origin,
    DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
    DIGILOCKER_CLIENT_SECRET: UPSTREAM.clientSecret,
    ...options.env,
  })
  const trust = new TrustStore([parseTrust(simulator.trust, 'simulator')])
  const app = await createApp(config, createLog('debug', sink), {
    database,
    trust,
    ...(options.clock && { clock: options.clock }),
    ...(options.jobSecondMs && { jobSecondMs: options.jobSecondMs }),
  })
  const judged = judgeWhatIsTold(app.handle)
  handle = judged.handle
  return {
    issuer,
    app,
    config,
    simulator,
    database,
    logs: () => lines.join(''),
    async addClient(change = {}, id) {
      const added = await app.clients.add({ ...registration, ...change }, id)
      return { ...added, client_secret: added.client_secret ?? '' }
    },
    async close() {
      await listening.close(500)
      await app.close()
      if (!options.simulator) await simulator.close()
      if (judged.breaches.length > 0) throw new Error(judged.breaches.join('\n'))
    },
  }
}

export const registration = {
  client_name: 'Test Shop',
  redirect_uris: [REDIRECT_URI],
  post_logout_redirect_uris: ['https://shop.example/bye'],
  scope: 'openid offline_access profile address phone email driving_licence pan aadhaar age_over_18',
  dwar: {
    purpose: { en: 'To check who rents a scooter', hi: 'किराये की जाँच के लिए' },
    optional: ['address', 'phone_number', 'email', 'gender'],
  },
}

/** PINs are printed on the simulator's own page; tests read them there, as a person would. */
export function pinOf(page: Page, persona: string): string {
  const at = page.html.indexOf(`value="${persona}"`)
  const pin = /PIN <code>(\d{6})<\/code>/.exec(page.html.slice(at))?.[1]
  if (at < 0 || !pin) throw new Error(`no persona ${persona} on the sign-in page`)
  return pin
}

/** From our start page to where the simulator sends the person back: our consent screen, or a refusal. */
export async function signInAtDigiLocker(
  citizen: Citizen,
  start: Page,
  persona: string,
  decision: 'Allow' | 'Deny' = 'Allow',
): Promise<Page> {
  const first = await citizen.submit(start, /continue/i)
  const asksWho = first.forms.some(({ buttons }) => buttons.some(({ text }) => /Sign in/.test(text)))
  // Whoever is still signed in over there is asked for her permission alone.
  const consent = asksWho
    ? await citizen.submit(first, /Sign in/, [
        ['persona', persona],
        ['pin', pinOf(first, persona)],
      ])
    : first
  return citizen.submit(consent, new RegExp(`^${decision}$`))
}

/** A whole login as a person does it. @returns where the relying app is called back */
export async function logIn(
  authorizationUrl: URL,
  options: { persona?: string; share?: readonly string[]; citizen?: Citizen; redirectUri?: string } = {},
): Promise<URL> {
  const citizen = options.citizen ?? new Citizen(options.redirectUri ?? REDIRECT_URI)
  const start = await citizen.get(authorizationUrl)
  const consent = await signInAtDigiLocker(citizen, start, options.persona ?? 'asha')
  const done = await citizen.submit(
    consent,
    /^share$/,
    (options.share ?? []).map((claim) => ['share', claim] as const),
  )
  return done.url
}
