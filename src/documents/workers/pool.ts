import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { DocumentError } from '../../errors.ts'
import { refusal } from '../checks.ts'
import type { PdfFinding } from '../pdf/finding.ts'
import type { TrustStore } from '../trust/trust.ts'
import type { FromThread, Job, PdfJob, Refusal, ToThread, VerifiedFields } from './messages.ts'

export interface PoolOptions {
  readonly trust: TrustStore
  /** threads that verify; each takes one document at a time */
  readonly threads: number
  /** milliseconds of a processor that one document may take; a thread that takes longer is ended */
  readonly timeoutMs?: number
  /** MiB of JavaScript heap for one thread */
  readonly memoryMiB?: number
  /** documents that may wait; one more is turned away */
  readonly queue?: number
}

export interface PoolState {
  readonly threads: number
  readonly busy: number
  readonly queued: number
}

/** Verifies documents in threads of their own. */
export interface VerifierPool {
  /**
   * @throws DocumentError of `verifyDocument`, `assertDoctype` and `extract`; `limit.time`, `limit.memory`;
   *   DOC_VERIFIER_BUSY when too many wait; DOC_VERIFIER_FAILED when a thread breaks or the pool is closed
   */
  verify(job: Job): Promise<VerifiedFields>
  /** @throws DocumentError of `verifyPdf` and `toFinding`, and of the pool as above */
  verifyPdf(job: PdfJob): Promise<PdfFinding>
  /** Later documents are judged by this trust; one that is being verified, by the trust it began with. */
  useTrust(trust: TrustStore): void
  state(): PoolState
  close(): Promise<void>
}

type Answer = VerifiedFields | PdfFinding

interface Waiting {
  readonly job: Job | PdfJob
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

const TIMEOUT_MS = 2_000
/** how often the processor's time is looked at within that, and how many times that long by the clock is waited at most */
const LOOKS = 4
const PATIENCE = 5
const SILENCE_MS = 200
/** The biggest document that a profile allows takes some 60 MiB as trees of both verifiers. */
const MEMORY_MIB = 192
const QUEUE = 256
const THREAD = new URL('./thread.ts', import.meta.url)

/**
 * Threads for untrusted bytes: off the event loop, with a bound on time, memory and waiting. A document that breaks its
 * thread is refused, and the thread is replaced.
 * @see security.md XM-3, SE-7; performance.md §1
 */
export function createVerifierPool(options: PoolOptions): VerifierPool {
  return new Pool(options)
}

class Pool implements VerifierPool {
  readonly #threads: Thread[]
  readonly #waiting: Waiting[] = []
  readonly #queue: number
  #closed = false

  constructor({ trust, threads, timeoutMs = TIMEOUT_MS, memoryMiB = MEMORY_MIB, queue = QUEUE }: PoolOptions) {
    this.#queue = queue
    const limits = { timeoutMs, memoryMiB }
    this.#threads = Array.from({ length: threads }, () => new Thread(trust, limits, () => this.#next()))
  }

  // A thread answers in kind: `thread.ts` turns each kind of job into its answer.
  verify(job: Job): Promise<VerifiedFields> {
    return this.#ask(job) as Promise<VerifiedFields>
  }

  verifyPdf(job: PdfJob): Promise<PdfFinding> {
    return this.#ask(job) as Promise<PdfFinding>
  }

