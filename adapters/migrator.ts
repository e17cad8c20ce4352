import { promises as fs } from 'node:fs'
import path from 'node:path'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import { StoreError } from '../src/errors.ts'
import type { Database } from './database.ts'

/**
 * Brings the database to the newest schema, one statement after the other outside a transaction (not every
 * PostgreSQL-compatible engine has DDL in transactions). Migrations can be run again after a crash. Run it from one
 * place at a time.
 * @returns the names of the migrations that were run
 * @throws StoreError STORE_UNAVAILABLE, or the database's own error
 */
export async function migrate(database: Database): Promise<string[]> {
  const { error, results = [] } = await migrator(database).migrateToLatest({ disableTransactions: true })
  if (error !== undefined) throw error
  return results.map((result) => result.migrationName)
}

/** Migrations that this version needs and the database has not seen. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  const all = await migrator(database).getMigrations()
  return all.filter((migration) => migration.executedAt === undefined).map((migration) => migration.name)
}

function migrator(database: Database): Migrator {
  if (database.inTransaction()) throw new StoreError('UNEXPECTED', 'migrations do not run inside a transaction')
  const migrationFolder = path.join(import.meta.dirname, '..', 'migrations')
  return new Migrator({ db: database.db(), provider: new FileMigrationProvider({ fs, path, migrationFolder }) })
}
