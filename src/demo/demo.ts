import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { parseEnv } from 'node:util'
import type { ClientAdmin } from '../admin/clients.ts'
import { type Served, serve } from '../cli/serve.ts'
import { readConfig } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../log.ts'
import { startSimulator } from '../simulator/simulator.ts'
import { startRelyingApp } from './relying-app/relying-app.ts'

export interface DemoOptions {
  /** issuer, demo shop, simulator and its control port take this port and the three after it */
  readonly firstPort: number
  /** absolute path; made if it does not exist */
  readonly folder: string
  readonly env: Env
  readonly say: (sentence: string) => void
}

export interface Demo {
  readonly issuer: URL
  readonly shop: URL
  stop(): Promise<void>
}

const CLIENT_ID = 'demo-shop'
const ENV_FILE = 'demo.env'

/** Brings up issuer, embedded database, simulator and demo shop, and says what to click. Everything stays on this machine. */
export async function startDemo({ firstPort, folder, env, say }: DemoOptions): Promise<Demo> {
  const started = performance.now()
  prepareFolder(folder)
  say('Starting Dwar: issuer, embedded database, DigiLocker simulator and a demo shop ...')
  const [issuerPort, shopPort, simulatorPort, controlPort] = [firstPort, firstPort + 1, firstPort + 2, firstPort + 3]
  await refuseTakenPorts([issuerPort, shopPort, simulatorPort, controlPort])
  const issuer = new URL(`http://localhost:${issuerPort}`)
  const closers: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const close of closers.toReversed()) await close()
  }
  try {
    const simulator = await startSimulator({
      port: simulatorPort,
      controlPort,
      clients: [{ ...upstreamClient, redirectUris: [new URL('/callback/digilocker', issuer).href] }],
    })
    closers.push(() => simulator.close())
    const trustFile = path.join(folder, 'simulator-trust.json')
    writeFileSync(trustFile, await (await fetch(new URL('/control/trust', simulator.controlUrl))).text())
    const settings = writeEnv(path.join(folder, ENV_FILE), demoEnv(env, folder, issuer, simulator.url, trustFile))
    const served = await serve(readConfig(settings), createLog(env.DWAR_LOG_LEVEL ?? 'warn'))
    closers.push(() => served.stop())
    const shop = await startShop(served, issuer, shopPort)
    closers.push(() => shop.close())
    say(welcome(shop.url, issuer, simulator.url, (performance.now() - started) / 1000))
    return { issuer, shop: shop.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Asked before anything is started, so that the answer comes at once. */
async function refuseTakenPorts(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const probe = createServer()
    const taken = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(true))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)))
    })
    if (taken)
      throw new AppError(
        'PORT_IN_USE',
        `Port ${port} is in use by another program. Stop that program, or choose other ports: npm start -- --port 5000`,
      )
  }
}

const upstreamClient = {
  clientId: 'DWARDEMO',
  clientSecret: 'demo-upstream-secret-for-the-simulator-only',
  scopes: ['files.issueddocs', 'userdetails', 'picture', 'email'],
  openid: false,
}

function demoEnv(env: Env, folder: string, issuer: URL, simulator: URL, trustFile: string): Env {
  return {
    DWAR_LOG_LEVEL: env.DWAR_LOG_LEVEL ?? 'warn',
    ...demoSecrets(path.join(folder, ENV_FILE)),
    DWAR_ENV: 'demo',
    DWAR_ISSUER: issuer.origin,
    DWAR_HOST: '127.0.0.1',
    DWAR_PORT: issuer.port,
    DWAR_DATABASE_URL: `pglite:${path.join(folder, 'database')}`,
    DWAR_TRUST_FILES: trustFile,
    DWAR_CONTACT: 'privacy@dwar.example',
    DIGILOCKER_BASE_URL: simulator.origin,
    DIGILOCKER_CLIENT_ID: upstreamClient.clientId,
    DIGILOCKER_CLIENT_SECRET: upstreamClient.clientSecret,
    DIGILOCKER_SERVICE_NAME: 'Dwar demo',
    DIGILOCKER_SCOPES: 'files.issueddocs,userdetails,email',
    DIGILOCKER_PULL: 'DRVLC=002202,PANCR=001891',
  }
}

const SECRETS = ['DWAR_VAULT_KEYS', 'DWAR_INDEX_SECRET', 'DWAR_COOKIE_KEYS']

/** Made once and kept beside the demo's database, which they unlock. */
function demoSecrets(file: string): Env {
  const kept = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
  if (SECRETS.every((name) => kept[name])) return Object.fromEntries(SECRETS.map((name) => [name, kept[name]]))
  return {
    DWAR_VAULT_KEYS: `first:${randomBytes(32).toString('base64')}`,
    DWAR_INDEX_SECRET: randomBytes(32).toString('base64'),
    DWAR_COOKIE_KEYS: randomBytes(32).toString('base64url'),
  }
}

/** The demo's whole configuration as a file, so that `dwar --env-file` reaches the running demo. */
function writeEnv(file: string, env: Env): Env {
  const lines = Object.entries(env).map(([name, value]) => `${name}="${value}"`)
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  return env
}

async function startShop({ app }: Served, issuer: URL, port: number) {
  const origin = `http://localhost:${port}`
  const clientSecret = await registerShop(app.clients, origin)
  return startRelyingApp({ port, issuer: issuer.origin, clientId: CLIENT_ID, clientSecret })
}

/** A registration from an earlier run is removed first: the shop knows its secret only from now on, and the ports may be others. */
async function registerShop(clients: ClientAdmin, origin: string): Promise<string> {
  const known = (await clients.list()).some((client) => client.client_id === CLIENT_ID)
  if (known) await clients.remove(CLIENT_ID)
  const registration = {
    client_name: 'Chakra Scooter Rentals',
    redirect_uris: [`${origin}/callback`],
    post_logout_redirect_uris: [`${origin}/`],
    scope: 'openid offline_access profile address phone email driving_licence pan aadhaar age_over_18',
    dwar: {
      purpose: {
        en: 'To check who rents the scooter and that they may drive it',
        hi: 'यह जाँचने के लिए कि स्कूटर कौन किराये पर ले रहा है और उसे चलाने का अधिकार है',
      },
      optional: ['address', 'phone_number', 'email', 'gender'],
      retentionDays: 30,
    },
  }
  const { client_secret: secret } = await clients.add(registration, CLIENT_ID)
  if (!secret) throw new AppError('UNEXPECTED', 'the demo client has no secret')
  return secret
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new AppError(
      'CONFIG_INVALID',
      `The folder ${folder} cannot be written to. Choose another: npm start -- --data <folder>`,
      { cause },
    )
  }
}

function welcome(shop: URL, issuer: URL, simulator: URL, seconds: number): string {
  return `
  Ready in ${seconds.toFixed(1)} s. Open this in a browser:

      ${shop.href}

  Click "Sign in with Dwar", choose a citizen on the simulator's page, allow,
  look at what would be shared, and press Share. The shop then shows what it received.
  What a citizen shares, and taking it back:  ${new URL('/account', issuer).href}

  issuer     ${issuer.origin}   (its only setting in a relying app)
  simulator  ${simulator.origin}   (plays DigiLocker; no real data)

  Stop with Ctrl+C.
`
}