  #ask(job: Job | PdfJob): Promise<Answer> {
    if (this.#closed) return Promise.reject(failed('the pool is closed'))
    if (this.#waiting.length >= this.#queue) {
      return Promise.reject(new DocumentError('DOC_VERIFIER_BUSY', 'too many documents wait to be verified'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      this.#next()
    })
  }

  useTrust(trust: TrustStore): void {
    for (const thread of this.#threads) thread.useTrust(trust)
  }

  state(): PoolState {
    const busy = this.#threads.filter((thread) => thread.isBusy).length
    return { threads: this.#threads.length, busy, queued: this.#waiting.length }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(failed('the pool is closed'))
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }

  #next(): void {
    const free = this.#threads.find((thread) => !thread.isBusy)
    const waiting = free && this.#waiting.shift()
    if (free && waiting) free.take(waiting)
  }
}

/** One worker thread and its successor, should it have to be ended. */
class Thread {
  readonly #limits: { readonly timeoutMs: number; readonly memoryMiB: number }
  readonly #whenFree: () => void
  #trust: TrustStore
  /**
   * None before the first document, which an issuer at rest need not pay for in memory; and none after a document broke it,
   * until the next one comes: a thread that cannot even start is not started for ever.
   */
  #worker: Worker | undefined
  #ready = false
  #current: Waiting | undefined
  #closed = false

  constructor(trust: TrustStore, limits: { timeoutMs: number; memoryMiB: number }, whenFree: () => void) {
    this.#trust = trust
    this.#limits = limits
    this.#whenFree = whenFree
  }

  get isBusy(): boolean {
    return this.#current !== undefined
  }

  useTrust(trust: TrustStore): void {
    this.#trust = trust
    this.#worker?.postMessage({ trust: trust.snapshot } satisfies ToThread)
  }

  take(waiting: Waiting): void {
    this.#current = waiting
    this.#worker ??= this.#start()
    // The bytes are copied, not transferred: the caller still needs them for its keyed digest.
    this.#worker.postMessage({ job: waiting.job } satisfies ToThread)
    this.#worker.ref()
    if (this.#ready) this.#limitTime()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#settle(failed('the pool is closed'))
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(THREAD, {
      workerData: this.#trust.snapshot,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMiB, maxYoungGenerationSizeMb: 16 },
      // What the process was given (secrets among it) is none of the thread's business.
      env: {},
      argv: [],
      stdin: false,
    })
    worker.on('message', (reply: FromThread) => {
      if ('ready' in reply) this.#begin()
      else this.#settle('answer' in reply ? reply.answer : toError(reply.refused))
    })
    worker.on('error', (error: Error & { code?: string }) => {
      const tooMuch = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      this.#drop(worker, tooMuch ? refusal('limit.memory') : failed('the verifying thread broke'))
    })
    worker.on('exit', () => this.#drop(worker, failed('the verifying thread ended')))
    // An idle thread keeps no process alive.
    worker.unref()
    return worker
  }

  /** A thread reads its own code first: only from here on time is the document's. */
  #begin(): void {
    this.#ready = true
    if (this.#current) this.#limitTime()
  }

  #limitTime(): void {
    if (this.#worker && this.#current) void this.#watch(this.#worker, this.#current)
  }

  /**
   * The document has so much time of a processor. On a machine that is busy with other things that takes longer by the
   * clock, and a genuine document must not be blamed for it; but nobody waits more than {@link PATIENCE} times as long.
   */
  async #watch(worker: Worker, waiting: Waiting): Promise<void> {
    const { timeoutMs } = this.#limits
    const isOver = () => this.#worker !== worker || this.#current !== waiting
    let begun = await cpuMs(worker)
    for (let look = 0; look < PATIENCE * LOOKS; look++) {
      await pause(timeoutMs / LOOKS, undefined, { ref: false })
      if (isOver()) return
      const now = await cpuMs(worker)
      if (isOver()) return
      begun ??= now
      if (now !== undefined && begun !== undefined && now - begun >= timeoutMs)
        return this.#drop(worker, refusal('limit.time'))
    }
    this.#drop(worker, failed('the machine is too busy to verify a document in time'))
  }

  #drop(worker: Worker | undefined, reason: Error): void {
    if (worker !== this.#worker || this.#closed) return
    this.#ready = false
    this.#worker = undefined
    void worker?.terminate()
    this.#settle(reason)
  }

  #settle(outcome: Answer | Error): void {
    const waiting = this.#current
    this.#current = undefined
    this.#worker?.unref()
    if (!waiting) return
    if (outcome instanceof Error) waiting.reject(outcome)
    else waiting.resolve(outcome)
    this.#whenFree()
  }
}

/** Milliseconds of a processor that a thread has used; undefined when it is in one long call and cannot say, or has ended. */
async function cpuMs(worker: Worker): Promise<number | undefined> {
  const asked = worker.cpuUsage().then(
    ({ user, system }) => (user + system) / 1000,
    () => undefined,
  )
  return Promise.race([asked, pause(SILENCE_MS, undefined, { ref: false })])
}

function toError({ code, message, check }: Refusal): DocumentError {
  return new DocumentError(code, message, check === undefined ? {} : { check })
}

const failed = (message: string) => new DocumentError('DOC_VERIFIER_FAILED', message)
