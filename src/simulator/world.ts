import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Device } from './device.ts'
import { type LockerDocument, lockerOf, pullableOf } from './documents.ts'
import { ExpiringMap } from './expiring-map.ts'
import type { IdTokenKey } from './id-token.ts'
import type { Persona } from './persona.ts'
import { makePki, type Pki, type Signer } from './pki.ts'
import { type Endpoint, type QuirkRule, Rules } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { Script } from './script.ts'
import { broughtAlong, Shelf, type UploadedFile } from './shelf.ts'

const CODE_SECONDS = 30 // digilocker-api.md §4.1: undocumented, the PHP library it resembles uses 30
const TOKEN_SECONDS = 3600
const FLOW_SECONDS = 900
const BROWSER_SECONDS = 8 * 3600
const LOG_LIMIT = 1000

/** What the partner portal fixes for a client. */
export interface SimulatorClient {
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUris: string[]
  /** scopes that may be asked for; all are granted when a request names none */
  readonly scopes: string[]
  /** openid ticked in the portal: `/2/token` only. Otherwise `/1/token` only (digilocker-api.md §6.1) */
  readonly openid: boolean
  /** doctypes approved for `req_doctype`; default all that the simulator knows */
  readonly doctypes?: string[]
}

/** One journey of a browser from authorize to the redirect back. */
export interface Flow {
  readonly id: string
  readonly browser: string
  readonly client: SimulatorClient
  readonly redirectUri: string
  readonly state: string
  readonly codeChallenge: string
  readonly scopes: readonly string[]
  readonly purpose: string
  readonly serviceName: string
  readonly acr: readonly string[]
  readonly doctypes: readonly string[] | undefined
  readonly consentValidTill: number
  persona: Persona | undefined
  quirks: readonly QuirkRule[]
  authenticatedAt: number
  wrongPins: number
}

/** Neither by type nor by scope. That a narrower scope narrows this page is inferred (digilocker-api.md §5). */
export const asksForNoDocument = ({ doctypes, scopes }: Pick<Flow, 'doctypes' | 'scopes'>): boolean =>
  doctypes === undefined && !scopes.includes('files.issueddocs')

/** What a citizen agreed to. Revoking it ends every token that hangs on it. */
export interface Grant {
  readonly client: SimulatorClient
  readonly persona: Persona
  /** the granted scope string, split: holds `issued/<uri>` for each consented document (digilocker-api.md §5) */
  scopes: readonly string[]
  readonly purpose: string
  readonly acr: readonly string[]
  readonly authenticatedAt: number
  /** epoch seconds */
  readonly consentValidTill: number
  /** odd behaviour asked for at the sign-in, for this grant alone */
  readonly quirks: readonly QuirkRule[]
  revoked: boolean
}

export interface CodeEntry {
  readonly grant: Grant
  readonly redirectUri: string
  readonly codeChallenge: string
}

export interface LogEntry {
  /** epoch seconds */
  readonly at: number
  readonly endpoint: Endpoint
  readonly status: number
  readonly doctype?: string
}

/** Signers that must not be trusted, made when first asked for: key generation is slow. */
interface Forgers {
  impostor?: Promise<Signer>
  otherCompany?: Promise<Signer>
}

/** All state of one simulator, in memory and bounded. Ids and tokens are random; time comes from the clock given. */
export class World {
  readonly rules = new Rules()
  /** plays the scenario, if there is one, and records */
  readonly script: Script
  readonly clients: Map<string, SimulatorClient>
  readonly people: readonly Persona[]
  readonly pki: Pki
  /** listed as trusted, and expired */
  readonly formerSigner: Signer
  readonly idTokenKey: IdTokenKey
  readonly idTokenIssuer: string
  readonly now: () => number
  readonly #flows: ExpiringMap<Flow>
  readonly #browsers: ExpiringMap<Persona>
  readonly #codes: ExpiringMap<CodeEntry>
  readonly #accessTokens: ExpiringMap<Grant>
  readonly #refreshTokens: ExpiringMap<Grant>
  readonly #devices: ExpiringMap<Device>
  readonly #shelf = new Shelf()
  readonly #forgers: Forgers = {}
  readonly #pulled = new Map<string, Set<string>>()
  readonly #expected = new Map<string, { document: LockerDocument; grant: Grant }>()
  #log: LogEntry[] = []
  #counts = new Map<Endpoint, number>()

