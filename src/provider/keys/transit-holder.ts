import { createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { KeyError } from '../../errors.ts'
import type { SigningAlg, StoredSigningKey } from '../stores.ts'
import { type KeyHolder, publicOnly } from './key-holder.ts'

export interface TransitSettings {
  /** `https://…`, or http on this machine */
  readonly url: URL
  /** path of the secrets engine */
  readonly mount: string
  /** before the kid in the names of our keys, so that a policy can name them */
  readonly prefix: string
  readonly timeoutMs: number
  /** read for each call, so that an agent may renew it */
  readonly token: () => string
}

interface TransitAlgorithm {
  readonly type: string
  readonly path: string
  readonly body: Readonly<Record<string, string>>
  readonly encoding: 'base64' | 'base64url'
}

/** What the service calls each algorithm, and in which form it gives signatures. */
const TRANSIT: Readonly<Record<SigningAlg, TransitAlgorithm>> = {
  RS256: { type: 'rsa-2048', path: '/sha2-256', body: { signature_algorithm: 'pkcs1v15' }, encoding: 'base64' },
  ES256: { type: 'ecdsa-p256', path: '/sha2-256', body: { marshaling_algorithm: 'jws' }, encoding: 'base64url' },
  EdDSA: { type: 'ed25519', path: '', body: {}, encoding: 'base64' },
}

const keyAnswer = z.object({
  data: z.object({
    type: z.string(),
    exportable: z.boolean().default(false),
    keys: z.record(z.string(), z.object({ public_key: z.string().min(1) })),
  }),
})
const signAnswer = z.object({ data: z.object({ signature: z.string().regex(/^vault:v1:[\w+/=-]+$/) }) })

/**
 * Keys in a key management service that speaks the HTTP interface of HashiCorp Vault's transit engine (OpenBao speaks it
 * too). The private half is made there and never leaves; one key of the service per key of ours, version 1 of it, so
 * that a rotation over there cannot change what we publish.
 */
export function createTransitHolder(settings: TransitSettings, send: typeof fetch = fetch): KeyHolder {
  const call = createCall(settings, send)
  const keyName = (kid: string) => encodeURIComponent(`${settings.prefix}-${kid}`)

  async function readPublicJwk(kid: string, alg: SigningAlg): Promise<JsonWebKey> {
    const { data } = parsed(keyAnswer, await call('GET', `keys/${keyName(kid)}`))
    if (data.type !== TRANSIT[alg].type) throw unavailable('the key there is of another type')
    if (data.exportable) throw unavailable('the key there can be exported')
    return toJwk(data.keys['1']?.public_key ?? '', alg)
  }

  async function sign(kid: string, alg: SigningAlg, data: Uint8Array): Promise<Uint8Array> {
    const { path, body, encoding } = TRANSIT[alg]
    const input = Buffer.from(data).toString('base64')
    const answer = await call('POST', `sign/${keyName(kid)}${path}`, { ...body, input, key_version: 1 })
    const text = parsed(signAnswer, answer).data.signature
    return Buffer.from(text.slice(text.lastIndexOf(':') + 1), encoding)
  }

  return {
    kind: 'transit',
    async make(alg) {
      const kid = randomUUID()
      await call('POST', `keys/${keyName(kid)}`, { type: TRANSIT[alg].type, exportable: false })
      return { kid, publicJwk: await readPublicJwk(kid, alg), sealedPrivateJwk: undefined }
    },
    async open({ kid, alg, publicJwk }: StoredSigningKey) {
      return {
        publicJwk: publicJwk ?? (await readPublicJwk(kid, alg)),
        sign: (data) => sign(kid, alg, data),
      }
    },
  }
}

/** One call, tried a second time when the connection broke or the service was busy: signing twice does no harm. */
function createCall(settings: TransitSettings, send: typeof fetch) {
  const base = `${settings.url.href.replace(/\/$/, '')}/v1/${settings.mount}/`

  async function once(method: string, path: string, body: object | undefined): Promise<Response> {
    return send(base + path, {
      method,
      headers: { 'x-vault-token': settings.token(), 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(settings.timeoutMs),
    })
  }

  return async (method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> => {
    const deadline = performance.now() + settings.timeoutMs
    for (let tries = 1; ; tries += 1) {
      const lastTry = tries === 2 || performance.now() >= deadline
      try {
        const response = await once(method, path, body)
        if (response.ok) return response.status === 204 ? undefined : await response.json()
        await response.body?.cancel()
        if (response.status < 500 || lastTry) throw unavailable(`the service answered ${response.status}`)
      } catch (cause) {
        if (cause instanceof KeyError) throw cause
        if (lastTry) throw unavailable('the service does not answer', cause)
      }
    }
  }
}

/** RSA and P-256 come as PEM, Ed25519 as its 32 bytes (RFC 8037 §2). */
function toJwk(text: string, alg: SigningAlg): JsonWebKey {
  try {
    if (alg === 'EdDSA') return { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(text, 'base64').toString('base64url') }
    return publicOnly(createPublicKey(text).export({ format: 'jwk' }))
  } catch (cause) {
    throw unavailable('the service’s public key cannot be read', cause)
  }
}

function parsed<T>(schema: z.ZodType<T>, answer: unknown): T {
  const read = schema.safeParse(answer)
  if (!read.success) throw unavailable('the service’s answer has another form')
  return read.data
}

const unavailable = (message: string, cause?: unknown) => new KeyError('KEY_HOLDER_UNAVAILABLE', message, { cause })
