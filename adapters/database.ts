import { AsyncLocalStorage } from 'node:async_hooks'
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { CompiledQuery, Kysely, sql, type Transaction } from 'kysely'
import { StoreError } from '../src/errors.ts'
import type { Transact } from '../src/transaction.ts'
import { openPGlite } from './pglite-engine.ts'
import { openPostgres } from './postgres-engine.ts'
import type { Schema } from './schema.ts'
import { type StatementWatch, sqlState } from './statement-guard.ts'
import { createUuid7 } from './uuid7.ts'

export interface DatabaseOptions extends StatementWatch {
  /** `postgres://…`, `pglite:<folder>` or `pglite:memory` */
  readonly url: string
  /** PostgreSQL only */
  readonly poolSize?: number | undefined
  /** PGlite only: a dumped data folder to start from */
  readonly dataDir?: Blob | File | undefined
  /** PGlite only: written into the lock file, so that a command line can find the server that holds the folder */
  readonly controlSocket?: string | undefined
}

export interface Database {
  readonly kind: 'postgres' | 'pglite'
  /** The transaction that we are in, else the database. Never kept over an `await` that may end the transaction. */
  db(): Kysely<Schema>
  /** One transaction; a call inside another joins it. @throws StoreError STORE_UNAVAILABLE, STORE_INPUT_REFUSED */
  readonly transact: Transact
  /** True while inside `transact`: what is read may be rolled back. */
  inTransaction(): boolean
  /**
   * A statement of the hot path: prepared once per connection under its name (performance.md §4), and one of the
   * transaction's own when inside one; outside of one it is run again, like a transaction, when it lost a deadlock. The text
   * must belong to the name for good.
   */
  hot<Row>(name: string, text: string, values: readonly unknown[]): Promise<Row[]>
  /** A new UUIDv7, greater than every one before it from this object. */
  newId(): string
  /** @throws StoreError STORE_UNAVAILABLE */
  ping(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** @throws StoreError STORE_LOCKED when another process has the PGlite folder open; CONFIG_INVALID for an unknown url */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (/^postgres(ql)?:\/\//.test(options.url)) {
    const engine = openPostgres(options.url, options.poolSize ?? 10, options)
    return new KyselyDatabase('postgres', new Kysely<Schema>({ dialect: engine.dialect }), engine.runNamed)
  }
  if (options.url.startsWith('pglite:') && options.url.length > 'pglite:'.length) {
    const engine = await openPGlite({ ...options, place: options.url.slice('pglite:'.length) }, options)
    const root = new Kysely<Schema>({ dialect: engine.dialect })
    return new KyselyDatabase('pglite', root, undefined, engine.close)
  }
  throw new StoreError(
    'CONFIG_INVALID',
    'the database url is neither postgres://… nor pglite:<folder> nor pglite:memory',
  )
}

type RunNamed = (name: string, text: string, values: readonly unknown[]) => Promise<unknown[]>

class KyselyDatabase implements Database {
  readonly kind: 'postgres' | 'pglite'
  readonly newId = createUuid7()
  readonly #root: Kysely<Schema>
  readonly #runNamed: RunNamed | undefined
  readonly #closeEngine: () => Promise<void>
  readonly #current = new AsyncLocalStorage<Transaction<Schema>>()

  constructor(
    kind: Database['kind'],
    root: Kysely<Schema>,
    runNamed: RunNamed | undefined,
    closeEngine: () => Promise<void> = async () => undefined,
  ) {
    this.kind = kind
    this.#root = root
    this.#runNamed = runNamed
    this.#closeEngine = closeEngine
  }

  db(): Kysely<Schema> {
    return this.#current.getStore() ?? this.#root
  }

  inTransaction(): boolean {
    return this.#current.getStore() !== undefined
  }

  readonly transact: Transact = (work) => {
    if (this.inTransaction()) return work()
    return retryConflicts(() => this.#root.transaction().execute((trx) => this.#current.run(trx, work)))
  }

  async hot<Row>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
    const runNamed = this.#runNamed
    if (runNamed && !this.inTransaction()) return (await retryConflicts(() => runNamed(name, text, values))) as Row[]
    // PGlite is one connection behind Kysely's mutex, and a transaction has one of its own: both go through Kysely.
    const { rows } = await this.db().executeQuery(CompiledQuery.raw(text, [...values]))
    return rows as Row[]
  }

  async ping(): Promise<void> {
    await sql`select 1`.execute(this.db())
  }

  async close(): Promise<void> {
    await this.#root.destroy()
    await this.#closeEngine()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** serialization_failure and deadlock_detected (PostgreSQL, appendix A): the same work may well pass when run again. */
const CONFLICTS = new Set(['40001', '40P01'])
const TRIES = 5

async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run()
    } catch (error) {
      if (!CONFLICTS.has(sqlState(error) ?? '') || tries === TRIES) throw error
      await pause(randomInt(1, 10 * 2 ** tries)) // at random, so that the two do not meet again
    }
  }
}