  constructor(parts: {
    people: readonly Persona[]
    clients: readonly SimulatorClient[]
    pki: Pki
    formerSigner: Signer
    idTokenKey: IdTokenKey
    idTokenIssuer: string
    now: () => number
    scenario?: Scenario | undefined
  }) {
    this.script = new Script(this.rules, parts.scenario)
    this.clients = new Map(parts.clients.map((client) => [client.clientId, structuredClone(client)]))
    this.people = parts.people
    this.pki = parts.pki
    this.formerSigner = parts.formerSigner
    this.idTokenKey = parts.idTokenKey
    this.idTokenIssuer = parts.idTokenIssuer
    this.now = parts.now
    this.#flows = new ExpiringMap(parts.now)
    this.#browsers = new ExpiringMap(parts.now)
    this.#codes = new ExpiringMap(parts.now)
    this.#accessTokens = new ExpiringMap(parts.now)
    this.#refreshTokens = new ExpiringMap(parts.now)
    this.#devices = new ExpiringMap(parts.now)
  }

  /** What is in the locker now: also what was pulled into it since the start. */
  locker(persona: Persona): LockerDocument[] {
    const pulled = this.#pulled.get(persona.id)
    const there = pullableOf(persona, this.now()).filter(({ uri }) => pulled?.has(uri))
    return [...lockerOf(persona, this.now()), ...there]
  }

  /** Documents that the issuer has of this persona and that are not in the locker. */
  pullable(persona: Persona): LockerDocument[] {
    const pulled = this.#pulled.get(persona.id)
    return pullableOf(persona, this.now()).filter(({ uri }) => !pulled?.has(uri))
  }

  pull(persona: Persona, document: LockerDocument): void {
    const pulled = this.#pulled.get(persona.id) ?? new Set()
    this.#pulled.set(persona.id, pulled.add(document.uri))
  }

  /** Its office looks by hand, and is done at the next look into the list. */
  expect(document: LockerDocument, grant: Grant): void {
    this.#expected.set(document.uri, { document, grant })
  }

  /** What offices that look by hand have come to put into this person's locker. */
  deliver(persona: Persona): void {
    for (const [uri, { document, grant }] of this.#expected) {
      if (grant.persona.id !== persona.id) continue
      this.#expected.delete(uri)
      this.pull(persona, document)
      grant.scopes = [...grant.scopes, `issued/${uri}`]
    }
  }

  /** What is in her locker that she put there herself. What came in over the API takes the place of the same path. */
  uploads(persona: Persona): UploadedFile[] {
    const since = this.#shelf.of(persona.id)
    const before = broughtAlong(persona).filter(({ path }) => since.every((file) => file.path !== path))
    return [...before, ...since]
  }

  upload(persona: Persona, file: UploadedFile): void {
    this.#shelf.put(persona.id, file)
  }

  startFlow(
    asked: Omit<Flow, 'id' | 'persona' | 'quirks' | 'authenticatedAt' | 'wrongPins'>,
    signedIn: Persona | undefined,
  ): Flow {
    const flow: Flow = {
      ...asked,
      id: randomHex(16),
      persona: signedIn,
      quirks: [],
      authenticatedAt: this.now(),
      wrongPins: 0,
    }
    this.#flows.set(flow.id, flow, this.now() + FLOW_SECONDS)
    return flow
  }

  /** The journey, only for the browser that began it. */
  findFlow(id: string | undefined, browser: string | undefined): Flow | undefined {
    const flow = this.#flows.get(id ?? '')
    return flow?.browser === browser ? flow : undefined
  }

  endFlow(flow: Flow): void {
    this.#flows.take(flow.id)
  }

  /** DigiLocker's own single sign-on: a browser that signed in stays so until it logs out. */
  rememberBrowser(browser: string, persona: Persona): void {
    this.#browsers.set(browser, persona, this.now() + BROWSER_SECONDS)
  }

