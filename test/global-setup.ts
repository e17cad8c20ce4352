import type { TestProject } from 'vitest/node'
import { preparePGlite } from './support/pglite.ts'
import { preparePkiKeys } from './support/pki.ts'
import { startPostgres } from './support/postgres.ts'

/** Once per test run: a PostgreSQL with a migrated template, a migrated PGlite to copy, and the keys of the PKI. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres(process.env.TEST_DATABASE_URL)
  const pglite = await preparePGlite()
  await preparePkiKeys()
  project.provide('postgresUrl', postgres.url)
  project.provide('postgresTemplate', postgres.template)
  project.provide('pgliteDump', pglite.dump)
  return async () => {
    await postgres.stop()
    await pglite.remove()
  }
}
