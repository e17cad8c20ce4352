import type { DocumentAddress, Examination, Insurance, LocalCopy, Registration, Vehicle } from './doctypes/groups.ts'

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

/** How the signature was verified. Plain data, no personal value. */
export interface DocumentVerification {
  readonly profile: string
  /** SHA-256 of the signer's certificate (DER), lower-case hex */
  readonly signerFingerprint: string
  readonly signerName: string
  readonly signatureAlgorithm: string
  readonly digestAlgorithm: string
  readonly weakAlgorithm?: string | undefined
  /** the signer's certificate had ended at `verifiedAt` and was accepted within the grace of its pin */
  readonly signerExpired?: boolean | undefined
  readonly timeBasis: 'fetch'
  /** epoch seconds */
  readonly verifiedAt: number
}
