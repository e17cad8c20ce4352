import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'

const XMLDSIG = 'http://www.w3.org/2000/09/xmldsig#'

/** Verifies with xml-crypto, trusting only the certificate given. Returns the bytes that were signed, or undefined. */
export function judgeByXmlCrypto(bytes: Buffer, certificatePem: string): string | undefined {
  const xml = bytes.toString('utf8')
  const signatures = new DOMParser().parseFromString(xml, 'text/xml').getElementsByTagNameNS(XMLDSIG, 'Signature')
  const signature = signatures[0]
  if (signature === undefined) return undefined
  const verifier = new SignedXml({ publicCert: certificatePem, getCertFromKeyInfo: () => null })
  verifier.loadSignature(signature as unknown as Node)
  try {
    return verifier.checkSignature(xml) ? verifier.getSignedReferences()[0] : undefined
  } catch {
    return undefined // xml-crypto throws where the signature value does not hold
  }
}

/** Whether Debian's xmlsec1 is here to be asked. */
export const hasXmlsec1 = spawnSync('xmlsec1', ['--version']).status === 0

/** Verifies with xmlsec1, a C implementation that shares nothing with ours. */
export function judgeByXmlsec1(bytes: Buffer, certificatePem: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'))
  try {
    writeFileSync(join(folder, 'document.xml'), bytes)
    writeFileSync(join(folder, 'signer.pem'), certificatePem)
    const keys = ['--verify', '--enabled-key-data', 'rsa', '--pubkey-cert-pem', join(folder, 'signer.pem')]
    execFileSync('xmlsec1', [...keys, join(folder, 'document.xml')], { stdio: 'pipe' })
    return true
  } catch {
    return false // a non-zero exit is the verdict
  } finally {
    rmSync(folder, { recursive: true })
  }
}
