import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'
import { handlerOf, type Metrics, type MetricsSnapshot } from './metrics.ts'

/** The metrics of several processes, as one issuer. */
export interface WorkerMetrics {
  /** A worker ended that nobody had told to. */
  noteExit(): void
  readonly handle: Metrics['handle']
}

/**
 * One scrape for all workers: counts and memory are added up; what each of them says of the same thing (trust, keys) is
 * taken once, as the `aggregator` of its metric says.
 * @param ask what each worker that serves has counted; undefined of one that did not answer
 */
export function createWorkerMetrics(ask: () => Promise<readonly (MetricsSnapshot | undefined)[]>): WorkerMetrics {
  const own = new Registry()
  const workers = new Gauge({ name: 'dwar_workers', help: 'Processes that serve', registers: [own] })
  const exits = new Counter({
    name: 'dwar_worker_exits_total',
    help: 'Workers that ended without being told to, and were replaced',
    registers: [own],
  })
  const read = async () => {
    const answered = (await ask()).filter((snapshot) => snapshot !== undefined)
    workers.set(answered.length)
    return AggregatorRegistry.aggregate([await own.getMetricsAsJSON(), ...answered]).metrics()
  }
  return { noteExit: () => exits.inc(), handle: handlerOf({ contentType: own.contentType, metrics: read }) }
}
