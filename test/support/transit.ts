import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen } from '../../src/server.ts'

/** A key management service on this machine, with the part of Vault's transit interface that we use; keys never leave it. */
export interface Transit {
  readonly url: URL
  readonly token: string
  /** method and path of each call */
  readonly calls: string[]
  /** what befalls calls whose path matches: no answer but a closed connection, a status, or a signature of another key */
  fault: { readonly path: RegExp; readonly kind: 'gone' | 'sealed' | 'forbidden' | 'other-key' } | undefined
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, () => KeyObject>> = {
  'rsa-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'ecdsa-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
}

interface Held {
  readonly type: string
  readonly key: KeyObject
}

export async function startTransit(): Promise<Transit> {
  const keys = new Map<string, Held>()
  const listening = await listen((request, response) => void answer(request, response), { host: '127.0.0.1', port: 0 })
  const transit: Transit = {
    url: new URL(`http://127.0.0.1:${listening.port}`),
    token: 'a-token-of-the-service',
    calls: [],
    fault: undefined,
    close: () => listening.close(0),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    transit.calls.push(`${request.method} ${path}`)
    const fault = transit.fault?.path.test(path) ? transit.fault.kind : undefined
    if (fault === 'gone') return void request.socket.destroy()
    if (fault === 'sealed') return reply(response, 503, { errors: ['Vault is sealed'] })
    if (fault === 'forbidden' || request.headers['x-vault-token'] !== transit.token)
      return reply(response, 403, { errors: ['permission denied'] })
    const [, verb, name = '', hash] = /^\/v1\/transit\/(keys|sign)\/([\w-]+)(\/sha2-256)?$/.exec(path) ?? []
    const body = await readJson(request)
    if (verb === 'keys' && request.method === 'POST') {
      const type = String(body.type)
      const make = TYPES[type]
      if (!make) return reply(response, 400, { errors: ['unknown key type'] })
      if (!keys.has(name)) keys.set(name, { type, key: make() })
      return reply(response, 200, describeKey(name, keys.get(name) as Held))
    }
    const held = keys.get(name)
    if (!held) return reply(response, verb === 'sign' ? 400 : 404, { errors: ['no such key'] })
    if (verb === 'keys') return reply(response, 200, describeKey(name, held))
    const used = fault === 'other-key' ? { ...held, key: (TYPES[held.type] as () => KeyObject)() } : held
    reply(response, 200, { data: { key_version: 1, signature: `vault:v1:${signature(used, body, hash)}` } })
  }

  return transit
}

function describeKey(name: string, { type, key }: Held): object {
  const publicKey = createPublicKey(key)
  const raw = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url').toString('base64')
  const text = type === 'ed25519' ? raw : String(publicKey.export({ type: 'spki', format: 'pem' }))
  return { data: { name, type, exportable: false, latest_version: 1, keys: { '1': { public_key: text } } } }
}

function signature({ type, key }: Held, body: Record<string, unknown>, hash: string | undefined): string {
  const data = Buffer.from(String(body.input), 'base64')
  if (type === 'ed25519') return sign(null, data, key).toString('base64')
  if (!hash) throw new Error('a hash is wanted')
  if (type === 'rsa-2048') {
    if (body.signature_algorithm !== 'pkcs1v15') throw new Error('PSS is the service’s standard')
    return sign('sha256', data, key).toString('base64')
  }
  if (body.marshaling_algorithm !== 'jws') return sign('sha256', data, key).toString('base64')
  return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  const text = Buffer.concat(parts).toString('utf8')
  return text ? (JSON.parse(text) as Record<string, unknown>) : {}
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
