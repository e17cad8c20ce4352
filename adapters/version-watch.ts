import type { Clock } from '../src/clock.ts'
import type { Database } from './database.ts'

/** What is cached in memory, by the name of its row in `cache_version`. */
export type Cached = 'client' | 'signing_key'

export interface VersionWatch {
  /** The version as it stood at most a second ago. */
  of(name: Cached): Promise<number>
}

/** One statement a second for all that is cached, however many ask. A failed look is tried again by the next who asks. */
export function createVersionWatch(database: Database, clock: Clock): VersionWatch {
  let versions = new Map<string, number>()
  let checkedAt: number | undefined
  let checking: Promise<void> | undefined

  const check = async () => {
    const now = clock()
    const rows = await database.hot<{ name: string; version: string }>(
      'cache_versions',
      'select name, version from cache_version',
      [],
    )
    versions = new Map(rows.map((row) => [row.name, Number(row.version)]))
    checkedAt = now
  }

  const checkOnce = () => {
    checking ??= check().finally(() => {
      checking = undefined
    })
    return checking
  }

  return {
    async of(name) {
      if (checkedAt === clock()) return versions.get(name) ?? 0
      // Inside a transaction nobody may wait for a look that began outside it: PGlite has one connection.
      if (database.inTransaction()) await check()
      else await checkOnce()
      return versions.get(name) ?? 0
    },
  }
}
