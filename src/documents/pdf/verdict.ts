import type { AcceptedSigner, ChainLink, SignerQuestion, TimePolicy } from '../trust/signer.ts'

/** What a PDF's signatures prove, from best to least (documents-and-signatures.md §4). */
export type PdfVerdictName =
  /** every signature holds, a signer we believe signed the file to its last byte */
  | 'pdf_signed_trusted'
  /** nothing contradicts the signatures, but no belief follows: the signer, an algorithm or a limit stands against it */
  | 'pdf_signed_untrusted_signer'
  /** a signature does not hold, or the file is not as it was signed */
  | 'pdf_altered_after_signing'
  /** no signature that we could see */
  | 'pdf_unsigned'

interface Reason {
  readonly verdict: Exclude<PdfVerdictName, 'pdf_signed_trusted'>
  /** completes the sentence "a PDF is not trusted unless …" */
  readonly unless: string
}

const UNSIGNED = 'pdf_unsigned'
const ALTERED = 'pdf_altered_after_signing'
const UNTRUSTED = 'pdf_signed_untrusted_signer'

/** Every reason of ours that stands against a PDF, and the best verdict that it still allows. Ids are stable. */
export const PDF_REASONS = {
  no_signature: { verdict: UNSIGNED, unless: 'it has a signature' },
  unreadable: { verdict: ALTERED, unless: 'its objects can be read to the end' },
  too_many_objects: { verdict: ALTERED, unless: 'it has no more objects, and no more in them, than we read' },
  too_many_signatures: { verdict: UNTRUSTED, unless: 'it has no more signatures than we judge' },
  // the signature dictionary and its coverage
  duplicate_key: { verdict: ALTERED, unless: 'no entry of a signature stands twice' },
  contents_missing: { verdict: ALTERED, unless: 'the signature has Contents' },
  contents_indirect: { verdict: ALTERED, unless: 'Contents stands in the signature itself' },
  contents_malformed: { verdict: ALTERED, unless: 'Contents is a string of hex digits and nothing else' },
  contents_too_large: { verdict: UNTRUSTED, unless: 'Contents is no bigger than we read' },
  byte_range_missing: { verdict: ALTERED, unless: 'the signature has a ByteRange' },
  byte_range_indirect: { verdict: ALTERED, unless: 'ByteRange stands in the signature itself' },
  byte_range_malformed: { verdict: ALTERED, unless: 'ByteRange is four whole numbers' },
  byte_range_start: { verdict: ALTERED, unless: 'ByteRange begins at the first byte' },
  byte_range_order: { verdict: ALTERED, unless: 'the two parts of ByteRange follow each other with a gap' },
  byte_range_bounds: { verdict: ALTERED, unless: 'ByteRange ends within the file and after the signature' },
  byte_range_gap: { verdict: ALTERED, unless: 'the gap of ByteRange is exactly the Contents of that signature' },
  byte_range_overlap: { verdict: ALTERED, unless: 'each signature comes after all that the one before it covers' },
  update_after_signing: { verdict: ALTERED, unless: 'the last signature covers the file to its end' },
  // the CMS in Contents
  subfilter_sha1: { verdict: UNTRUSTED, unless: 'it is not adbe.pkcs7.sha1, which signs a SHA-1' },
  subfilter_unsupported: { verdict: UNTRUSTED, unless: 'its SubFilter is adbe.pkcs7.detached or ETSI.CAdES.detached' },
  cms_malformed: { verdict: ALTERED, unless: 'Contents is a CMS SignedData' },
  cms_not_der: { verdict: UNTRUSTED, unless: 'the CMS is in DER throughout' },
  cms_trailing_bytes: { verdict: ALTERED, unless: 'nothing but zeros follows the CMS' },
  cms_not_detached: { verdict: ALTERED, unless: 'the CMS carries no content of its own' },
  cms_signer_count: { verdict: ALTERED, unless: 'the CMS has one SignerInfo' },
  signed_attributes_missing: { verdict: ALTERED, unless: 'the CMS has signed attributes' },
  signed_attributes_malformed: { verdict: ALTERED, unless: 'each signed attribute stands once, with one value' },
  content_type_wrong: { verdict: ALTERED, unless: 'the signed content type is data' },
  digest_mismatch: { verdict: ALTERED, unless: 'the covered bytes have the digest that was signed' },
  signature_invalid: { verdict: ALTERED, unless: 'the signature was made with the key of the signer’s certificate' },
  digest_sha1: { verdict: UNTRUSTED, unless: 'it does not rest on SHA-1' },
  digest_unsupported: { verdict: UNTRUSTED, unless: 'its digest is SHA-256, SHA-384 or SHA-512' },
  signature_algorithm_unsupported: {
    verdict: UNTRUSTED,
    unless: 'it is signed by RSA (PKCS #1 v1.5 or PSS) or ECDSA (P-256, P-384), with its own digest',
  },
  // the signer
  too_many_certificates: { verdict: UNTRUSTED, unless: 'it carries no more certificates than we read' },
  signer_certificate_missing: { verdict: UNTRUSTED, unless: 'it carries the certificate of its signer' },
  signer_certificate_ambiguous: { verdict: UNTRUSTED, unless: 'one certificate alone fits the signer that it names' },
  signer_certificate_malformed: { verdict: UNTRUSTED, unless: 'the certificate of its signer can be read' },
  signing_certificate_missing: { verdict: UNTRUSTED, unless: 'a CAdES signature signs signing-certificate-v2' },
  signing_certificate_mismatch: { verdict: UNTRUSTED, unless: 'the signed signing-certificate is that of the signer' },
  signer_mismatch: { verdict: UNTRUSTED, unless: 'the signer whom trust accepts is the one who signed' },
  signer_untrusted: { verdict: UNTRUSTED, unless: 'trust accepts the signer' },
  signer_undecided: { verdict: UNTRUSTED, unless: 'trust could answer' },
} as const satisfies Record<string, Reason>

