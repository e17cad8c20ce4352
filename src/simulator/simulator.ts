import { readFile } from 'node:fs/promises'
import { answerControl, recordingOf, type Trust, trustOf } from './control.ts'
import { listen, refuse, type SimRequest, type SimResponse, serve, shut } from './http.ts'
import { makeIdTokenKey } from './id-token.ts'
import type { Persona } from './persona.ts'
import { PERSONAS } from './personas.ts'
import { makePki, type Pki } from './pki.ts'
import { answer } from './routes.ts'
import { type Endpoint, parseRules, type Rule } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { TOO_LARGE, UPLOAD_BYTES } from './uploads.ts'
import { type LogEntry, type SimulatorClient, World } from './world.ts'

const DAY_SECONDS = 86_400
/** `iss` of the official sample (digilocker-api.md §7) */
const SAMPLE_ISSUER = 'https://api.digitallocker.gov.in'

/** The client that is there when none is given. Its secret is public and good for nothing else. */
export const DEMO_CLIENT: SimulatorClient = {
  clientId: 'DWARDEMO',
  clientSecret: 'demo-only-not-a-secret',
  redirectUris: ['http://localhost:4000/callback/digilocker'],
  scopes: ['files.issueddocs', 'files.uploadeddocs', 'userdetails', 'picture', 'email', 'address', 'profile'],
  openid: false,
}

export interface SimulatorOptions {
  /** where the public port listens; default 127.0.0.1. The control port is on 127.0.0.1 always */
  readonly host?: string
  /** default 0, any free port */
  readonly port?: number
  readonly controlPort?: number
  /** default one, `DEMO_CLIENT` */
  readonly clients?: readonly SimulatorClient[]
  /** what is to go wrong, and who is there (scenario.ts: `readScenario`) */
  readonly scenario?: Scenario
  /** people besides those that come with it; one of the same id takes the place of that */
  readonly people?: readonly Persona[]
  /** default 4096; tests take 2048 to start faster */
  readonly rootBits?: 2048 | 4096
  /** a PKI made before, to share between simulators */
  readonly pki?: Pki
  /** `iss` of id_tokens; default that of the official sample */
  readonly idTokenIssuer?: string
  /** epoch seconds; default the system clock */
  readonly now?: () => number
}

export interface Simulator extends AsyncDisposable {
  readonly url: URL
  readonly controlUrl: URL
  readonly pki: Pki
  /** what `GET /control/trust` says */
  readonly trust: Trust
  /** Registers one more redirect URI. @throws RangeError when there is no such client */
  addRedirectUri(clientId: string, uri: string): void
  /** Replaces the quirks and faults in force. @throws RuleError */
  setFaults(rules: readonly Rule[]): void
  clearFaults(): void
  requestCounts(): Partial<Record<Endpoint, number>>
  requestLog(): readonly LogEntry[]
  /** As freshly started: faults, sessions, tokens and the log are gone, a scenario begins anew; keys and clients stay. */
  reset(): void
  /** What happened since the start or the last reset, as a scenario file that plays it again. */
  recording(): string
  close(): Promise<void>
}

/**
 * Starts a DigiLocker of one's own: real HTTP, real signatures, invented people, everything in memory.
 * The caller sees to it that this never happens in production.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const world = await makeWorld(options)
  const style = await readFile(new URL('./simulator.css', import.meta.url), 'utf8')
  const closing = new AbortController()
  const publicServer = serve(
    guarded((request) => answer(request, world, style, closing.signal), closing.signal),
    { '/public/oauth2/1/file/upload': { bytes: UPLOAD_BYTES, refusal: TOO_LARGE } },
  )
  const controlServer = serve(async (request) => answerControl(request, world))
  const host = options.host ?? '127.0.0.1'
  const port = await listen(publicServer, options.port ?? 0, host)
  const controlPort = await listen(controlServer, options.controlPort ?? 0, '127.0.0.1').catch(async (error) => {
    await shut(publicServer)
    throw error
  })
  const close = async () => {
    closing.abort()
    await Promise.all([shut(publicServer), shut(controlServer)])
  }
  return {
    url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`),
    controlUrl: new URL(`http://127.0.0.1:${controlPort}`),
    pki: world.pki,
    trust: trustOf(world),
    addRedirectUri: (clientId, uri) => addRedirectUri(world, clientId, uri),
    setFaults: (rules) => world.script.change(parseRules({ rules }, world.people)),
    clearFaults: () => world.script.change([]),
    requestCounts: () => world.requests().counts,
    requestLog: () => world.requests().log,
    reset: () => world.reset(),
    recording: () => recordingOf(world),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function makeWorld(options: SimulatorOptions): Promise<World> {
  const now = options.now ?? (() => Math.floor(Date.now() / 1000))
  const startedAt = now()
  const [pki, idTokenKey] = await Promise.all([
    options.pki ?? makePki({ rootBits: options.rootBits ?? 4096, now: new Date(startedAt * 1000) }),
    makeIdTokenKey(),
  ])
  const formerSigner = await pki.issueSigner({
    commonName: 'DS DIGILOCKER SIMULATOR',
    notBefore: new Date((startedAt - 1000 * DAY_SECONDS) * 1000),
    notAfter: new Date((startedAt - 20 * DAY_SECONDS) * 1000),
  })
  const idTokenIssuer = options.idTokenIssuer ?? SAMPLE_ISSUER
  const given = [...(options.scenario?.people ?? []), ...(options.people ?? [])]
  const own = [...new Map(given.map((person) => [person.id, person])).values()]
  const people = [...PERSONAS.filter(({ id }) => own.every((one) => one.id !== id)), ...own]
  return new World({
    people,
    clients: clientsOf(options),
    scenario: options.scenario,
    pki,
    formerSigner,
    idTokenKey,
    idTokenIssuer,
    now,
  })
}

/** Those of a scenario, and those given, which count where both name one. */
function clientsOf({ clients, scenario }: SimulatorOptions): SimulatorClient[] {
  const planned = (scenario?.clients ?? []).map((client) => ({ clientSecret: DEMO_CLIENT.clientSecret, ...client }))
  const given = clients ?? (planned.length > 0 ? [] : [DEMO_CLIENT])
  return [...new Map([...planned, ...given].map((client) => [client.clientId, client])).values()]
}

/** What goes wrong inside is the simulator's own fault and says so; delays cut short by closing say nothing. */
function guarded(
  handle: (request: SimRequest) => Promise<SimResponse>,
  closing: AbortSignal,
): (request: SimRequest) => Promise<SimResponse> {
  return async (request) => {
    try {
      return await handle(request)
    } catch (error) {
      if (closing.aborted) return refuse(503, 'unexpected_error', 'The simulator is closing.')
      process.emitWarning(error instanceof Error ? error : String(error))
      return refuse(500, 'unexpected_error', 'The simulator failed.')
    }
  }
}

function addRedirectUri(world: World, clientId: string, uri: string): void {
  const client = world.clients.get(clientId)
  if (client === undefined) throw new RangeError('no such client')
  if (!client.redirectUris.includes(uri)) client.redirectUris.push(uri)
}
