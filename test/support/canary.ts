import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Database } from '../../adapters/database.ts'

/** Values that must not be found, each under the name that a failure shows instead of it. */
export class Canaries {
  /** how each value may be written, and under which name it is known */
  readonly #values = new Map<string, { readonly name: string; readonly spellings: readonly Buffer[] }>()

  /** Notes a value; blank ones are not there. Short ones are refused: they would be found by chance, digits in any hash. */
  add(name: string, value: string | undefined | null): void {
    if (value === undefined || value === null || value === '') return
    const least = /^[0-9a-f]+$/i.test(value) ? 8 : 6
    if (Buffer.byteLength(value) < least) throw new RangeError(`the canary ${name} is too short to be told from noise`)
    if (!this.#values.has(value)) this.#values.set(value, { name, spellings: spellingsOf(value) })
  }

  get names(): string[] {
    return [...new Set([...this.#values.values()].map(({ name }) => name))].toSorted()
  }

  /** One that is known under this name. */
  valueOf(name: string): string {
    const found = [...this.#values].find(([, one]) => one.name === name)
    if (!found) throw new RangeError(`there is no canary ${name}`)
    return found[0]
  }

  /** Names of those that stand in what is given: as they are, or in another spelling, hexadecimal or base64. */
  foundIn(haystack: string | Uint8Array): string[] {
    const bytes = Buffer.from(haystack as string)
    const found = [...this.#values.values()].filter(({ spellings }) => spellings.some((one) => bytes.includes(one)))
    return [...new Set(found.map(({ name }) => name))].toSorted()
  }
}

function spellingsOf(value: string): Buffer[] {
  const bytes = Buffer.from(value)
  const texts = [
    value,
    value.toLowerCase(),
    value.toUpperCase(),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
  ]
  const hex = bytes.toString('hex')
  const base64 = [0, 1, 2].flatMap((offset) => alignedBase64(bytes, offset))
  return [...new Set([...texts, hex, hex.toUpperCase(), ...base64])].map((text) => Buffer.from(text))
}

/** What base64 shows of a value that starts at this offset of a group of three, without the letters it shares. */
function alignedBase64(bytes: Buffer, offset: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
  const to = Math.floor((whole.length * 8) / 6)
  const own = whole.toString('base64').slice(Math.ceil((offset * 8) / 6), to)
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
}

/** Every row of every table of ours as one text: bytes as they are, and whatever reads as base64 opened too. */
export async function dumpDatabase(database: Database): Promise<Buffer> {
  const tables = await database.hot<{ name: string }>(
    'dump_tables',
    `select table_name::text as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
     order by table_name`,
    [],
  )
  const parts: Buffer[] = []
  for (const { name } of tables) {
    const rows = await database.hot<Record<string, unknown>>(`dump_${name}`, `select * from "${name}"`, [])
    parts.push(Buffer.from(`\n${name}: ${rows.length}\n`))
    for (const row of rows) for (const value of Object.values(row)) parts.push(toBytes(value), Buffer.from('\n'))
  }
  return withDecoded(Buffer.concat(parts))
}

function toBytes(value: unknown): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (typeof value === 'string') return Buffer.from(value)
  return Buffer.from(JSON.stringify(value) ?? '')
}

/** The same with everything in it that reads as base64 or hexadecimal decoded behind it (a JWT's parts, say). */
export function withDecoded(bytes: Buffer): Buffer {
  const runs = bytes.toString('latin1').match(/[A-Za-z0-9+/_-]{16,}/g) ?? []
  const decoded = runs.flatMap((run) => [
    Buffer.from(run, 'base64'),
    ...(/^([0-9a-f]{2})+$/i.test(run) ? [Buffer.from(run, 'hex')] : []),
  ])
  return Buffer.concat([bytes, ...decoded.flatMap((part) => [Buffer.from('\n'), part])])
}

/** One answer of ours as it left: where it was asked for, and its headers. */
export interface SentResponse {
  readonly url: URL
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
}

/** Watches every answer that a server in this process gives on the port of `origin`. */
export function watchResponses(origin: URL): { readonly sent: readonly SentResponse[]; stop(): void } {
  const sent: SentResponse[] = []
  const note = (message: unknown) => {
    const { request, response, server } = message as {
      request: IncomingMessage
      response: ServerResponse
      server: Server
    }
    if ((server.address() as AddressInfo | null)?.port !== Number(origin.port)) return
    const headers = Object.entries(response.getHeaders()).flatMap(([name, value]) =>
      [value ?? []].flat().map((one) => [name.toLowerCase(), String(one)] as const),
    )
    sent.push({ url: new URL(request.url ?? '/', origin), status: response.statusCode, headers })
  }
  subscribe('http.server.response.finish', note)
  return { sent, stop: () => void unsubscribe('http.server.response.finish', note) }
}
