import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readPeople } from './people/read.ts'
import { DEMO_CLIENT, startSimulator } from './simulator.ts'
import type { SimulatorClient } from './world.ts'

const USAGE = `DigiLocker simulator: a stand-in for development and tests.

  --host <address>         public address to listen on (127.0.0.1)
  --port <number>          public port (4001)
  --control-port <number>  control port, on 127.0.0.1 only (4002)
  --client-id <id>         the client that may use it (${DEMO_CLIENT.clientId})
  --client-secret <text>   its secret (${DEMO_CLIENT.clientSecret})
  --redirect-uri <url>     where it may send people back, once for each (${DEMO_CLIENT.redirectUris[0]})
  --openid                 the client has openid enabled, so it uses version 2 of the token endpoint
  --people <file>          people of your own, in YAML (people/people.yaml shows the shape)
  --help`

const OPTIONS = {
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '4001' },
  'control-port': { type: 'string', default: '4002' },
  'client-id': { type: 'string', default: DEMO_CLIENT.clientId },
  'client-secret': { type: 'string', default: DEMO_CLIENT.clientSecret },
  'redirect-uri': { type: 'string', multiple: true, default: DEMO_CLIENT.redirectUris },
  openid: { type: 'boolean', default: false },
  people: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

// a wrong option or a port in use is the caller's to mend: the message says it, a stack would not
await main().catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)))

async function main(): Promise<void> {
  if (process.env.NODE_ENV === 'production') return fail('the simulator does not start when NODE_ENV is production')
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return print(USAGE)
  const port = portOf(values.port)
  const controlPort = portOf(values['control-port'])
  if (port === undefined || controlPort === undefined) return fail('a port is a whole number from 0 to 65535')
  const people = values.people === undefined ? [] : readPeople(readFileSync(values.people, 'utf8'))
  const simulator = await startSimulator({ host: values.host, port, controlPort, clients: [clientOf(values)], people })
  print(`DigiLocker simulator (not the real DigiLocker) at ${simulator.url.origin}`)
  print(`Control port at ${simulator.controlUrl.origin}/control/personas`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close())
}

function clientOf(values: {
  'client-id': string
  'client-secret': string
  'redirect-uri': string[]
  openid: boolean
}): SimulatorClient {
  return {
    clientId: values['client-id'],
    clientSecret: values['client-secret'],
    redirectUris: values['redirect-uri'],
    scopes: values.openid ? ['openid', ...DEMO_CLIENT.scopes] : DEMO_CLIENT.scopes,
    openid: values.openid,
  }
}

function portOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`)
  process.exitCode = 1
}