  signedInOn(browser: string): Persona | undefined {
    return this.#browsers.get(browser)
  }

  forgetBrowser(browser: string): void {
    this.#browsers.take(browser)
  }

  issueCode(entry: CodeEntry): string {
    const code = randomHex(20)
    this.#codes.set(digest(code), entry, this.now() + CODE_SECONDS)
    return code
  }

  findCode(code: string): CodeEntry | undefined {
    return this.#codes.get(digest(code))
  }

  /** Single use: whoever comes second, or late, gets nothing. */
  redeemCode(code: string): CodeEntry | undefined {
    return this.#codes.take(digest(code))
  }

  issueAccessToken(grant: Grant): { token: string; expiresIn: number } {
    const token = randomHex(20)
    const expiresAt = Math.min(this.now() + TOKEN_SECONDS, grant.consentValidTill)
    this.#accessTokens.set(digest(token), grant, expiresAt)
    return { token, expiresIn: expiresAt - this.now() }
  }

  issueRefreshToken(grant: Grant): string {
    const token = randomHex(20)
    this.#refreshTokens.set(digest(token), grant, grant.consentValidTill)
    return token
  }

  findByAccessToken(token: string): Grant | undefined {
    return unlessRevoked(this.#accessTokens.get(digest(token)))
  }

  findByRefreshToken(token: string): Grant | undefined {
    return unlessRevoked(this.#refreshTokens.get(digest(token)))
  }

  retireRefreshToken(token: string): void {
    this.#refreshTokens.take(digest(token))
  }

  issueDeviceCode(device: Device, lifetimeSeconds: number): string {
    const code = randomHex(20)
    this.#devices.set(digest(code), device, this.now() + lifetimeSeconds)
    return code
  }

  findDevice(code: string): Device | undefined {
    return this.#devices.get(digest(code))
  }

  takeDevice(code: string): Device | undefined {
    return this.#devices.take(digest(code))
  }

  /** Copies every name of the genuine chain, under keys of its own. */
  impostor(): Promise<Signer> {
    const at = new Date(this.now() * 1000)
    this.#forgers.impostor ??= makePki({ rootBits: 2048, now: at }).then(({ signer }) => signer)
    return this.#forgers.impostor
  }

  otherCompany(): Promise<Signer> {
    const names = { commonName: 'DS SOME OTHER COMPANY 1', organization: 'SOME OTHER COMPANY PRIVATE LIMITED' }
    this.#forgers.otherCompany ??= this.pki.issueSigner(names)
    return this.#forgers.otherCompany
  }

  record(entry: Omit<LogEntry, 'at'>): void {
    this.#counts.set(entry.endpoint, (this.#counts.get(entry.endpoint) ?? 0) + 1)
    this.#log = [...this.#log.slice(1 - LOG_LIMIT), { at: this.now(), ...entry }]
    const { endpoint, doctype, status } = entry
    const call = doctype === undefined ? `${endpoint} ${status}` : `${endpoint} ${doctype} ${status}`
    this.script.called(call, Object.fromEntries(this.#counts))
  }

  requests(): { counts: Partial<Record<Endpoint, number>>; log: readonly LogEntry[] } {
    return { counts: Object.fromEntries(this.#counts), log: this.#log }
  }

  /** As freshly started: rules, sessions, codes, tokens and the log are gone, a scenario begins anew; keys and clients stay. */
  reset(): void {
    this.script.start()
    for (const map of [
      this.#flows,
      this.#browsers,
      this.#codes,
      this.#accessTokens,
      this.#refreshTokens,
      this.#devices,
    ])
      map.clear()
    this.#shelf.clear()
    this.#pulled.clear()
    this.#expected.clear()
    this.#log = []
    this.#counts.clear()
  }
}

export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')
export const newUuid = (): string => randomUUID()
const digest = (token: string) => createHash('sha256').update(token).digest('hex')
const unlessRevoked = (grant: Grant | undefined) => (grant?.revoked ? undefined : grant)
