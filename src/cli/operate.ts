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
  const [result] = await operateAll(config, log, [[name, input]])
  return result
}

/** Several operations, one after the other, on a database that is opened once. */
export async function operateAll(
  config: Config,
  log: Log,
  calls: readonly (readonly [name: OperationName, input?: unknown])[],
): Promise<unknown[]> {
  const socket = socketOfHolder(config.database.url)
  if (socket) return inTurn(calls, (name, input) => callControl(socket, name, input))
  const app = await createApp(config, log)
  try {
    const operations = createOperations(app)
    return await inTurn(calls, (name, input) => (operations[name] as (input: unknown) => Promise<unknown>)(input))
  } finally {
    await app.close()
  }
}

async function inTurn(
  calls: readonly (readonly [name: OperationName, input?: unknown])[],
  call: (name: OperationName, input: unknown) => Promise<unknown>,
): Promise<unknown[]> {
  const results: unknown[] = []
  for (const [name, input] of calls) results.push(await call(name, input))
  return results
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
