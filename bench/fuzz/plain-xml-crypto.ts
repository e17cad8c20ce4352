import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import { XMLDSIG } from '../../src/documents/profiles.ts'

/**
 * What `xml-crypto` says when it is used as its own documentation shows, with the one key that counts and nothing of our
 * checks: no strict parser before it, no shape, no profile.
 * @param certificate PEM
 */
export function plainXmlCryptoAccepts(bytes: Uint8Array, certificate: string): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const document = new DOMParser({ onError: () => undefined }).parseFromString(text, 'text/xml')
    const signature = document.getElementsByTagNameNS(XMLDSIG, 'Signature').item(0)
    if (!signature) return false
    const signed = new SignedXml({ publicCert: certificate, getCertFromKeyInfo: () => null })
    signed.loadSignature(signature as unknown as Node)
    return signed.checkSignature(text)
  } catch {
    // It throws for some refusals and returns false for others.
    return false
  }
}
