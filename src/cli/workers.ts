import cluster, { type Worker } from 'node:cluster'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import type { Log } from '../log.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'
import { createWorkerMetrics } from '../metrics/workers.ts'
import { type Listening, listen } from '../server.ts'
import type { Served } from './serve.ts'

/** From a worker to the process that started it. */
type Told =
  | { readonly tell: 'ready'; readonly port: number }
  | { readonly tell: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly tell: 'metrics'; readonly id: number; readonly metrics: MetricsSnapshot }

/** The only question that a worker is asked. */
interface Asked {
  readonly ask: 'metrics'
  readonly id: number
}

/** A worker that serves. */
interface Running {
  readonly worker: Worker
  readonly port: number
  readonly readyAt: number
  readonly ended: Promise<Ending>
}
interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

/** Until a worker that ended has a successor: doubled each time, and short again after it has held for a while. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
const HELD_MS = 60_000
/** A drain takes ten seconds at most; what takes longer hangs. */
const STOP_MS = 30_000
const METRICS_MS = 2_000

export const isWorker = cluster.isWorker

/**
 * Keeps `config.workers` processes that serve on one port, each a whole issuer that shares nothing with the others but the
 * database. The first starts alone, so that what is wrong with the settings is said once.
 * @throws AppError with the code for which the first could not start
 */
export async function startWorkers(config: Config, log: Log): Promise<{ stop(): Promise<void> }> {
  const crew = new Crew(log)
  let metrics: Listening | undefined
  try {
    const port = await crew.add()
    await Promise.all(Array.from({ length: config.workers - 1 }, () => crew.add()))
    metrics = config.metrics && (await listen(crew.metrics.handle, config.metrics))
    const facts = { issuer: config.issuer.origin, port, metricsPort: metrics?.port, workers: config.workers }
    log.info({ ...facts, environment: config.environment }, 'ready')
  } catch (error) {
    await crew.stop()
    throw error
  }
  return { stop: async () => void (await Promise.all([crew.stop(), metrics?.close()])) }
}

class Crew {
  readonly metrics = createWorkerMetrics(() => Promise.all([...this.#serving].map(askMetrics)))
  readonly #log: Log
  readonly #serving = new Set<Worker>()
  readonly #stopping = new AbortController()

  constructor(log: Log) {
    this.#log = log
  }

  /** @returns the port. @throws AppError when the worker ends before it serves */
  async add(): Promise<number> {
    const running = await this.#start()
    void this.#keep(running)
    return running.port
  }

  /** Lets every worker finish what it is doing. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && endWorker(worker)))
  }

  async #start(): Promise<Running> {
    const running = await runWorker()
    this.#serving.add(running.worker)
    void running.ended.then(() => this.#serving.delete(running.worker))
    return running
  }

  /** Puts another in the place of one that ended, again and again. */
  async #keep(first: Running): Promise<void> {
    let failures = 0
    for (let running: Running | undefined = first; ; ) {
      const ending: Ending | undefined = await running?.ended
      if (this.#stopping.signal.aborted) return
      if (running && ending) {
        failures = performance.now() - running.readyAt > HELD_MS ? 0 : failures
        this.metrics.noteExit()
        this.#log.error({ pid: running.worker.process.pid, ...ending }, 'worker ended')
      }
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++), undefined, this.#stopping).catch(
        () => undefined, // the pause was cut short because there shall be no successor
      )
      if (this.#stopping.signal.aborted) return
      running = await this.#start().catch((error: unknown) => {
        this.#log.error({ error }, 'worker not replaced')
        return undefined
      })
      if (running) this.#log.info({ pid: running.worker.process.pid }, 'worker replaced')
    }
  }
}

/** @throws AppError with the worker's own code, where it had one */
async function runWorker(): Promise<Running> {
  const worker = cluster.fork()
  const ended = new Promise<Ending>((resolve) => {
    worker.once('exit', (code, signal) => resolve({ code, signal }))
  })
  let why = new AppError('UNEXPECTED', 'a worker ended before it was ready')
  const port = await new Promise<number | undefined>((resolve) => {
    worker.on('message', (told: Told) => {
      if (told.tell === 'ready') resolve(told.port)
      if (told.tell === 'failed') why = new AppError(told.code, told.message)
    })
    void ended.then(() => resolve(undefined))
  })
  if (port === undefined) throw why
  return { worker, port, readyAt: performance.now(), ended }
}

async function endWorker(worker: Worker): Promise<void> {
  if (worker.isDead()) return
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.process.kill('SIGTERM')
  const limit = setTimeout(() => worker.process.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(limit)
}

let questions = 0

/** @returns undefined when it does not answer in time: a scrape shows the others then */
async function askMetrics(worker: Worker): Promise<MetricsSnapshot | undefined> {
  const id = questions++
  return new Promise((resolve) => {
    const done = (metrics?: MetricsSnapshot) => {
      clearTimeout(limit)
      worker.off('message', listener)
      resolve(metrics)
    }
    const listener = (told: Told) => {
      if (told.tell === 'metrics' && told.id === id) done(told.metrics)
    }
    const limit = setTimeout(done, METRICS_MS)
    worker.on('message', listener)
    worker.send({ ask: 'metrics', id } satisfies Asked, (error) => error && done())
  })
}

/** The other side: says that it serves, or why it cannot, and answers for its metrics. @param start puts it on the port */
export async function serveAsWorker(start: () => Promise<Served>): Promise<Served> {
  try {
    const served = await start()
    process.on('message', async ({ id }: Asked) => {
      await tell({ tell: 'metrics', id, metrics: await served.app.readMetrics() })
    })
    await tell({ tell: 'ready', port: served.port })
    return served
  } catch (error) {
    if (error instanceof AppError) await tell({ tell: 'failed', code: error.code, message: error.message })
    throw error
  }
}

function tell(told: Told): Promise<void> {
  // Whoever started it may be gone; then this process ends too, and there is nobody to tell.
  return new Promise((resolve) => process.send?.(told, () => resolve()))
}
