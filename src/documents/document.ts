import type { DocumentAddress, Examination, Insurance, LocalCopy, Registration, Vehicle } from './doctypes/groups.ts'
import type { ChainLink, TimePolicy } from './trust/signer.ts'

/** A postal address, in the words of OpenID Connect Core §5.1.1. Absent members are absent, never empty. */
export interface PostalAddress {
  readonly formatted: string
  readonly street_address?: string
  readonly locality?: string
  readonly region?: string
  readonly postal_code?: string
  readonly country?: string
}

export interface VehicleClass {
  /** as printed: `LMV`, `MCWG` */
  readonly abbreviation: string
  readonly description?: string | undefined
  /** YYYY-MM-DD */
  readonly issuedOn?: string | undefined
  readonly endorsedOn?: string | undefined
  readonly use?: 'transport' | 'non-transport' | undefined
}

/** Fields of one document, normalised, read from the very bytes whose digest was signed. Plain data. */
export interface DocumentFields {
  /** `ADHAR`, `DRVLC`, `PANCR`, … */
  readonly doctype: string
  /** licence number, PAN; never an Aadhaar number */
  readonly number?: string | undefined
  /** Aadhaar only: the last four digits */
  readonly lastFour?: string | undefined
  readonly name?: string | undefined
  /** the name in the local script, where the document carries one */
  readonly localName?: string | undefined
  /** YYYY-MM-DD, or YYYY where the document knows only the year */
  readonly birthdate?: string | undefined
  readonly gender?: 'female' | 'male' | 'transgender' | undefined
  /** the one to reach the person at: present before permanent */
  readonly address?: PostalAddress | undefined
  /** all that the document has, in its order */
  readonly addresses?: readonly DocumentAddress[] | undefined
  readonly local?: LocalCopy | undefined
  /** the organisation that the document was issued to, where it is not a person */
  readonly organization?: string | undefined
  /** what the document calls itself: `Driving License` */
  readonly title?: string | undefined
  readonly previousNumber?: string | undefined
  readonly placeOfIssue?: string | undefined
  /** YYYY-MM-DD */
  readonly issuedOn?: string | undefined
  readonly validFrom?: string | undefined
  readonly expiresOn?: string | undefined
  /** when the issuer vouched for the content */
  readonly verifiedOn?: string | undefined
  /** epoch seconds of `verifiedOn`, where a time is written; Indian time where no zone is */
  readonly verifiedAt?: number | undefined
  readonly status?: 'active' | 'inactive' | undefined
  /** who stands behind the content (not who signed the XML) */
  readonly documentIssuer: { readonly id?: string | undefined; readonly name?: string | undefined }
  readonly vehicleClasses?: readonly VehicleClass[] | undefined
  readonly vehicle?: Vehicle | undefined
  readonly registration?: Registration | undefined
  readonly insurance?: Insurance | undefined
  readonly examination?: Examination | undefined
  /**
   * By the path of a member above (`birthdate`, `vehicle.seats`): the very characters it was read from. Holds nothing
   * that is not above as well; composed members (an address for the envelope) have none.
   */
  readonly original?: Readonly<Record<string, string>> | undefined
  /** paths of members left out because they look like an Aadhaar number by chance (a policy number of 12 digits) */
  readonly withheld?: readonly string[] | undefined
}

/**
 * How a document was verified: enough to defend the check years later without the document. Plain data, no personal
 * value; the keyed digests of the bytes and of the URI stand beside it where it is kept.
 * @see documents-and-signatures.md §6 (minimal evidence); security.md XM-15
 */
export interface DocumentVerification {
  /** a row of `profiles.ts` */
  readonly profile: string
  /** SHA-256 of the signer's certificate (DER), lower-case hex */
  readonly signerFingerprint: string
  readonly signerName: string
  readonly signerBasis: 'pin' | 'path'
  /** from the signer up to the anchor; the signer alone where no path could be built */
  readonly chain: readonly ChainLink[]
  readonly revocation: 'good' | 'unchecked'
  readonly signatureAlgorithm: string
  readonly digestAlgorithm: string
  /** of SignedInfo */
  readonly canonicalization: string
  readonly weakAlgorithm?: string | undefined
  /** the signer's certificate had ended at `judgedAt` and was accepted within the tolerance of its pin */
  readonly signerExpired?: boolean | undefined
  readonly timeBasis: TimePolicy
  /** epoch seconds: the moment at which the signer's validity was judged */
  readonly judgedAt: number
  /** whether a second, independent verifier agreed */
  readonly crossChecked: boolean
  /** stable codes: what a reviewer should know about a check that held */
  readonly reasons: readonly string[]
  /** epoch seconds */
  readonly verifiedAt: number
}
