import type { IncomingMessage, ServerResponse } from 'node:http'
import { decodeJwt } from 'jose'
import { checkedByOfficialSchemas } from './official-schemas.ts'

type Handle = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Shows every `verified_claims` that leaves the issuer, in whatever test, to the official schemas. A breach turns the
 * answer into an error that says so, and is kept in `breaches`.
 */
export function judgeWhatIsTold(handle: Handle): { handle: Handle; breaches: string[] } {
  const breaches: string[] = []
  const judged: Handle = (request, response) => {
    if (/^\/(token|userinfo)\b/i.test(request.url ?? '')) judge(response, breaches)
    handle(request, response)
  }
  return { handle: judged, breaches }
}

function judge(response: ServerResponse, breaches: string[]): void {
  const end = response.end.bind(response) as (chunk?: unknown, ...rest: unknown[]) => ServerResponse
  const judgedEnd = (chunk?: unknown, ...rest: unknown[]): ServerResponse => {
    try {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
        const type = String(response.getHeader('content-type') ?? '')
        for (const told of toldIn(Buffer.from(chunk as Uint8Array).toString('utf8'), type))
          checkedByOfficialSchemas(told)
      }
    } catch (error) {
      breaches.push(error instanceof Error ? error.message : String(error))
      const body = JSON.stringify({ error: 'server_error', error_description: breaches.at(-1) })
      response.statusCode = 500
      response.setHeader('content-length', Buffer.byteLength(body))
      return end(body)
    }
    return end(chunk, ...rest)
  }
  Object.assign(response, { end: judgedEnd })
}

/** The claims in an answer of the token or userinfo endpoint; of an encrypted one nobody but its client can tell. */
function toldIn(body: string, type: string): object[] {
  if (type.includes('application/jwt')) return payloadOf(body)
  if (!type.includes('json') || body === '') return []
  const told = JSON.parse(body) as { id_token?: unknown }
  return [told, ...(typeof told.id_token === 'string' ? payloadOf(told.id_token) : [])]
}

const payloadOf = (jwt: string): object[] => (jwt.split('.').length === 3 ? [decodeJwt(jwt)] : [])
