import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/config.ts'
import { createLog } from '../../src/log.ts'
import { listen } from '../../src/server.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { bareEnvironment } from './environment.ts'
import { newSecrets, UPSTREAM } from './stage.ts'

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts')
const run = promisify(execFile)
/** The jobs are for the processes: their first turn here would be hours away. */
const NO_JOBS = 1_000_000

/** One issuer process: `node src/main.ts serve`, as an operator starts it. */
export interface IssuerProcess {
  readonly port: number
  readonly child: ChildProcess
  /** everything it wrote, at debug level */
  readonly output: () => string
  /** Sends the signal and waits for the end. @returns the exit code, or null when a signal ended it */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** One that may not be ready yet. */
export interface StartingIssuer extends Omit<IssuerProcess, 'port'> {
  /** rejects when it ends before it is ready */
  readonly port: Promise<number>
}

/** Issuer processes behind one address, over one database and one simulator. */
export interface Cluster {
  readonly issuer: URL
  readonly processes: readonly IssuerProcess[]
  /** Which process the front hands a request to; turn by turn unless a test says otherwise. */
  route: () => number
  /** @param more settings of this process alone, as in the middle of a rolling change */
  start(more?: Record<string, string>): Promise<IssuerProcess>
  /** The same while it starts; no request is handed to it. */
  launch(more?: Record<string, string>): StartingIssuer
  /** Sends one request to one process, as a load balancer does: its port, the issuer's Host. */
  fetchAt(index: number): typeof fetch
  /** A third instance over the same database, which serves nobody: for an operator's work without a process each time. */
  readonly operator: App
  /** `dwar …` on the same database, with what it printed. */
  dwar(...args: string[]): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export async function openCluster(options: {
  readonly databaseUrl: string
  readonly simulator: Simulator
  readonly size: number
  readonly env?: Record<string, string>
  /** settings of each process alone, in order */
  readonly envOf?: readonly Record<string, string>[]
}): Promise<Cluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dwar-cluster-'))
  const trustFile = path.join(folder, 'trust.json')
  await writeFile(trustFile, JSON.stringify(options.simulator.trust))
  const processes: IssuerProcess[] = []
  let turn = 0
  const front = await listen(
    (request, response) => void pass(request, response, processes[cluster.route()]?.port ?? 0),
    {
      host: '127.0.0.1',
      port: 0,
    },
  )
  const issuer = new URL(`http://localhost:${front.port}`)
  options.simulator.addRedirectUri(UPSTREAM.clientId, new URL('/callback/digilocker', issuer).href)
  const env = {
    ...newSecrets(),
    ...bareEnvironment,
    DWAR_ENV: 'test',
    DWAR_ISSUER: issuer.origin,
    DWAR_PORT: '0',
    DWAR_DATABASE_URL: options.databaseUrl,
    DWAR_LOG_LEVEL: 'debug',
    DWAR_RATE_LIMITS: 'off', // everything in a test comes from one address
    DWAR_TRUST_FILES: trustFile,
    DIGILOCKER_BASE_URL: options.simulator.url.origin,
    DIGILOCKER_CLIENT_ID: UPSTREAM.clientId,
    DIGILOCKER_CLIENT_SECRET: UPSTREAM.clientSecret,
    ...options.env,
  }
  const operator = await createApp(readConfig(env), createLog('error'), { jobSecondMs: NO_JOBS })
  const cluster: Cluster = {
    issuer,
    operator,
    processes,
    route: () => turn++ % options.size,
    async start(more = {}) {
      const launched = cluster.launch(more)
      const started = { ...launched, port: await launched.port }
      processes.push(started)
      return started
    },
    launch: (more = {}) => launchIssuer({ ...env, ...more }, folder),
    fetchAt: (index) => fetchAt(issuer, processes[index]?.port ?? 0),
    async dwar(...args) {
      const { stdout } = await run(process.execPath, [MAIN, ...args], { env, cwd: folder })
      return JSON.parse(stdout) as Record<string, unknown>
    },
    async close() {
      await Promise.all(processes.map((one) => one.stop('SIGKILL')))
      await front.close(0)
      await operator.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await Promise.all(Array.from({ length: options.size }, (_one, index) => cluster.start(options.envOf?.[index])))
  return cluster
}

function launchIssuer(env: Record<string, string>, cwd: string): StartingIssuer {
  const child = spawn(process.execPath, [MAIN, 'serve'], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const port = new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        const ready = /"port":(\d+).*"msg":"ready"/.exec(line)?.[1]
        if (ready) resolve(Number(ready))
      })
    void ended.then(() => reject(new Error(`the issuer did not start:\n${lines.join('\n')}`)))
  })
  return {
    port,
    child,
    output: () => lines.join('\n'),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return ended
    },
  }
}

/** The front: nothing but a pipe, so that what is proven is the issuer's own. */
async function pass(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
  const { method, url, headers } = request
  const onward = forward({ host: '127.0.0.1', port, method, path: url, headers, agent: false })
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.writeHead(502).end())
  request.pipe(onward)
}

/** `fetch` that reaches the issuer's host at another port, without a change to URL or Host. */
function fetchAt(issuer: URL, port: number): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin !== issuer.origin) return fetch(input, init)
    const headers = new Headers(init?.headers)
    return new Promise<Response>((resolve, reject) => {
      const onward = forward({
        host: '127.0.0.1',
        port,
        method: init?.method ?? 'GET',
        path: `${url.pathname}${url.search}`,
        headers: { ...Object.fromEntries(headers), host: issuer.host },
        agent: false,
      })
      onward.on('error', reject)
      onward.on('response', (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const status = answer.statusCode ?? 500
          const body = status === 204 || status === 303 ? null : Buffer.concat(parts)
          const given = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
            values.map((value): [string, string] => [name, value]),
          )
          resolve(new Response(body, { status, headers: given }))
        })
      })
      onward.end(init?.body === undefined || init.body === null ? undefined : String(init.body))
    })
  }
}
