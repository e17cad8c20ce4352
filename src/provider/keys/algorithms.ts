import { type JsonWebKey, type KeyObject, sign as signWith, verify } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningAlg } from '../stores.ts'

/** Signs the bytes; the signature is in the form of a JWS (RFC 7518 §3, RFC 8037 §3.1). */
export type Sign = (data: Uint8Array) => Uint8Array | Promise<Uint8Array>

interface Algorithm {
  /** the type as node:crypto makes it */
  readonly make:
    | readonly ['rsa', { modulusLength: number }]
    | readonly ['ec', { namedCurve: string }]
    | readonly ['ed25519']
  readonly fits: (jwk: JsonWebKey) => boolean
  readonly signer: (key: KeyObject) => Sign
  readonly verify: (key: KeyObject, data: Uint8Array, signature: Uint8Array) => boolean
}

const inThreadPool = promisify(signWith)

/**
 * Everything we know of an algorithm. The curves sign in 50 µs on the spot, a third of what jose's way through WebCrypto
 * takes; RSA takes 800 µs and more and goes to the thread pool, so that nobody waits for it (performance.md §3).
 */
export const algorithms: Readonly<Record<SigningAlg, Algorithm>> = {
  RS256: {
    make: ['rsa', { modulusLength: 2048 }],
    fits: ({ kty, alg }) => kty === 'RSA' && (alg === undefined || alg === 'RS256'),
    signer: (key) => (data) => inThreadPool('sha256', data, key),
    verify: (key, data, signature) => verify('sha256', data, key, signature),
  },
  ES256: {
    make: ['ec', { namedCurve: 'P-256' }],
    fits: ({ kty, crv }) => kty === 'EC' && crv === 'P-256',
    signer: (key) => (data) => toJoseSignature(signWith('sha256', data, key)),
    verify: (key, data, signature) => verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature),
  },
  EdDSA: {
    make: ['ed25519'],
    fits: ({ kty, crv }) => kty === 'OKP' && crv === 'Ed25519',
    signer: (key) => (data) => signWith(null, data, key),
    verify: (key, data, signature) => verify(null, data, key, signature),
  },
}

/**
 * The two numbers of an ECDSA signature as JWS has them, 32 bytes each (RFC 7518 §3.4), from the DER that OpenSSL writes
 * (RFC 3279 §2.2.3: of P-256 each length is one byte). Asking OpenSSL for this form doubles the time of a signature.
 */
function toJoseSignature(der: Uint8Array): Buffer {
  const rLength = der[3] ?? 0
  const r = der.subarray(4, 4 + rLength)
  const s = der.subarray(4 + rLength + 2)
  const signature = Buffer.alloc(64)
  signature.set(r.subarray(-32), 32 - Math.min(rLength, 32))
  signature.set(s.subarray(-32), 64 - Math.min(s.length, 32))
  return signature
}

export const signingAlgs = Object.keys(algorithms) as readonly SigningAlg[]
