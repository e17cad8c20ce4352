import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'

/** What the engine's cookies ask of their keys; in the shape of `keygrip`, whose signatures these are too. */
export interface CookieSigner {
  sign(data: string): string
  verify(data: string, signature: string): boolean
  /** Which key signed it: 0 is the one that signs now. -1: none of ours. */
  index(data: string, signature: string): number
}

/**
 * Signs with the first key and knows all of them again. `keygrip` compares two signatures by signing both once more, under a
 * random key made for each comparison; comparing them in constant time as they are is one HMAC in place of three.
 * @param secrets `DWAR_COOKIE_KEYS`, at least one
 */
export function createCookieSigner(secrets: readonly string[]): CookieSigner {
  // As KeyObjects: bytes are looked at anew for each signature, which takes five times as long (Node 24).
  const [current, ...former] = secrets.map((secret) => createSecretKey(secret, 'utf8'))
  if (!current) throw new TypeError('cookies are signed: there must be a key')
  const keys = [current, ...former]
  const sign = (data: string, key = current) => createHmac('sha1', key).update(data).digest('base64url')
  const index = (data: string, signature: string) => keys.findIndex((key) => isSame(sign(data, key), signature))
  return { sign: (data) => sign(data), index, verify: (data, signature) => index(data, signature) >= 0 }
}

function isSame(expected: string, given: string): boolean {
  const bytes = Buffer.from(given)
  return bytes.length === expected.length && timingSafeEqual(bytes, Buffer.from(expected))
}
