import { generateKeyPairSync } from 'node:crypto'
import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import type { PdfLimits, PdfVerdict } from '../../../src/documents/pdf/verdict.ts'
import { verifyPdf } from '../../../src/documents/pdf/verify-pdf.ts'
import type { TrustStore } from '../../../src/documents/trust/trust.ts'
import type { Pki, Signer } from '../../../src/simulator/pki.ts'
import { testPki } from '../../support/pki.ts'
import { trusting } from '../fixtures.ts'
import { algorithm, type CmsOptions, type CmsSigner, makeCms, OID } from './cms.ts'
import { makePdf, type SigningOptions, signPdf } from './fixtures.ts'

export const AT = Math.floor(Date.parse('2026-11-24T00:00:00Z') / 1000)

/** One government signer whom trust pins, and a stranger under the same root, as every company can become one. */
export interface World {
  readonly pki: Pki
  readonly signer: Signer
  readonly stranger: Signer
  readonly trust: TrustStore
  verify(file: Uint8Array, limits?: Partial<PdfLimits>): Promise<PdfVerdict>
  /** a one-page PDF, signed */
  signed(cms?: CmsOptions, options?: SigningOptions): Promise<Buffer>
}

export async function makeWorld(): Promise<World> {
  const pki = await testPki(new Date(AT * 1000))
  const stranger = await pki.issueSigner({ commonName: 'DS SOME COMPANY', organization: 'SOME COMPANY' })
  const { signer } = pki
  const trust = trusting([signer])
  return {
    pki,
    signer,
    stranger,
    trust,
    verify: (file, limits) => verifyPdf(file, { rail: 'digilocker', trust, at: AT, limits }),
    signed: (cms, options) => signPdf(makePdf(), (covered) => makeCms(signer, covered, cms), options),
  }
}

/** A certificate of its own for a key of any kind, issued by nobody in particular. */
export function selfMade(kind: 'P-256' | 'P-384' | 'secp256k1' | 'rsa-pss', commonName = 'DS OTHER KEY'): CmsSigner {
  const keys =
    kind === 'rsa-pss'
      ? generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: kind })
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' })
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ value: 7 }),
    signature: algorithm(OID.ecdsaSha256),
    signatureAlgorithm: algorithm(OID.ecdsaSha256),
    issuer: named('Nobody'),
    subject: named(commonName),
    notBefore: new pkijs.Time({ value: new Date((AT - 86_400) * 1000) }),
    notAfter: new pkijs.Time({ value: new Date((AT + 86_400) * 1000) }),
    subjectPublicKeyInfo: pkijs.PublicKeyInfo.fromBER(Uint8Array.from(spki)),
  })
  // Pins and strangers are judged before any issuer is, so the signature over the certificate may be anything.
  certificate.signatureValue = new asn1js.BitString({ valueHex: new Uint8Array(64) })
  return { certificateDer: Buffer.from(certificate.toSchema(true).toBER()), privateKey: keys.privateKey }
}

const named = (commonName: string) =>
  new pkijs.RelativeDistinguishedNames({
    typesAndValues: [
      new pkijs.AttributeTypeAndValue({ type: '2.5.4.3', value: new asn1js.Utf8String({ value: commonName }) }),
    ],
  })

export const cmsBy =
  (signer: CmsSigner, options: CmsOptions = {}) =>
  (covered: Buffer) =>
    makeCms(signer, covered, options)

/** Verdict and reasons alone, for comparing. */
export const outcome = ({ verdict, reasons }: PdfVerdict) => ({ verdict, reasons })
export const TRUSTED = { verdict: 'pdf_signed_trusted', reasons: [] }
export const altered = (...reasons: string[]) => ({ verdict: 'pdf_altered_after_signing', reasons })
export const untrusted = (...reasons: string[]) => ({ verdict: 'pdf_signed_untrusted_signer', reasons })
export const unsigned = (...reasons: string[]) => ({ verdict: 'pdf_unsigned', reasons })
