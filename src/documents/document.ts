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
  readonly address?: PostalAddress | undefined
  /** YYYY-MM-DD */
  readonly issuedOn?: string | undefined
  readonly validFrom?: string | undefined
  readonly expiresOn?: string | undefined
  readonly verifiedOn?: string | undefined
  readonly status?: 'active' | 'inactive' | undefined
  /** who stands behind the content (not who signed the XML) */
  readonly documentIssuer: { readonly id?: string | undefined; readonly name?: string | undefined }
  readonly vehicleClasses?: readonly VehicleClass[] | undefined
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
