import { type DestinationStream, type Logger, pino } from 'pino'

/**
 * Lines are written together, a quarter of a second late at most; pino writes the last ones when the process ends. No
 * write is longer than what a pipe takes whole (PIPE_BUF): several workers write to one, and no line may end in another.
 */
const LATER = { sync: false, minLength: 2048, maxWrite: 4096, periodicFlush: 250 } as const

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/**
 * Structured lines: codes, ids of ours, counts and durations. What is logged is chosen at each call (an allow-list);
 * the paths below are the net under it, should a whole request or error ever be passed by mistake (security.md SE-9).
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'req',
        'res',
        'headers',
        'query',
        'url',
        'body',
        'cookies',
        '*.authorization',
        '*.cookie',
        '*.token',
        '*.state',
      ],
      censor: '[left out]',
    },
    serializers: { error: describeError },
  }
  return pino(options, destination ?? pino.destination(LATER))
}

/** An error as a log may show it: names, codes and places in the code; a message only where it is our own and clean. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { kind: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const ours =
    code !== undefined && /^(RAIL|DOC|INTERACTION|CSRF|REQUEST|HOST|STORE|VAULT|KEY|CONFIG|CLIENT)_/.test(code)
  return {
    kind: error.name,
    ...(code && { code }),
    ...(ours && { message: error.message }),
    at: error.stack
      ?.split('\n')
      .slice(1, 5)
      .map((line) => line.trim().replace(/\(?file:.*\/((?:src|adapters|node_modules)\/)/, '($1')),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  }
}
