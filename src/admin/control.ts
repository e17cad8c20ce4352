import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { z } from 'zod'
import { AdminError, AppError, type ErrorCode } from '../errors.ts'
import type { Log } from '../log.ts'
import type { OperationName, Operations } from './operations.ts'

/**
 * A running server's control socket: a file that only the server's own user may open. It lets `dwar client add` work
 * while the embedded database is held by the server, because one process alone may open that (dependencies.md §3).
 */
export async function startControl(socket: string, operations: Operations, log: Log): Promise<() => Promise<void>> {
  rmSync(socket, { force: true })
  const server = createServer(async (incoming, response) => {
    const answer = await run(incoming, operations, log)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  chmodSync(socket, 0o600)
  return () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
}

type Answer = { readonly result: unknown } | { readonly code: ErrorCode; readonly message: string }

const call = z.object({ name: z.string(), input: z.unknown() })

async function run(incoming: IncomingMessage, operations: Operations, log: Log): Promise<Answer> {
  try {
    const { name, input } = call.parse(JSON.parse(await readText(incoming)))
    if (!Object.hasOwn(operations, name)) throw new AdminError('NOT_FOUND', 'there is no such operation')
    const operation = operations[name as OperationName] as (input: unknown) => Promise<unknown>
    return { result: await operation(input) }
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message }
    log.error({ error }, 'control call failed')
    return { code: 'UNEXPECTED', message: 'the server could not do it; its log says why' }
  }
}

/** Asks a running server. @throws AdminError with the server's code */
export async function callControl(socket: string, name: OperationName, input: unknown): Promise<unknown> {
  const text = await new Promise<string>((resolve, reject) => {
    const outgoing = request({ socketPath: socket, method: 'POST', path: '/' }, (response) => {
      readText(response).then(resolve, reject)
    })
    outgoing.once('error', (cause) =>
      reject(new AdminError('STORE_LOCKED', 'the server that holds the database does not answer', { cause })),
    )
    outgoing.end(JSON.stringify({ name, input: input ?? {} }))
  })
  const answer = JSON.parse(text) as Answer
  if ('code' in answer) throw new AdminError(answer.code, answer.message)
  return answer.result
}

const LIMIT = 256 * 1024

async function readText(stream: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of stream as AsyncIterable<Buffer>) {
    size += part.length
    if (size > LIMIT) throw new AdminError('REQUEST_TOO_LARGE', 'the message is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
