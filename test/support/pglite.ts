import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { openDatabase } from '../../adapters/database.ts'
import { migrate } from '../../adapters/migrator.ts'

export interface TestPGlite {
  /** a migrated database, dumped: each test file loads a copy, for an empty PGlite takes seconds to make */
  readonly dump: string
  remove(): Promise<void>
}

/** Migrates one PGlite and dumps its data folder. */
export async function preparePGlite(): Promise<TestPGlite> {
  const tmp = await mkdtemp(path.join(tmpdir(), 'dwar-pglite-'))
  const folder = path.join(tmp, 'data')
  const database = await openDatabase({ url: `pglite:${folder}` })
  await migrate(database)
  await database.close()
  const migrated = await PGlite.create(folder)
  const dump = path.join(tmp, 'migrated.tar')
  await writeFile(dump, Buffer.from(await (await migrated.dumpDataDir('none')).arrayBuffer()))
  await migrated.close()
  await rm(folder, { recursive: true })
  return { dump, remove: () => rm(tmp, { recursive: true, force: true }) }
}
