import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto'
import { DocumentError } from '../../errors.ts'
import type { AcceptedSigner } from '../trust/signer.ts'
import { checkSignature, type SignatureScheme } from './algorithms.ts'
import { type CmsSignature, readCms } from './cms.ts'
import { type Coverage, readCoverage } from './coverage.ts'
import type { PdfDictionary } from './lexer.ts'
import { nameOf, type SignatureDictionary } from './scan.ts'
import { describeSigner, fingerprintOf, signerCertificate } from './signer-certificate.ts'
import {
  PdfFault,
  type PdfLimits,
  type PdfReason,
  type PdfSignature,
  type PdfSigner,
  type SignerTrust,
  type SubFilter,
} from './verdict.ts'

export interface Judging {
  readonly rail: string
  readonly trust: SignerTrust
  /** epoch seconds */
  readonly at: number
  readonly limits: PdfLimits
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Evidence = Mutable<PdfSignature>

/**
 * Judges one signature by itself: its range, its CMS, its digest and key, its signer. What could be learnt before a
 * reason ended the reading stays in the result.
 */
export async function judgeSignature(
  bytes: Uint8Array,
  { dictionary, certification }: SignatureDictionary,
  judging: Judging,
): Promise<PdfSignature> {
  const evidence: Evidence = { subFilter: subFilterOf(dictionary), reasons: [], certification }
  try {
    const coverage = readCoverage(bytes, dictionary, judging.limits)
    evidence.coverage = { byteRange: coverage.byteRange, wholeFile: coverage.end === bytes.length }
    checkSubFilter(evidence.subFilter)
    const cms = readCms(coverage.contents, judging.limits)
    const certificate = verifyCms(cms, coverage, evidence)
    evidence.reasons = await reasonsAgainst(cms, certificate, evidence, judging)
  } catch (error) {
    // An error without a reason is a flaw of ours or of a parser; it must refuse, never pass and never crash.
    evidence.reasons = [error instanceof PdfFault ? error.reason : 'unreadable']
  }
  return Object.freeze(evidence)
}

function subFilterOf({ entries }: PdfDictionary): SubFilter {
  const name = nameOf(entries.get('SubFilter'))
  return name === 'adbe.pkcs7.detached' || name === 'ETSI.CAdES.detached' || name === 'adbe.pkcs7.sha1' ? name : 'other'
}

function checkSubFilter(subFilter: SubFilter): void {
  if (subFilter === 'adbe.pkcs7.sha1') throw new PdfFault('subfilter_sha1')
  if (subFilter === 'other') throw new PdfFault('subfilter_unsupported')
}

/** Digest and signature, by whatever certificate came along: this says "not altered", and nothing about whom to believe. */
function verifyCms(cms: CmsSignature, coverage: Coverage, evidence: Evidence): X509Certificate {
  evidence.digestAlgorithm = cms.digest
  evidence.signatureAlgorithm = schemeName(cms.scheme)
  if (cms.signingTime !== undefined) evidence.signingTime = { claimed: cms.signingTime, proven: false }
  const hash = createHash(cms.digest)
  for (const part of coverage.parts) hash.update(part)
  if (!equal(hash.digest(), cms.messageDigest)) throw new PdfFault('digest_mismatch')
  const certificate = signerCertificate(cms)
  evidence.signer = describeSigner(certificate)
  checkSignature(cms.scheme, certificate.publicKey, cms.signedAttributes, cms.signature)
  return certificate
}

const schemeName = ({ kind, digest }: SignatureScheme) => `${kind}-${digest}`
const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && timingSafeEqual(a, b)

/** All that stands against believing a signature that holds; collected, so that the operator sees them at once. */
async function reasonsAgainst(
  cms: CmsSignature,
  certificate: X509Certificate,
  evidence: Evidence,
  judging: Judging,
): Promise<readonly PdfReason[]> {
  const reasons: PdfReason[] = []
  if (cms.digest === 'sha1') reasons.push('digest_sha1')
  evidence.signingCertificate = compareSigningCertificate(cms, certificate)
  if (evidence.signingCertificate === 'mismatched') reasons.push('signing_certificate_mismatch')
  const hasVersion2 = cms.signingCertificates.some(({ version }) => version === 2)
  // ETSI EN 319 142-1 §6.3 and EN 319 122-1 §5.2.2; version 1 rests on SHA-1.
  if (evidence.subFilter === 'ETSI.CAdES.detached' && !hasVersion2) reasons.push('signing_certificate_missing')
  try {
    evidence.signer = await acceptedSigner(cms, certificate, judging)
  } catch (error) {
    reasons.push(trustReason(error))
  }
  return reasons
}

function compareSigningCertificate(cms: CmsSignature, { raw }: X509Certificate): PdfSignature['signingCertificate'] {
  if (cms.signingCertificates.length === 0) return 'absent'
  const matches = cms.signingCertificates.every(({ digest, hash }) =>
    equal(createHash(digest).update(raw).digest(), hash),
  )
  return matches ? 'matched' : 'mismatched'
}

/** Trust sees the whole bag and may know another certificate in it: only the one whose key signed may be accepted. */
async function acceptedSigner(cms: CmsSignature, certificate: X509Certificate, judging: Judging): Promise<PdfSigner> {
  const { rail, trust, at } = judging
  // `fetch`, because the time of signing is the signer's own word and a stolen key could say any.
  const question = { certificates: signerFirst(cms, certificate), rail, timePolicy: 'fetch', fetchedAt: at } as const
  const accepted = await trust.acceptSigner(question)
  const isSame = accepted.fingerprint === fingerprintOf(certificate) && accepted.key.equals(certificate.publicKey)
  if (!isSame) throw new PdfFault('signer_mismatch')
  return toSigner(accepted)
}

function signerFirst({ certificates }: CmsSignature, { raw }: X509Certificate): readonly Uint8Array[] {
  return [raw, ...certificates.filter((der) => !raw.equals(der))]
}

const toSigner = ({ fingerprint, name, chain, basis, expired, revocation }: AcceptedSigner): PdfSigner => ({
  fingerprint,
  name,
  accepted: true,
  chain,
  basis,
  expired,
  revocation,
})

function trustReason(error: unknown): PdfReason {
  if (error instanceof PdfFault) return error.reason
  if (!(error instanceof DocumentError)) return 'signer_undecided'
  return isCheck(error.check) ? error.check : 'signer_untrusted'
}

const isCheck = (check: string | undefined): check is `${string}.${string}` => check?.includes('.') ?? false
