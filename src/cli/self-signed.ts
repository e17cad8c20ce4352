import { randomBytes, webcrypto } from 'node:crypto'
import { Integer, Utf8String } from 'asn1js'
import { AttributeTypeAndValue, Certificate, CryptoEngine } from 'pkijs'
import type { Clock } from '../clock.ts'

const COMMON_NAME = '2.5.4.3'
const DAY_MS = 86_400_000

/**
 * A certificate for a test client to show in TLS, good for 90 days, and its key. Tokens are bound to the certificate
 * itself, so nobody needs to vouch for it (RFC 8705 §3).
 */
export async function makeSelfSigned(commonName: string, clock: Clock): Promise<{ cert: string; key: string }> {
  const engine = new CryptoEngine({ name: 'node', crypto: webcrypto as unknown as Crypto })
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = new Integer({ valueHex: positive(randomBytes(16)) })
  for (const name of [certificate.subject, certificate.issuer])
    name.typesAndValues.push(
      new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value: commonName }) }),
    )
  const now = clock() * 1000
  certificate.notBefore.value = new Date(now - DAY_MS)
  certificate.notAfter.value = new Date(now + 90 * DAY_MS)
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey as unknown as CryptoKey, engine)
  await certificate.sign(keys.privateKey as unknown as CryptoKey, 'SHA-256', engine)
  return {
    cert: toPem('CERTIFICATE', certificate.toSchema(true).toBER(false)),
    key: toPem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
  }
}

/** DER integers are signed. */
function positive(bytes: Buffer): ArrayBuffer {
  const copy = Uint8Array.from(bytes)
  copy[0] = (copy[0] ?? 0) & 0x7f || 1
  return copy.buffer
}

function toPem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
