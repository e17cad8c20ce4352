import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { PeopleError, readPeople } from './people/read.ts'
import { readScenario, type Scenario, ScenarioError } from './scenario.ts'
import { DEMO_CLIENT, type Simulator, startSimulator } from './simulator.ts'
import type { SimulatorClient } from './world.ts'

const USAGE = `DigiLocker simulator: a stand-in for development and tests.

  --host <address>         public address to listen on (127.0.0.1)
  --port <number>          public port (4002)
  --control-port <number>  control port, on 127.0.0.1 only (4003)
  --client-id <id>         the client that may use it (${DEMO_CLIENT.clientId})
  --client-secret <text>   its secret (${DEMO_CLIENT.clientSecret})
  --redirect-uri <url>     where it may send people back, once for each (${DEMO_CLIENT.redirectUris[0]})
  --openid                 the client has openid enabled, so it uses version 2 of the token endpoint
  --people <file>          people of your own, in YAML (people/people.yaml shows the shape)
  --scenario <file>        what is to go wrong, in which order (scenarios/ has one; GET /control/scenario records one)
  --help`

const OPTIONS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '4002' },
  'control-port': { type: 'string', default: '4003' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'string' },
  'redirect-uri': { type: 'string', multiple: true },
  openid: { type: 'boolean' },
  people: { type: 'string' },
  scenario: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parse>

/** A wrong option: the message says it, a stack would not. */
export class UsageError extends Error {}

/**
 * The program, for whoever has arguments: `main.ts`, or another command line that has it as a command.
 * @param say takes a line for the person who started it
 * @returns undefined when there was only something to say
 * @throws UsageError also for a file that cannot be read or is wrong, and a port that cannot be had
 */
export async function runSimulator(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<Simulator | undefined> {
  if (env.NODE_ENV === 'production') throw new UsageError('the simulator does not start when NODE_ENV is production')
  const values = parse(args)
  if (values.help) return void say(USAGE)
  const simulator = await start(values).catch((error: unknown) => {
    throw isForTheCaller(error) ? new UsageError(error.message) : error
  })
  say(`DigiLocker simulator (not the real DigiLocker) at ${simulator.url.origin}`)
  say(`Control port at ${simulator.controlUrl.origin}/control/personas`)
  return simulator
}

async function start(values: Values): Promise<Simulator> {
  const scenario = values.scenario === undefined ? undefined : scenarioFrom(values.scenario)
  const client = clientFrom(values, scenario)
  return startSimulator({
    host: values.host,
    port: portOf(values.port),
    controlPort: portOf(values['control-port']),
    ...(client && { clients: [client] }),
    people: values.people === undefined ? [] : readPeople(readFileSync(values.people, 'utf8')),
    ...(scenario && { scenario }),
  })
}

/** What is wrong with a file, and what the system says of a file or a port. */
function isForTheCaller(error: unknown): error is Error {
  return (
    error instanceof PeopleError || error instanceof ScenarioError || (error instanceof Error && 'syscall' in error)
  )
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** A file of people that it names lies beside it. */
function scenarioFrom(file: string): Scenario {
  return readScenario(readFileSync(file, 'utf8'), (name) =>
    readFileSync(path.resolve(path.dirname(file), name), 'utf8'),
  )
}

/** What is said here, over what the scenario says of that client, over the demo’s. Undefined when nothing is said. */
function clientFrom(values: Values, scenario: Scenario | undefined): SimulatorClient | undefined {
  const { 'client-id': clientId, 'client-secret': clientSecret, 'redirect-uri': redirectUris, openid } = values
  if ([clientId, clientSecret, redirectUris, openid].every((value) => value === undefined)) return undefined
  const known = scenario?.clients?.find((client) => client.clientId === (clientId ?? DEMO_CLIENT.clientId))
  return {
    ...DEMO_CLIENT,
    ...known,
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(redirectUris && { redirectUris }),
    ...(openid && {
      openid,
      scopes: ['openid', ...(known ?? DEMO_CLIENT).scopes.filter((scope) => scope !== 'openid')],
    }),
  }
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new UsageError('a port is a whole number from 0 to 65535')
}
