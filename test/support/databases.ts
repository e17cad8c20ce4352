import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, describe, inject } from 'vitest'
import { type Database, type DatabaseOptions, openDatabase } from '../../adapters/database.ts'
import { databaseUrl, execute } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
    postgresTemplate: string
    pgliteDump: string
  }
}

export type OpenDatabase = (options?: Omit<DatabaseOptions, 'url' | 'dataDir'>) => Promise<Database>

/**
 * Runs a suite on PostgreSQL and on PGlite. `open` gives a fresh, migrated database that is closed and dropped when the
 * suite ends.
 */
export function describeOnEachDatabase(
  name: string,
  suite: (open: OpenDatabase, kind: Database['kind']) => void,
): void {
  describe(`${name} (PostgreSQL)`, () => suite(freshPostgres(), 'postgres'))
  describe(`${name} (PGlite)`, () => suite(freshPGlite(), 'pglite'))
}

/** Fresh PostgreSQL databases, by opener: for suites that exist on PostgreSQL only. */
export function freshPostgres(): OpenDatabase {
  const makeUrl = freshPostgresUrl()
  const opened = closedAfterwards()
  return async (options) => opened(await openDatabase({ ...options, url: await makeUrl() }))
}

/** Urls of fresh, migrated PostgreSQL databases: for suites that open one several times. */
export function freshPostgresUrl(): () => Promise<string> {
  const names: string[] = []
  afterAll(async () => {
    for (const name of names) await execute(inject('postgresUrl'), `drop database if exists ${name} with (force)`)
  })
  return async () => {
    const name = `dwar_test_${randomBytes(6).toString('hex')}`
    const template = inject('postgresTemplate')
    await execute(inject('postgresUrl'), `create database ${name} template ${template} strategy file_copy`)
    names.push(name)
    return databaseUrl(inject('postgresUrl'), name)
  }
}

/** Fresh PGlite databases in memory, by opener. */
export function freshPGlite(): OpenDatabase {
  const opened = closedAfterwards()
  return async (options) => {
    const dataDir = new Blob([await readFile(inject('pgliteDump'))])
    return opened(await openDatabase({ ...options, url: 'pglite:memory', dataDir }))
  }
}

function closedAfterwards(): (database: Database) => Database {
  const databases: Database[] = []
  afterAll(async () => {
    for (const database of databases) await database.close()
  })
  return (database) => {
    databases.push(database)
    return database
  }
}

/**
 * Until a statement waits for a lock in this PostgreSQL database, or several do.
 * @param observer in no transaction: within one the view of what goes on stands still
 */
export async function untilSomebodyWaits(observer: Database, atLeast = 1): Promise<void> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(observer.db())
    if (rows.length >= atLeast) return
    await pause(10)
  }
  throw new Error('nobody waits')
}
