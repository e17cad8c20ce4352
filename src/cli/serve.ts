import { startControl } from '../admin/control.ts'
import { createOperations } from '../admin/operations.ts'
import { type App, createApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../log.ts'
import { type Listening, listen } from '../server.ts'
import { controlSocketFor } from './operate.ts'

export interface Served {
  readonly app: App
  readonly port: number
  /** where `/metrics` is, if it is served */
  readonly metricsPort: number | undefined
  /** Drains requests, stops the clocks, closes the database; the order in which nothing is lost. */
  stop(): Promise<void>
}

/**
 * Builds the issuer and puts it on its port, and its metrics on theirs.
 * @param asWorker it is one of several (`workers.ts`), whose metrics are on one port together
 * @throws AppError PORT_IN_USE, CONFIG_INVALID, STORE_UNAVAILABLE, STORE_LOCKED
 */
export async function serve(config: Config, log: Log, { asWorker = false } = {}): Promise<Served> {
  const socket = controlSocketFor(config.database.url)
  const app = await createApp(config, log, { ...(socket && { controlSocket: socket }) })
  let listening: Listening | undefined
  let metrics: Listening | undefined
  try {
    listening = await listen(app.handle, config)
    if (config.metrics && !asWorker) metrics = await listen(app.handleMetrics, config.metrics)
  } catch (error) {
    await listening?.close(0)
    await app.close()
    throw error
  }
  const { port } = listening
  const metricsPort = metrics?.port
  const stopControl = socket ? await startControl(socket, createOperations(app), log) : async () => undefined
  if (asWorker) log.info({ pid: process.pid }, 'worker ready')
  else log.info({ issuer: config.issuer.origin, port, metricsPort, environment: config.environment }, 'ready')
  return {
    app,
    port,
    metricsPort,
    stop: async () => {
      await stopControl()
      await Promise.all([listening.close(), metrics?.close()])
      await app.close()
    },
  }
}
