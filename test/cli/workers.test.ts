import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { type Cluster, openCluster } from '../support/cluster.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import { freePort } from '../support/ports.ts'
import { sampleOf, scrape } from '../support/scrape.ts'
import { newSecrets, sharedPki, UPSTREAM } from '../support/stage.ts'

const makeUrl = freshPostgresUrl()
let simulator: Simulator
let cluster: Cluster
let metricsPort: number

beforeAll(async () => {
  const clients = [{ ...UPSTREAM, redirectUris: [], scopes: ['files.issueddocs'], openid: false }]
  simulator = await startSimulator({ pki: await sharedPki(), clients })
  metricsPort = await freePort()
  const env = { DWAR_WORKERS: '2', DWAR_METRICS_PORT: String(metricsPort), DWAR_PORT: String(await freePort()) }
  cluster = await openCluster({ databaseUrl: await makeUrl(), simulator, size: 1, env })
}, 120_000)
afterAll(async () => {
  await cluster?.close()
  await simulator?.close()
})

const issuer = () => {
  const [issuer] = cluster.processes
  if (!issuer) throw new Error('no process was started')
  return issuer
}
const pids = () => childrenOf(issuer().child.pid)
const childrenOf = (pid: number | undefined) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
const ask = async () => (await cluster.fetchAt(0)(new URL('/jwks', cluster.issuer))).status
const workersServing = async () => sampleOf(await scrape(metricsPort), 'dwar_workers')

describe('dwar serve with two workers', () => {
  it('serves from both, on one port', async () => {
    const [first] = pids()
    expect(pids()).toHaveLength(2)
    let answered = 0
    process.kill(first ?? 0, 'SIGSTOP')
    const asked = Array.from({ length: 8 }, async () => {
      const status = await ask()
      answered += 1
      return status
    })
    try {
      await expect.poll(() => answered, { timeout: 45_000 }).toBeGreaterThan(0)
      await pause(300)
      expect(answered).toBeLessThan(8) // some wait for the one that stands still
    } finally {
      process.kill(first ?? 0, 'SIGCONT')
    }
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 8 }, () => 200))
  }, 120_000)

  it('shows the metrics of both on one port: what each counts is added up', async () => {
    let text = ''
    // One that cannot answer in time is left out of a scrape.
    const workers = async () => {
      text = await scrape(metricsPort)
      return sampleOf(text, 'dwar_workers')
    }
    await expect.poll(workers, { timeout: 45_000 }).toBe(2)
    expect(sampleOf(text, 'dwar_verifier_threads')).toBe(2)
    expect(sampleOf(text, 'dwar_worker_exits_total')).toBe(0)
    expect(sampleOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(100_000_000)
  }, 120_000)

  it('puts another in the place of one that was killed, and serves meanwhile', async () => {
    const [killed] = pids()
    process.kill(killed ?? 0, 'SIGKILL')
    // Nothing is handed to it any more once this is known; what was in its hands is lost with it.
    const known = new RegExp(`"pid":${killed},.*"signal":"SIGKILL","msg":"worker ended"`)
    await expect.poll(issuer().output, { timeout: 45_000 }).toMatch(known)
    expect(await ask()).toBe(200)
    await expect.poll(workersServing, { timeout: 45_000 }).toBe(2)
    expect(pids()).not.toContain(killed)
    expect(sampleOf(await scrape(metricsPort), 'dwar_worker_exits_total')).toBe(1)
    expect(await Promise.all(Array.from({ length: 8 }, ask))).toEqual(Array.from({ length: 8 }, () => 200))
  }, 120_000)

  it('says once, with its code, why it cannot start', async () => {
    const taken = { DWAR_PORT: String(issuer().port), DWAR_METRICS_PORT: '' }
    const message = await cluster.start(taken).then(
      () => 'it started',
      (error: Error) => error.message,
    )
    expect(message.match(/PORT_IN_USE/g)).toHaveLength(1)
  }, 120_000)

  it('is heeded when it is told to stop while it starts: nobody is left, and it ends with 0', async () => {
    const starting = cluster.launch({ DWAR_PORT: '0', DWAR_METRICS_PORT: '' })
    const ready = starting.port.catch(() => undefined) // which it may never say
    await expect.poll(starting.output, { timeout: 45_000 }).toContain('worker ready')
    const { pid } = starting.child
    const begun = childrenOf(pid)
    expect(await starting.stop('SIGTERM')).toBe(0)
    await ready
    expect(begun.filter(isAlive)).toEqual([])
  }, 120_000)

  it('finishes what it is doing on SIGTERM, all workers, and ends with 0', async () => {
    const workers = pids()
    // Of four connections each worker has two (round robin); each is in the middle of a request.
    const { port } = issuer()
    const begun = await Promise.all(Array.from({ length: 4 }, () => beginRequest(port)))
    const stopped = issuer().stop('SIGTERM')
    await expect.poll(() => knock(port), { timeout: 45_000 }).toBe('ECONNREFUSED')
    const finishing = performance.now()
    for (const answer of await Promise.all(begun.map((request) => request.finish())))
      expect(answer).toMatch(/^HTTP\/1\.1 100 .*HTTP\/1\.1 400 .*"error":"invalid_request"/s)
    expect(await stopped).toBe(0)
    expect(performance.now() - finishing).toBeLessThan(25_000) // by themselves: in 30 s those that hang are killed
    expect(workers.filter(isAlive)).toEqual([])
  }, 120_000)
})

describe('the number of workers', () => {
  it('is one on the embedded database', () => {
    const env = { ...newSecrets(), DWAR_ENV: 'test', DWAR_ISSUER: 'http://localhost:4000', DIGILOCKER_CLIENT_ID: 'X' }
    const read = (more: Record<string, string>) => () => readConfig({ ...env, ...more })
    expect(read({ DWAR_WORKERS: '2' })).toThrow(/DWAR_WORKERS must be 1 on the embedded database/)
    expect(read({ DWAR_WORKERS: '0' })).toThrow(/DWAR_WORKERS must be at least 1/)
    expect(read({ DWAR_WORKERS: '2', DWAR_DATABASE_URL: 'postgres://localhost/dwar' })().workers).toBe(2)
  })
})

/** What comes of a connection that says nothing. */
async function knock(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return 'taken'
  } catch (error) {
    return (error as { code?: string }).code
  } finally {
    socket.destroy()
  }
}

/** Sends a token request but for its last bytes, and waits until a worker has it in hand (RFC 9110 §10.1.1). */
async function beginRequest(port: number): Promise<{ finish(): Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const body = 'grant_type=none'
  const head = [
    'POST /token HTTP/1.1',
    `Host: ${cluster.issuer.host}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`)
  await once(socket, 'readable')
  return {
    finish: () => {
      socket.write(body.slice(5))
      return text(socket)
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // ESRCH: there is no such process
  }
}
