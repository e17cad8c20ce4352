import { performance } from 'node:perf_hooks'
import { StoreError } from '../src/errors.ts'

export interface StatementWatch {
  /** Called once for every statement sent, BEGIN and COMMIT included: lets tests count round trips. */
  readonly onStatement?: ((text: string) => void) | undefined
  /** Text and duration of every statement that came back, never its values. */
  readonly logQuery?: ((text: string, durationMs: number) => void) | undefined
}

/**
 * Sends one statement: refuses what the database could not store, tells the watchers, and turns a lost server into a
 * code of ours.
 * @throws StoreError STORE_INPUT_REFUSED, STORE_UNAVAILABLE
 */
export async function sendGuarded<T>(
  watch: StatementWatch,
  text: string,
  values: readonly unknown[],
  send: () => Promise<T>,
): Promise<T> {
  refuseNullBytes(values)
  watch.onStatement?.(text)
  const startedAt = performance.now()
  try {
    return await send()
  } catch (error) {
    throw toStoreError(error)
  } finally {
    watch.logQuery?.(text, performance.now() - startedAt)
  }
}

/** `\u0000` as JSON writes it, unless the backslash itself is escaped. */
const JSON_NULL = /(?<!\\)(?:\\\\)*\\u0000/

/**
 * PostgreSQL's text and jsonb cannot hold U+0000 (SQLSTATE 22021, 22P05), and a request parameter can carry one: it is
 * refused here as bad input rather than met as a database failure.
 * @throws StoreError STORE_INPUT_REFUSED
 */
export function refuseNullBytes(values: readonly unknown[]): void {
  for (const value of values) {
    if (holdsNull(value)) throw new StoreError('STORE_INPUT_REFUSED', 'a value holds the character U+0000')
  }
}

function holdsNull(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || (value.includes('\\u0000') && JSON_NULL.test(value))
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || value instanceof Date) return false
  return holdsNull(JSON.stringify(value))
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/**
 * Connection exceptions (class 08), shutdown (57P0x), too many connections, statement timeout; a database that takes no
 * connections or is not there (55000, 3D000), refuses our login (class 28), or is a standby (25006). PostgreSQL, appendix A.
 */
const SERVER_AWAY = /^(08...|57P0.|53300|57014|55000|3D000|28...|25006)$/
/** What `pg` and its pool say without a code. */
const CLIENT_AWAY =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/

/** A lost, full or too slow database becomes STORE_UNAVAILABLE; every other error stays as it is. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error
  const code = sqlState(error)
  const away = code === undefined ? CLIENT_AWAY.test(error.message) : UNREACHABLE.has(code) || SERVER_AWAY.test(code)
  return away
    ? new StoreError('STORE_UNAVAILABLE', `the database did not answer (${code ?? 'connection lost'})`, {
        cause: error,
      })
    : error
}

/** The SQLSTATE or system error code that an error carries. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
