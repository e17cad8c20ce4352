import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import { PGliteDialect, type PGliteDialectConfig } from 'kysely'
import { lockFolder } from './pglite-lock.ts'
import { type StatementWatch, sendGuarded } from './statement-guard.ts'

export interface PGliteEngine {
  readonly dialect: PGliteDialect
  close(): Promise<void>
}

export interface PGliteOptions {
  /** `memory`, or a folder: made if missing, and locked for this process */
  readonly place: string
  /** a dumped data folder to start from, instead of an empty database */
  readonly dataDir?: Blob | File | undefined
  /** control socket of this server, written into the lock for a command line that comes later */
  readonly controlSocket?: string | undefined
}

/** int8 and `date` as text, as `pg` gives them; bytea as a Buffer (dependencies.md §3). */
const PARSERS = {
  20: (text: string) => text,
  1082: (text: string) => text,
  17: (text: string) => Buffer.from(text.slice(2), 'hex'),
}

/** Opens the embedded engine. @throws StoreError STORE_LOCKED */
export async function openPGlite(options: PGliteOptions, watch: StatementWatch): Promise<PGliteEngine> {
  const inMemory = options.place === 'memory'
  const release = inMemory ? () => undefined : takeFolder(options)
  const pglite = new PGlite({
    ...(inMemory ? {} : { dataDir: options.place }),
    ...(options.dataDir ? { loadDataDir: options.dataDir } : {}),
    parsers: PARSERS,
  })
  try {
    await pglite.waitReady
  } catch (error) {
    release()
    throw error
  }
  return {
    dialect: new PGliteDialect({ pglite: guard(pglite, watch) }),
    close: async () => {
      if (!pglite.closed) await pglite.close()
      release()
    },
  }
}

function takeFolder(options: PGliteOptions): () => void {
  mkdirSync(path.dirname(path.resolve(options.place)), { recursive: true })
  return lockFolder(options.place, options.controlSocket)
}

type KyselyPGlite = Exclude<PGliteDialectConfig['pglite'], (...args: never[]) => unknown>
type Query = KyselyPGlite['query']

/** The engine as Kysely sees it, with every statement guarded and the transaction's ends counted. */
function guard(pglite: PGlite, watch: StatementWatch): KyselyPGlite {
  const guardQuery = (target: Pick<Transaction, 'query'>): Query =>
    ((text: string, values: unknown[] = [], options?: Parameters<Transaction['query']>[2]) =>
      sendGuarded(watch, text, values, () => target.query(text, values, options))) as Query
  return {
    get closed() {
      return pglite.closed
    },
    get ready() {
      return pglite.ready
    },
    get waitReady() {
      return pglite.waitReady
    },
    close: () => pglite.close(),
    query: guardQuery(pglite),
    async transaction(work) {
      watch.onStatement?.('begin')
      let end = 'rollback'
      try {
        return await pglite.transaction(async (tx) => {
          const result = await work({ query: guardQuery(tx), rollback: () => tx.rollback() })
          end = 'commit'
          return result
        })
      } finally {
        watch.onStatement?.(end)
      }
    },
  }
}