export type PdfReasonId = keyof typeof PDF_REASONS
/** A reason of ours, or (with a dot) the check by which trust refused the signer: `signer.ended`, `chain.path`. */
export type PdfReason = PdfReasonId | `${string}.${string}`

/** The best verdict that a PDF may get which has this against it. */
export function bestVerdictWith(reason: PdfReason): Reason['verdict'] {
  return isOwnReason(reason) ? PDF_REASONS[reason].verdict : UNTRUSTED
}
export const isOwnReason = (reason: PdfReason): reason is PdfReasonId => Object.hasOwn(PDF_REASONS, reason)

/** Bounds on work. Sizes in bytes. */
export interface PdfLimits {
  readonly maxBytes: number
  readonly maxObjects: number
  /** numbers, names and all else that stands in objects and between them, streams apart */
  readonly maxValues: number
  readonly maxSignatures: number
  readonly maxCertificates: number
  /** of the CMS, not of its hex digits */
  readonly maxContentsBytes: number
}

export const PDF_LIMITS: PdfLimits = Object.freeze({
  maxBytes: 15 * 1024 * 1024,
  maxObjects: 100_000,
  maxValues: 1_000_000,
  maxSignatures: 8,
  maxCertificates: 16,
  maxContentsBytes: 256 * 1024,
})

export type SubFilter = 'adbe.pkcs7.detached' | 'ETSI.CAdES.detached' | 'adbe.pkcs7.sha1' | 'other'
export type DigestName = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** Who signed. Unless `accepted`, this is only what a certificate says of itself: anybody can make one with any name. */
export interface PdfSigner {
  /** SHA-256 of the certificate (DER), lower-case hex */
  readonly fingerprint: string
  /** common name; of a person, if the signer is one: not for logs */
  readonly name: string
  readonly accepted: boolean
  /** from the signer up, as trust built it; empty unless accepted */
  readonly chain: readonly ChainLink[]
  readonly basis?: AcceptedSigner['basis'] | undefined
  readonly expired?: boolean | undefined
  readonly revocation?: AcceptedSigner['revocation'] | undefined
}

/** One signature, as evidence. Members are absent where the reading did not come that far. */
export interface PdfSignature {
  readonly subFilter: SubFilter
  readonly reasons: readonly PdfReason[]
  readonly coverage?: { readonly byteRange: readonly [0, number, number, number]; readonly wholeFile: boolean }
  readonly digestAlgorithm?: DigestName | undefined
  /** `rsa-pkcs1-sha256`, `rsa-pss-sha512`, `ecdsa-sha384` */
  readonly signatureAlgorithm?: string | undefined
  readonly signer?: PdfSigner | undefined
  /** what the signer's clock said, epoch seconds; nobody else stands behind it */
  readonly signingTime?: { readonly claimed: number; readonly proven: false } | undefined
  /** the signed hash of the signer's certificate (RFC 5035) */
  readonly signingCertificate?: 'matched' | 'mismatched' | 'absent' | undefined
  /** a certification signature (DocMDP); recorded, its permissions are not applied: no change at all is allowed */
  readonly certification: boolean
}

/** The judgement on a PDF. It holds no text, field or metadata of the document: a PDF proves "signed", never a value. */
export interface PdfVerdict {
  readonly verdict: PdfVerdictName
  /** why the verdict is not better; empty exactly when it is `pdf_signed_trusted` */
  readonly reasons: readonly PdfReason[]
  /** in the order in which they cover the file; the last one decides about its end */
  readonly signatures: readonly PdfSignature[]
  /** signature dictionaries found; where there are too many to judge, one more than the limit */
  readonly signatureCount: number
  /** document timestamps found; recorded, not trusted, not verified */
  readonly documentTimestamps: number
  /** the content is encrypted; signatures are not, so the verdict stands without a password */
  readonly encrypted: boolean
  readonly timeBasis: TimePolicy
  /** epoch seconds at which signers were judged */
  readonly judgedAt: number
}

/** What we ask of trust. */
export interface SignerTrust {
  /** @throws DocumentError with the check that refused */
  acceptSigner(question: SignerQuestion): Promise<AcceptedSigner>
}

/** A reason found while reading; never leaves this room. */
export class PdfFault extends Error {
  readonly reason: PdfReasonId
  constructor(reason: PdfReasonId, options?: { cause?: unknown }) {
    super(`not trusted unless ${PDF_REASONS[reason].unless}`, options)
    this.name = 'PdfFault'
    this.reason = reason
  }
}
