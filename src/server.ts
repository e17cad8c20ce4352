import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from './errors.ts'

export interface Listening {
  readonly port: number
  /** Stops taking connections, lets requests under way finish for up to `graceMs`, then closes what is left. */
  close(graceMs?: number): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Listens, with limits against slow and endless requests (security.md SE-7). @throws AppError PORT_IN_USE */
export async function listen(
  handle: Handler,
  at: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 }, handle)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(toListenError(cause, at.port)))
    server.listen(at.port, at.host, resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: (graceMs = 10_000) => drain(server, graceMs) }
}

function toListenError(cause: NodeJS.ErrnoException, port: number): Error {
  return cause.code === 'EADDRINUSE'
    ? new AppError('PORT_IN_USE', `Port ${port} is in use by another program.`, { cause })
    : cause
}

async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  const limit = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(limit)
}
