import { PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { type StatementWatch, sendGuarded, toStoreError } from './statement-guard.ts'

/** Types that both engines must hand over alike (dependencies.md §3): `date` as text, never local midnight. */
const DATE_OID = 1082

export interface PostgresEngine {
  readonly dialect: PostgresDialect
  /** Runs a named prepared statement on a connection of its own. */
  runNamed(name: string, text: string, values: readonly unknown[]): Promise<unknown[]>
}

/** A pool of connections to PostgreSQL. A server that goes away fails the statements under way, never the process. */
export function openPostgres(url: string, poolSize: number, watch: StatementWatch): PostgresEngine {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    application_name: 'dwar',
    // Named statements are all point look-ups by index: planned once for a connection, not anew for each value.
    options: '-c timezone=UTC -c plan_cache_mode=force_generic_plan',
    statement_timeout: 10_000,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    types: { getTypeParser: typeParser },
  })
  // A connection that is lost says so here, idle or in use; without a listener that would end the process. The pool
  // drops it, and the statement that was on its way rejects by itself.
  const noteLoss = () => watch.logQuery?.('-- connection lost', 0)
  pool.on('error', noteLoss)
  pool.on('connect', (client) => client.on('error', noteLoss))
  const connections = new GuardedPool(pool, watch)
  return {
    dialect: new PostgresDialect({ pool: connections }),
    runNamed: (name, text, values) => connections.runNamed(name, text, values),
  }
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === DATE_OID && format !== 'binary' ? (value) => value : pg.types.getTypeParser(oid)
}

/** The pool as Kysely sees it, with every statement guarded. */
class GuardedPool implements PostgresPool {
  readonly #pool: pg.Pool
  readonly #watch: StatementWatch
  readonly options: object

  constructor(pool: pg.Pool, watch: StatementWatch) {
    this.#pool = pool
    this.#watch = watch
    this.options = pool.options
  }

  async connect(): Promise<PostgresPoolClient> {
    return new GuardedClient(await this.#acquire(), this.#watch)
  }

  async runNamed(name: string, text: string, values: readonly unknown[]): Promise<unknown[]> {
    const client = await this.#acquire()
    try {
      const query = { name, text, values: [...values] }
      const { rows } = await sendGuarded(this.#watch, text, values, () => client.query<pg.QueryResultRow>(query))
      return rows
    } finally {
      client.release() // the pool looks for itself whether the connection still works
    }
  }

  end(): Promise<void> {
    return this.#pool.end()
  }

  async #acquire(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw toStoreError(error)
    }
  }
}

class GuardedClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient
  readonly #watch: StatementWatch

  constructor(client: pg.PoolClient, watch: StatementWatch) {
    this.#client = client
    this.#watch = watch
  }

  query: PostgresPoolClient['query'] = ((text: string, values: readonly unknown[] = []) =>
    sendGuarded(this.#watch, text, values, () =>
      this.#client.query(text, [...values]),
    )) as unknown as PostgresPoolClient['query'] // the overload for cursors is never called: we open none

  release(destroy?: boolean): void {
    this.#client.release(destroy)
  }
}
