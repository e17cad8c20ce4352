/** An invented person and what is in the locker. */
export interface Persona {
  readonly id: string
  /** what this persona is for, shown on the sign-in page */
  readonly story: string
  /** six digits */
  readonly pin: string
  readonly digilockerId: string
  readonly username: string
  readonly ssoId: string
  readonly name: string
  /** father, mother or spouse as documents print it */
  readonly relative: string
  /** YYYY-MM-DD */
  readonly birthdate: string
  readonly gender: 'F' | 'M' | 'T'
  /** ten digits; absent: no mobile number linked */
  readonly mobile?: string
  readonly email?: string
  readonly address: Address
  /** absent: Aadhaar is not linked */
  readonly aadhaar?: Aadhaar
  readonly pan?: Pan
  readonly licence?: Licence
  /** doctypes whose issuer has no XML */
  readonly pdfOnly?: readonly string[]
}

export interface Address {
  readonly house: string
  readonly street: string
  readonly landmark: string
  readonly locality: string
  /** village, town or city */
  readonly vtc: string
  readonly postOffice: string
  readonly subdistrict: string
  readonly district: string
  readonly state: string
  readonly pin: string
}

export interface Aadhaar {
  readonly lastFour: string
  /** UIDAI knows only the year of birth */
  readonly yearOnly?: boolean
  readonly local?: {
    /** UIDAI language code: `06` Hindi, `20` Tamil */
    readonly code: string
    /** BCP 47 */
    readonly tag: string
    readonly name: string
    readonly careOf: string
    readonly house: string
    readonly street: string
    readonly locality: string
    readonly vtc: string
    readonly district: string
    readonly state: string
  }
}

export interface Pan {
  readonly number: string
  /** DD-MM-YYYY HH:mm:ss */
  readonly verifiedOn: string
}

/** Dates are YYYY-MM-DD. */
export interface Licence {
  readonly number: string
  readonly office: string
  readonly issuedOn: string
  readonly expiresOn: string
  /** as on the wire: `A` in the schema, `Active` observed, anything else is not active */
  readonly status: string
  readonly classes: readonly { code: 'NT' | 'T'; abbreviation: string; description: string; issuedOn: string }[]
}
