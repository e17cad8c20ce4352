import { createHash, X509Certificate } from 'node:crypto'
import * as asn1js from 'asn1js'
import { Certificate, IssuerAndSerialNumber } from 'pkijs'
import type { CmsSignature } from './cms.ts'
import { PdfFault, type PdfSigner } from './verdict.ts'

const SUBJECT_KEY_IDENTIFIER = '2.5.29.14'

/**
 * The one certificate in the bag that the SignerInfo names. Its name proves nothing; its key must fit the signature, and
 * trust must know it by its fingerprint.
 * @throws PdfFault signer_certificate_missing, signer_certificate_ambiguous, signer_certificate_malformed
 * @see RFC 5652 §5.3
 */
export function signerCertificate({ certificates, signerId }: CmsSignature): X509Certificate {
  const fitting = certificates.filter((der) => isNamedBy(signerId, der))
  const distinct = new Map(fitting.map((der) => [Buffer.from(der).toString('base64'), der]))
  const [der, another] = distinct.values()
  if (!der) throw new PdfFault('signer_certificate_missing')
  if (another) throw new PdfFault('signer_certificate_ambiguous')
  return readCertificate(der)
}

function isNamedBy(signerId: CmsSignature['signerId'], der: Uint8Array<ArrayBuffer>): boolean {
  const certificate = Certificate.fromBER(der)
  if (signerId instanceof IssuerAndSerialNumber) {
    return signerId.serialNumber.isEqual(certificate.serialNumber) && signerId.issuer.isEqual(certificate.issuer)
  }
  const extension = certificate.extensions?.find(({ extnID }) => extnID === SUBJECT_KEY_IDENTIFIER)?.parsedValue
  if (!(extension instanceof asn1js.OctetString) || !(signerId instanceof asn1js.Primitive)) return false
  return Buffer.from(extension.valueBlock.valueHexView).equals(signerId.valueBlock.valueHexView)
}

function readCertificate(der: Uint8Array): X509Certificate {
  try {
    const certificate = new X509Certificate(der)
    // The key is read late, and only then can it turn out to be none.
    if (!certificate.publicKey.asymmetricKeyType) throw new PdfFault('signer_certificate_malformed')
    return certificate
  } catch (cause) {
    throw new PdfFault('signer_certificate_malformed', { cause })
  }
}

export const fingerprintOf = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('hex')

/** The signer as its own certificate describes it, before trust has spoken. */
export function describeSigner(certificate: X509Certificate): PdfSigner {
  return { fingerprint: fingerprintOf(certificate), name: nameOf(certificate), accepted: false, chain: [] }
}

const MAX_NAME = 200

/** A stranger chose these characters: no control characters (a terminal may obey them), and no endless text. */
function nameOf({ subject }: X509Certificate): string {
  const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject.replaceAll('\n', ', ')
  return name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, MAX_NAME)
}
