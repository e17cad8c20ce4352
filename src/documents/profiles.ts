import type { TimePolicy } from './trust/signer.ts'
import type { XmlLimits } from './xml.ts'

export const XMLDSIG = 'http://www.w3.org/2000/09/xmldsig#'
export const ENVELOPED = `${XMLDSIG}enveloped-signature`
export const C14N = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#'

const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'

export type SignatureMethod = 'rsa-sha1' | 'rsa-sha256'
export type DigestMethod = 'sha256'

/** All that a kind of signed document may look like. What is not named here is refused. */
export interface Profile {
  readonly id: string
  /** whose pins count */
  readonly rail: string
  /** which clock judges the signer's certificate */
  readonly timePolicy: TimePolicy
  /** the root's attribute in which the signed content states when it was signed; needed by the policy `signed` */
  readonly signingTimeIn?: string | undefined
  /** local names of the document element, which has no namespace */
  readonly roots: readonly string[]
  /** by algorithm identifier (XMLDSig 1.1 §6) */
  readonly canonicalizations: readonly string[]
  readonly signatureMethods: Readonly<Record<string, SignatureMethod>>
  readonly digestMethods: Readonly<Record<string, DigestMethod>>
  /** allowed after the enveloped-signature transform, at most one */
  readonly contentTransforms: readonly string[]
  /** tolerated for want of better from the upstream, and reported with every result */
  readonly weakMethods: readonly SignatureMethod[]
  /** the weak methods are to be looked at again by then (YYYY-MM-DD) */
  readonly reviewBy: string
  readonly limits: XmlLimits
  readonly certificates: number
  /** characters of one base64 field of the Signature */
  readonly base64Length: number
}

const LIMITS: XmlLimits = {
  bytes: 5 * 1024 * 1024,
  depth: 40,
  elements: 2_000,
  attributes: 64,
  namespaces: 32,
  attributeLength: 20_000,
  textLength: 4 * 1024 * 1024,
  rewrites: 20_000,
}

/**
 * What DigiLocker serves (documents-and-signatures.md §2.1, P-DL).
 * - Roots: certificates are `Certificate`; e-Aadhaar may also arrive with `KycRes` as its root (digilocker-api.md §10.5).
 * - rsa-sha1: every genuine document seen is signed so, always over a SHA-256 digest. SignedInfo is a fixed template in
 *   which only that digest varies, so a forger needs a second preimage, not a collision. Never for digests, never for a
 *   signer that is not pinned, and each result says so (§3.5).
 * - rsa-sha256: not seen yet, allowed so that the day of the change needs no release.
 * - SignedInfo is exclusive C14N in e-Aadhaar; for PAN and licence that is likely, not proven (§8), so both are allowed.
 * - Limits: security.md XM-3. Elements are held lower: the biggest mark sheet has some hundreds, and the engine's
 *   XPath is quadratic in them (performance.md §1). Photographs are text of up to some hundred kilobytes.
 */
const digilocker: Profile = {
  id: 'digilocker',
  rail: 'digilocker',
  timePolicy: 'fetch',
  roots: ['Certificate', 'KycRes'],
  canonicalizations: [EXCLUSIVE_C14N, C14N],
  signatureMethods: {
    [`${XMLDSIG}rsa-sha1`]: 'rsa-sha1',
    [RSA_SHA256]: 'rsa-sha256',
  },
  digestMethods: { 'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256' },
  contentTransforms: [C14N, EXCLUSIVE_C14N],
  weakMethods: ['rsa-sha1'],
  reviewBy: '2027-06-30',
  limits: LIMITS,
  certificates: 8,
  base64Length: 20_000,
}

/**
 * Aadhaar Paperless Offline e-KYC as UIDAI signs it (documents-and-signatures.md §2.1, P-OKY): inclusive C14N, base64 in
 * lines that end in an escaped carriage return, the leaf certificate alone. The content states its time of signing, and
 * genuine files were signed long after their certificate had ended (§0 no. 4), so that time and the pin's own end judge.
 */
const uidaiOffline: Profile = {
  ...digilocker,
  id: 'uidai-offline',
  rail: 'uidai-offline',
  timePolicy: 'signed',
  signingTimeIn: 'referenceId',
  roots: ['OfflinePaperlessKyc'],
  canonicalizations: [C14N],
}

/** What DigiLocker is expected to serve once it leaves SHA-1 behind; nothing weak is tolerated in it. */
const modern: Profile = {
  ...digilocker,
  id: 'modern',
  signatureMethods: { [RSA_SHA256]: 'rsa-sha256' },
  weakMethods: [],
}

/** One row per kind of signed document; a further kind is a further row. */
export const PROFILES = { digilocker, uidaiOffline, modern } as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
