import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import type { TrustStatusRow } from '../documents/trust/status.ts'
import type { Verdict } from '../documents/verifier.ts'
import type { PoolState } from '../documents/workers/pool.ts'
import type { PauseEvent } from '../rails/digilocker/guard.ts'
import type { CallEvent } from '../rails/digilocker/http.ts'

export interface MetricsSources {
  readonly verifier: () => PoolState
  readonly trust: () => readonly TrustStatusRow[]
  /** also heap, CPU and event loop of this process; its watchers live as long as the process */
  readonly process: boolean
}

/** Counts for the operator. Every label is a word of ours or of a certificate authority: none is of a person or an app. */
export interface Metrics {
  noteVerdict(verdict: Verdict): void
  noteCall(rail: string, call: CallEvent): void
  notePause(rail: string, pause: PauseEvent): void
  /** A request was refused for being one too many. */
  noteLimited(route: string, by: 'address' | 'client' | 'failures'): void
  /** A relying app was told of a sign-out, or not this time, or will not be. */
  noteLogout(outcome: { readonly kind: string; readonly reason?: string }): void
  /** From now on the age of the key that signs is shown, per algorithm. */
  watchKeys(ages: () => readonly { readonly alg: string; readonly ageSeconds: number }[]): void
  /** Answers `GET /metrics` in the Prometheus text format; belongs on a port that strangers cannot reach. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** All of it as values, for the process that adds up several. */
  readonly read: () => Promise<MetricsSnapshot>
}

export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[]

/** Seconds: one verifier takes some 0.0001, both some 0.004; 2 is where a thread is ended. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** @see docs/operations.md (what each metric means, and what to be woken for) */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry()
  if (sources.process) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const documents = new Counter({
    name: 'dwar_documents_total',
    help: 'Documents that were judged; code and check say why one was refused',
    labelNames: ['profile', 'outcome', 'code', 'check'],
    registers,
  })
  const seconds = new Histogram({
    name: 'dwar_document_seconds',
    help: 'From asking for a verdict to having it, waiting for a thread included',
    labelNames: ['profile', 'outcome'],
    buckets: SECONDS,
    registers,
  })
  // A counter of its own, there from the start at 0: what is not there cannot wake anybody.
  const disagreements = new Counter({
    name: 'dwar_verifiers_disagree_total',
    help: 'Documents that the two verifiers judged differently; never anything but 0 without a reason to be found',
    registers,
  })
  const calls = new Counter({
    name: 'dwar_upstream_calls_total',
    help: 'Calls to an upstream by what came of them; not-sent were held back by the breaker or by the limit of calls at once',
    labelNames: ['rail', 'operation', 'outcome', 'status'],
    registers,
  })
  const paused = new Gauge({
    name: 'dwar_upstream_paused',
    help: '1 while the upstream, or one repository behind it, fails so often that it is left alone',
    labelNames: ['rail', 'repository'],
    aggregator: 'max',
    registers,
  })
  const limited = new Counter({
    name: 'dwar_rate_limited_total',
    help: 'Requests refused for being too many in a minute, by route and by whose limit it was',
    labelNames: ['route', 'by'],
    registers,
  })
  const logouts = new Counter({
    name: 'dwar_logouts_told_total',
    help: 'Sign-outs told to relying apps by what came of it; given-up is for good',
    labelNames: ['outcome', 'reason'],
    registers,
  })
  addGauges(registry, sources)
  return {
    noteVerdict: ({ profile, outcome, code = '', check = '', seconds: took }) => {
      documents.inc({ profile, outcome, code, check })
      seconds.observe({ profile, outcome }, took)
      if (code === 'DOC_VERIFIERS_DISAGREE') disagreements.inc()
    },
    noteCall: (rail, { operation, outcome, status }) => calls.inc({ rail, operation, outcome, status: status ?? '' }),
    notePause: (rail, { repository = '', paused: isPaused }) => paused.set({ rail, repository }, isPaused ? 1 : 0),
    noteLimited: (route, by) => limited.inc({ route, by }),
    noteLogout: ({ kind, reason = '' }) => logouts.inc({ outcome: kind, reason }),
    watchKeys: (ages) => addKeyGauge(registry, ages),
    handle: handlerOf(registry),
    read: () => registry.getMetricsAsJSON(),
  }
}

/** Asked for at each scrape: nothing has to keep them up to date. */
function addGauges(registry: Registry, { verifier, trust }: MetricsSources): void {
  const registers = [registry]
  const poolStates = [
    ['threads', 'Threads that verify documents'],
    ['busy', 'Threads that are verifying one'],
    ['queued', 'Documents that wait for a thread'],
  ] as const
  for (const [state, help] of poolStates) {
    new Gauge({
      name: `dwar_verifier_${state}`,
      help,
      registers,
      collect() {
        this.set(verifier()[state])
      },
    })
  }
  new Gauge({
    name: 'dwar_trust_lines',
    help: 'Lines of trust by how they stand; see dwar trust status',
    labelNames: ['kind', 'state'],
    aggregator: 'max',
    registers,
    collect() {
      this.reset()
      for (const { kind, state } of trust()) this.inc({ kind, state })
    },
  })
  new Gauge({
    name: 'dwar_trust_days_left',
    help: 'Whole days until a line of trust that is in force ends',
    labelNames: ['kind', 'name', 'fingerprint', 'rail'],
    aggregator: 'min',
    registers,
    collect() {
      this.reset()
      // What is over or was never in force would stand below every threshold for ever.
      for (const { kind, name, fingerprint = '', rail = '', daysLeft, state } of trust())
        if (daysLeft !== undefined && state !== 'ended' && state !== 'never')
          this.set({ kind, name, fingerprint, rail }, daysLeft)
    },
  })
}

function addKeyGauge(registry: Registry, ages: Parameters<Metrics['watchKeys']>[0]): void {
  new Gauge({
    name: 'dwar_signing_key_age_seconds',
    help: 'How long the current key of an algorithm has been signing',
    labelNames: ['alg'],
    aggregator: 'max',
    registers: [registry],
    collect() {
      for (const { alg, ageSeconds } of ages()) this.set({ alg }, ageSeconds)
    },
  })
}

/** What is asked for at each scrape. */
type Source = Pick<Registry, 'contentType' | 'metrics'>

export const handlerOf =
  (source: Source): Metrics['handle'] =>
  (request, response) =>
    void answer(source, request, response)

async function answer(source: Source, { method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url !== '/metrics') return void response.writeHead(404).end()
  if (method !== 'GET' && method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
  try {
    const text = await source.metrics()
    response.writeHead(200, { 'content-type': source.contentType, 'cache-control': 'no-store' }).end(text)
  } catch {
    // The scraper counts this itself (`up` is 0), and there is nobody else to tell.
    response.writeHead(500).end()
  }
}
