import { createHmac, timingSafeEqual } from 'node:crypto'
import { DocumentError } from '../errors.ts'

export type HmacPolicy = 'require' | 'verify-if-present' | 'off'
export type HmacResult = 'matched' | 'absent' | 'unchecked'

/**
 * Checks DigiLocker's `hmac` header: base64 of HMAC-SHA256 over the exact body under the client secret. It shows that
 * the answer came unchanged from the upstream to us; it says nothing about who issued the document, so no result of it
 * may ever stand in for a signature (documents-and-signatures.md §2.3).
 * @param body as received, before any decoding
 * @param secrets the current client secret, then the previous one while a rotation is under way
 * @throws DocumentError DOC_HMAC_MISSING, DOC_HMAC_MISMATCH
 * @see digilocker-api.md §10.6
 */
export function checkTransportHmac(
  body: Uint8Array,
  header: string | undefined,
  secrets: readonly string[],
  policy: HmacPolicy,
): HmacResult {
  if (policy === 'off') return 'unchecked'
  if (header === undefined) {
    if (policy === 'require') throw new DocumentError('DOC_HMAC_MISSING', 'the hmac header is missing')
    return 'absent'
  }
  const received = decodeHmac(header)
  // Every secret is tried, so that the time taken does not tell which one is in use.
  const matches = secrets.filter((secret) => isHmacOf(received, body, secret))
  if (matches.length === 0) throw new DocumentError('DOC_HMAC_MISMATCH', 'the hmac header fits no secret of ours')
  return 'matched'
}

/** Standard base64 with padding, 32 bytes; anything else matches nothing. */
function decodeHmac(header: string): Buffer {
  const text = header.trim()
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0)
}

function isHmacOf(received: Buffer, body: Uint8Array, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(body).digest()
  return received.length === expected.length && timingSafeEqual(received, expected)
}
