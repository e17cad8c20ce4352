import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findLockHolder } from '../../adapters/pglite-lock.ts'
import { callControl } from '../admin/control.ts'
import { createOperations, type OperationName } from '../admin/operations.ts'
import { createApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../log.ts'

/**
 * Does one operation: through the running server where that holds the embedded database, else on the database itself.
 */
export async function operate(config: Config, log: Log, name: OperationName, input?: unknown): Promise<unknown> {
  const socket = socketOfHolder(config.database.url)
  if (socket) return callControl(socket, name, input)
  const app = await createApp(config, log)
  try {
    const run = createOperations(app)[name] as (input: unknown) => Promise<unknown>
    return await run(input)
  } finally {
    await app.close()
  }
}

/** Where a server puts its control socket: short, because the path of a socket may not be long. */
export function controlSocketFor(databaseUrl: string): string | undefined {
  const folder = pgliteFolder(databaseUrl)
  if (!folder) return undefined
  const mark = createHash('sha256').update(path.resolve(folder)).digest('hex').slice(0, 16)
  return path.join(tmpdir(), `dwar-${process.getuid?.() ?? 0}-${mark}.sock`)
}

function socketOfHolder(databaseUrl: string): string | undefined {
  const folder = pgliteFolder(databaseUrl)
  return folder ? findLockHolder(folder)?.socket : undefined
}

function pgliteFolder(url: string): string | undefined {
  return url.startsWith('pglite:') && url !== 'pglite:memory' ? url.slice('pglite:'.length) : undefined
}
