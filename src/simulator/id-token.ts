import { createHash, generateKeyPair, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

const DAY_SECONDS = 86_400

export interface IdTokenKey {
  /** 32 hex characters, as in the official sample */
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: JsonWebKey
}

export async function makeIdTokenKey(): Promise<IdTokenKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' })
  const kid = createHash('sha256').update(JSON.stringify(jwk)).digest('hex').slice(0, 32)
  return { kid, privateKey, jwk: { ...jwk, kid, alg: 'RS256', use: 'sig' } }
}

/**
 * An id_token as the OIDC token endpoint returns it: RS256, good for a day.
 * @param claims everything but `exp`, which is laid a day after `iat`
 * @see digilocker-api.md §7; RFC 7515 §3.1
 */
export function signIdToken(claims: { readonly iat: number } & Record<string, unknown>, key: IdTokenKey): string {
  const header = encode(JSON.stringify({ typ: 'JWT', alg: 'RS256', kid: key.kid }))
  // slashes arrive escaped, as PHP writes them: `01\/02\/1990`
  const payload = encode(JSON.stringify({ ...claims, exp: claims.iat + DAY_SECONDS }).replaceAll('/', '\\/'))
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), key.privateKey).toString('base64url')
  return `${header}.${payload}.${signature}`
}

const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64url')
