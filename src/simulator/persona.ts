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
  readonly vehicles?: readonly Vehicle[]
  readonly marksheets?: readonly Marksheet[]
  /** doctypes whose issuer has no XML */
  readonly pdfOnly?: readonly string[]
  /** doctypes that the issuer has, and that must be pulled into the locker first */
  readonly notInLocker?: readonly string[]
  /** absent: not linked (digilocker-api.md §10.7) */
  readonly apaar?: Apaar
  /** what she put into her locker herself, as paths: `Health/blood test.pdf` (digilocker-api.md §10.2) */
  readonly uploads?: readonly string[]
  /** odd behaviour that follows this person */
  readonly quirks?: readonly { readonly quirk: string; readonly doctype?: string }[]
}

/** The student id and what universities have reported under it. */
export interface Apaar {
  /** twelve digits */
  readonly id: string
  /** YYYY-MM-DD */
  readonly createdOn: string
  readonly universities: readonly {
    readonly name: string
    readonly orgId: string
    readonly courses: readonly { readonly name: string; readonly subjects: readonly string[] }[]
  }[]
}

/** Dates are YYYY-MM-DD. */
export interface Vehicle {
  readonly number: string
  readonly office: string
  readonly registeredOn: string
  readonly fitUntil: string
  readonly class: string
  readonly make: string
  readonly model: string
  readonly fuel: string
  readonly colour: string
  readonly chassis: string
  readonly engine: string
  readonly seats: string
  readonly financer: string
  readonly insurer: string
}

export interface Marksheet {
  readonly doctype: 'SSCER' | 'HSCER'
  readonly number: string
  readonly board: string
  readonly boardId: string
  readonly school: string
  readonly examination: string
  readonly month: string
  readonly year: number
  readonly result: string
  /** marks as boards write them: `081`, `033F` */
  readonly subjects: readonly { name: string; code: string; marks: string; max: string; grade: string }[]
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
  /** where PAN spells it otherwise */
  readonly name?: string
}

/** Dates are YYYY-MM-DD. */
export interface Licence {
  readonly number: string
  readonly office: string
  /** where the licence spells it otherwise */
  readonly name?: string
  readonly issuedOn: string
  readonly expiresOn: string
  /** as on the wire: `A` in the schema, `Active` observed, anything else is not active */
  readonly status: string
  readonly classes: readonly { code: 'NT' | 'T'; abbreviation: string; description: string; issuedOn: string }[]
}
