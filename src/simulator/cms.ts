import { createHash, sign } from 'node:crypto'
import * as der from './der.ts'
import type { Signer } from './pki.ts'

const DATA = '1.2.840.113549.1.7.1'
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNING_TIME = '1.2.840.113549.1.9.5'
const SHA256 = '2.16.840.1.101.3.4.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'

/**
 * A detached CMS SignedData in DER: one signer, its whole chain, and signed attributes with the time of signing.
 * @param at epoch seconds, by the signer's own clock
 * @see RFC 5652 §5, §11; RFC 3370 §3.2 (rsaEncryption with NULL)
 */
export function signDetached(content: Buffer, signer: Signer, at: number): Buffer {
  const attributes = [
    attribute(CONTENT_TYPE, der.oid(DATA)),
    attribute(SIGNING_TIME, der.time(new Date(at * 1000))),
    attribute(MESSAGE_DIGEST, der.octetString(createHash('sha256').update(content).digest())),
  ]
  // What is signed is a SET, whatever tag the attributes have in the message (§5.4).
  const signature = sign('sha256', der.setOf(attributes), signer.privateKey)
  const signerInfo = der.sequence(
    der.integer(1),
    signer.issuerAndSerialNumber,
    algorithm(SHA256),
    der.implicitSetOf(0, attributes),
    algorithm(RSA_ENCRYPTION),
    der.octetString(signature),
  )
  const signedData = der.sequence(
    der.integer(1),
    der.setOf([algorithm(SHA256)]),
    der.sequence(der.oid(DATA)),
    der.implicitSetOf(0, signer.chain),
    der.setOf([signerInfo]),
  )
  return der.sequence(der.oid(SIGNED_DATA), der.explicit(0, signedData))
}

const attribute = (type: string, value: Buffer) => der.sequence(der.oid(type), der.setOf([value]))
const algorithm = (id: string) => der.sequence(der.oid(id), der.nothing())
