import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'

const BODY_CAP_BYTES = 65_536
const PATIENCE_BYTES = 16 * 1024 * 1024
const CUT_AFTER_MS = 20
const BOMB_BYTES = 64 * 1024 * 1024

/** A request as handlers see it: values only, so that a handler is a plain function. */
export interface SimRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** lower-case names */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** groups of the route's pattern, percent-decoded */
  readonly params: Readonly<Record<string, string>>
}

export interface SimResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
  /** what happens to it on its way: `cut` in the middle, or never ending */
  readonly wire?: 'cut' | 'endless'
}

export const json = (status: number, value: unknown, headers: Record<string, string> = {}): SimResponse => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(value),
})

/** An error in DigiLocker's shape (digilocker-api.md §12). */
export const refuse = (status: number, error: string, description: string): SimResponse =>
  json(status, { error, error_description: description })

export const redirect = (location: string | URL, headers: Record<string, string> = {}): SimResponse => ({
  status: 303,
  headers: { location: String(location), 'cache-control': 'no-store', ...headers },
  body: '',
})

/** The answer of a hostile or broken server instead of this one. */
export function onTheWire(response: SimResponse, wire: 'cut' | 'endless' | 'gzip-bomb' | 'redirect'): SimResponse {
  if (wire === 'redirect') return redirect('/elsewhere')
  if (wire === 'gzip-bomb') {
    const body = gzipSync(Buffer.alloc(BOMB_BYTES))
    return { ...response, headers: { ...response.headers, 'content-encoding': 'gzip' }, body }
  }
  return { ...response, wire }
}

/** The fields of a form, or undefined when the body is not one. */
export function formOf(request: SimRequest): URLSearchParams | undefined {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) return undefined
  return new URLSearchParams(request.body.toString('utf8'))
}

export function cookieOf(request: SimRequest, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([key]) => key === name)?.[1]
}

/** How large a body may be, and what is said of one that is larger. */
export interface Limit {
  readonly bytes: number
  readonly refusal: SimResponse
}

const SMALL: Limit = { bytes: BODY_CAP_BYTES, refusal: refuse(413, 'invalid_request', 'body too large') }

/** A server that hands each request to `answer` as a value. @param limits paths whose bodies may be larger than 64 KiB */
export function serve(
  answer: (request: SimRequest) => Promise<SimResponse>,
  limits: Readonly<Record<string, Limit>> = {},
): Server {
  return createServer((incoming, outgoing) => {
    const limit = limits[(incoming.url ?? '').split('?', 1).join('')] ?? SMALL
    respond(incoming, outgoing, answer, limit).catch((error: unknown) => {
      process.emitWarning(error instanceof Error ? error : String(error))
      outgoing.destroy()
    })
  })
}

/** Listens and returns the port in use. @param port 0 for any */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** Stops listening and drops connections, idle or not. */
export function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: SimRequest) => Promise<SimResponse>,
  limit: Limit,
): Promise<void> {
  const body = await readBody(incoming, limit.bytes)
  const response = body === undefined ? limit.refusal : await answer(toRequest(incoming, body))
  if (response.wire === 'endless') return neverEnd(outgoing, response)
  outgoing.writeHead(response.status, {
    ...response.headers,
    'content-length': Buffer.byteLength(response.body),
    ...(body === undefined ? { connection: 'close' } : {}),
  })
  if (response.wire === 'cut') {
    outgoing.write(response.body.slice(0, response.body.length / 2))
    outgoing.flushHeaders()
    setTimeout(() => outgoing.destroy(), CUT_AFTER_MS)
  } else outgoing.end(response.body)
}

/** Sends until the other side has had enough. */
function neverEnd(outgoing: ServerResponse, response: SimResponse): void {
  outgoing.writeHead(response.status, response.headers)
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const more = () => {
    while (!outgoing.destroyed && outgoing.write(chunk));
  }
  outgoing.on('drain', more)
  more()
}

/** A body that is too large is read on for a while and dropped, so that whoever sends it comes to hear why. */
async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit + PATIENCE_BYTES) return undefined
    if (size <= limit) chunks.push(chunk)
  }
  return size > limit ? undefined : Buffer.concat(chunks)
}

function toRequest(incoming: IncomingMessage, body: Buffer): SimRequest {
  const [path = '/', ...rest] = (incoming.url ?? '/').split('?')
  const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(rest.join('?')),
    headers: Object.fromEntries(headers),
    body,
    params: {},
  }
}
