import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Driver, REDIRECT_URI } from './driver.ts'
import type { Usage } from './measure.ts'
import { startDurablePostgres } from './postgres.ts'
import { freePort, startProcess } from './process.ts'
import type { Ready, Start } from './servers/server.ts'

/** A server in the race, with the driver that plays its apps and people. */
export interface Contender {
  readonly name: string
  readonly driver: Driver
  /** where it is not as many as the others have */
  readonly seats?: number
  usage(): Promise<Usage>
}

export interface Contenders extends AsyncDisposable {
  readonly bare: Contender
  /** the engine on the plainest adapter for PostgreSQL: what a durable store costs anybody */
  readonly plain: Contender
  readonly postgres: Contender
  readonly pglite: Contender
}

export interface ContenderOptions {
  readonly seats: number
  /** a PostgreSQL to use instead of our own; a database is made there and dropped */
  readonly databaseUrl: string | undefined
  readonly profileFolder: string | undefined
}

/** Starts the simulator, a PostgreSQL, and each contender as one process. What was started is stopped, in reverse. */
export async function startContenders(options: ContenderOptions): Promise<Contenders> {
  const opened = new AsyncDisposableStack()
  try {
    const [onPostgres, onPGlite, upstreamPort] = [await freePort(), await freePort(), await freePort()]
    const start = async (question: Omit<Start, 'ask'>) => {
      const started = await startProcess(question, options.profileFolder)
      opened.defer(() => started.stop())
      return started
    }
    const [upstream, database, plainDatabase, folder] = await Promise.all([
      start({ server: 'simulator', settings: { port: upstreamPort, redirectUris: callbacks([onPostgres, onPGlite]) } }),
      startDurablePostgres(options.databaseUrl),
      startDurablePostgres(options.databaseUrl, 'plain'),
      mkdtemp(path.join(tmpdir(), 'dwar-bench-pglite-')),
    ])
    opened.defer(() => database.stop())
    opened.defer(() => plainDatabase.stop())
    opened.defer(() => rm(folder, { recursive: true, force: true }))
    const dwar = (port: number, databaseUrl: string) =>
      start({ server: 'dwar', settings: { port, redirectUri: REDIRECT_URI, databaseUrl, simulator: upstream.ready } })
    const bareOn = async (databaseUrl?: string) =>
      start({
        server: 'bare',
        settings: { port: await freePort(), redirectUri: REDIRECT_URI, ...(databaseUrl && { databaseUrl }) },
      })
    const [bare, plain, postgres, pglite] = await Promise.all([
      bareOn(),
      bareOn(plainDatabase.url),
      dwar(onPostgres, database.url),
      dwar(onPGlite, `pglite:${path.join(folder, 'data')}`),
    ])
    const drive = (ready: Ready, asksPeople: boolean) => Driver.open(ready, { seats: options.seats, asksPeople })
    return {
      bare: { name: 'bare oidc-provider, memory', driver: await drive(bare.ready, false), usage: bare.usage },
      plain: {
        name: 'bare oidc-provider, PostgreSQL (fsync)',
        driver: await drive(plain.ready, false),
        usage: async () => ({ ...(await plain.usage()), databaseCpuMs: plainDatabase.cpuMs?.() }),
      },
      postgres: {
        name: 'Dwar, PostgreSQL (fsync)',
        driver: await drive(postgres.ready, true),
        usage: async () => ({ ...(await postgres.usage()), databaseCpuMs: database.cpuMs?.() }),
      },
      pglite: { name: 'Dwar, PGlite', driver: await drive(pglite.ready, true), usage: pglite.usage },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

const callbacks = (ports: readonly number[]) => ports.map((port) => `http://localhost:${port}/callback/digilocker`)
