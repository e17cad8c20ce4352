import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen } from '../../src/server.ts'

/** One call that passed, with its bodies. */
export interface RecordedCall {
  readonly method: string
  readonly path: string
  readonly requestHeaders: IncomingMessage['headers']
  readonly requestBody: string
  readonly status: number
  readonly responseHeaders: IncomingMessage['headers']
  readonly responseBody: string
}

export interface RecordingProxy {
  readonly origin: string
  readonly calls: readonly RecordedCall[]
  close(): Promise<void>
}

/**
 * Stands before a server and keeps what was said: the way to learn secrets that two programs share.
 * @param until what answers wait for, once they are kept
 */
export async function openRecordingProxy(
  target: URL,
  until: Promise<void> = Promise.resolve(),
): Promise<RecordingProxy> {
  const calls: RecordedCall[] = []
  const listening = await listen((request, response) => void pass(target, request, response, calls, until), {
    host: '127.0.0.1',
    port: 0,
  })
  return { origin: `http://127.0.0.1:${listening.port}`, calls, close: () => listening.close(0) }
}

async function pass(
  target: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  calls: RecordedCall[],
  until: Promise<void>,
): Promise<void> {
  const requestBody = await read(incoming)
  const { method = 'GET', url: path = '/', headers } = incoming
  const onward = forward({ host: target.hostname, port: target.port, method, path, headers, agent: false })
  onward.on('error', () => outgoing.writeHead(502).end())
  onward.on('response', async (answer) => {
    const body = await read(answer)
    const status = answer.statusCode ?? 502
    calls.push({
      method,
      path,
      requestHeaders: headers,
      requestBody: requestBody.toString('utf8'),
      status,
      responseHeaders: answer.headers,
      responseBody: body.toString('utf8'),
    })
    await until
    outgoing.writeHead(status, answer.headers).end(body)
  })
  onward.end(requestBody)
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
