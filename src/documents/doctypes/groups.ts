import type { PostalAddress } from '../document.ts'

/**
 * A value that is not always what it should be: `written` as it stands in the document but for tidied white space,
 * `value` where that has one meaning. Marks of `AB` (absent) are written and have no value; marks of `085` are 85.
 */
export interface Written<T> {
  readonly written: string
  readonly value?: T | undefined
}

/** The parts of an address under the names of the document, each as written there but for tidied white space. */
export interface AddressParts {
  readonly house?: string | undefined
  readonly street?: string | undefined
  readonly line1?: string | undefined
  readonly line2?: string | undefined
  readonly landmark?: string | undefined
  readonly locality?: string | undefined
  /** village, town or city */
  readonly vtc?: string | undefined
  readonly postOffice?: string | undefined
  readonly subDistrict?: string | undefined
  readonly district?: string | undefined
  readonly state?: string | undefined
  readonly pin?: string | undefined
  readonly country?: string | undefined
}

export interface DocumentAddress {
  /** absent where the document does not say, or has but one */
  readonly use?: 'permanent' | 'present' | undefined
  readonly postal: PostalAddress
  readonly parts: AddressParts
}

/** The copy of name and address in a local language (`LData`). */
export interface LocalCopy {
  /** BCP 47; absent for a code that nobody has documented */
  readonly language?: string | undefined
  readonly name?: string | undefined
  readonly address?: PostalAddress | undefined
}

/** What a registration certificate says of the vehicle. Numbers are in the unit of the registration; it states none. */
export interface Vehicle {
  readonly class?: string | undefined
  readonly make?: string | undefined
  readonly model?: string | undefined
  readonly engineNumber?: string | undefined
  readonly chassisNumber?: string | undefined
  readonly fuel?: string | undefined
  readonly colour?: string | undefined
  /** YYYY-MM-DD, YYYY-MM or YYYY: as much as is written */
  readonly manufactured?: string | undefined
  readonly seats?: number | undefined
  readonly sleepers?: number | undefined
  readonly standing?: number | undefined
  readonly unladenWeight?: number | undefined
  readonly cubicCapacity?: number | undefined
  readonly cylinders?: number | undefined
  readonly wheelbase?: number | undefined
  /** YYYY-MM-DD; absent does not mean for ever */
  readonly fitUntil?: string | undefined
}

export interface Registration {
  /** YYYY-MM-DD: since when the certificate has its status */
  readonly statusSince?: string | undefined
  readonly financedBy?: string | undefined
  /** `BHARAT STAGE IV`, as written */
  readonly emissionNorms?: string | undefined
}

export interface Insurance {
  readonly company?: string | undefined
  readonly policyNumber?: string | undefined
  /** YYYY-MM-DD; absent does not mean for ever */
  readonly validUntil?: string | undefined
}

export interface Institution {
  readonly name?: string | undefined
  readonly code?: string | undefined
}

export type ExaminationResult = 'pass' | 'fail' | 'compartment' | 'absent'

/** A class X or XII marksheet. */
export interface Examination {
  readonly name?: string | undefined
  /** 1 to 12; two months in one (`MARCH/APRIL`) are written and have no value */
  readonly month?: Written<number> | undefined
  readonly year?: number | undefined
  readonly centreCode?: string | undefined
  readonly admitCardId?: string | undefined
  /** who examined: the issuer of the document */
  readonly board?: Institution | undefined
  readonly school?: Institution | undefined
  readonly performance?: Performance | undefined
  readonly subjects?: readonly Subject[] | undefined
}

export interface Performance {
  readonly result?: Written<ExaminationResult> | undefined
  readonly total?: Written<number> | undefined
  readonly maximum?: Written<number> | undefined
  readonly percentage?: Written<number> | undefined
  readonly cgpa?: Written<number> | undefined
  readonly cgpaMaximum?: Written<number> | undefined
  readonly grade?: string | undefined
  /** YYYY-MM-DD */
  readonly declaredOn?: string | undefined
  readonly updatedOn?: string | undefined
}

export interface Subject {
  readonly name?: string | undefined
  readonly code?: string | undefined
  readonly theory?: Written<number> | undefined
  readonly theoryMaximum?: Written<number> | undefined
  readonly practical?: Written<number> | undefined
  readonly practicalMaximum?: Written<number> | undefined
  readonly total?: Written<number> | undefined
  readonly maximum?: Written<number> | undefined
  readonly gradePoint?: Written<number> | undefined
  readonly gradePointMaximum?: Written<number> | undefined
  readonly grade?: string | undefined
}
