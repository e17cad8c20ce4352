import type { DocumentFields } from '../documents/document.ts'
import type { AssertedProfile } from '../rails/rail.ts'

/** When and where an answer is judged: `today` is the date in India, YYYY-MM-DD. */
export interface Judgement {
  readonly today: string
  readonly isAgeAtLeast: (birthdate: string, years: number, today: string) => boolean | undefined
}

/** One claim we can release: which scope brings it, which documents can prove it, and how it is read. */
export interface ClaimRow {
  readonly claim: string
  /** absent: only by the `claims` parameter */
  readonly scope?: string
  /** doctypes in order of preference; empty: only what the upstream account asserts */
  readonly anyOf: readonly string[]
  readonly fromDocument?: (fields: DocumentFields, judgement: Judgement) => unknown
  /** for claims that an unsigned upstream profile may also answer (OpenID Connect Core §5.1) */
  readonly fromAccount?: (asserted: AssertedProfile) => unknown
}

const IDENTITY = ['ADHAR', 'PANCR', 'DRVLC'] as const

const ofLicence = (name: string, read: (fields: DocumentFields) => unknown): ClaimRow => ({
  claim: `driving_licence_${name}`,
  scope: 'driving_licence',
  anyOf: ['DRVLC'],
  fromDocument: read,
})
const ofPan = (name: string, read: (fields: DocumentFields) => unknown): ClaimRow => ({
  claim: `pan_${name}`,
  scope: 'pan',
  anyOf: ['PANCR'],
  fromDocument: read,
})
const ofAadhaar = (name: string, read: (fields: DocumentFields) => unknown): ClaimRow => ({
  claim: `aadhaar_${name}`,
  scope: 'aadhaar',
  anyOf: ['ADHAR'],
  fromDocument: read,
})

/** Every flat claim of ours. Adding one is adding a row (and its sentences in the locale files). */
export const claimRows: readonly ClaimRow[] = [
  {
    claim: 'name',
    scope: 'profile',
    anyOf: IDENTITY,
    fromDocument: (fields) => fields.name,
    fromAccount: (asserted) => asserted.name,
  },
  {
    claim: 'birthdate',
    scope: 'profile',
    anyOf: IDENTITY,
    fromDocument: (fields) => fields.birthdate,
    fromAccount: (asserted) => asserted.birthdate,
  },
  {
    claim: 'gender',
    scope: 'profile',
    anyOf: ['ADHAR', 'PANCR'],
    fromDocument: (fields) => fields.gender,
    fromAccount: (asserted) => asserted.gender,
  },
  { claim: 'address', scope: 'address', anyOf: ['ADHAR', 'DRVLC'], fromDocument: (fields) => fields.address },
  { claim: 'phone_number', scope: 'phone', anyOf: [], fromAccount: (asserted) => asserted.phoneNumber },
  { claim: 'email', scope: 'email', anyOf: [], fromAccount: (asserted) => asserted.email },
  {
    claim: 'age_over_18',
    scope: 'age_over_18',
    anyOf: IDENTITY,
    // An answer that people are let in by comes from a signed document or not at all; a year alone is no answer.
    fromDocument: (fields, { today, isAgeAtLeast }) =>
      fields.birthdate === undefined ? undefined : isAgeAtLeast(fields.birthdate, 18, today),
  },
  ofLicence('number', (fields) => fields.number),
  ofLicence('name', (fields) => fields.name),
  ofLicence('birthdate', (fields) => fields.birthdate),
  ofLicence('classes', (fields) => fields.vehicleClasses?.map((vehicle) => vehicle.abbreviation)),
  ofLicence('issued_on', (fields) => fields.issuedOn),
  ofLicence('expires_on', (fields) => fields.expiresOn),
  ofLicence('status', (fields) => fields.status),
  ofPan('number', (fields) => fields.number),
  ofPan('name', (fields) => fields.name),
  ofPan('birthdate', (fields) => fields.birthdate),
  ofPan('status', (fields) => fields.status),
  ofAadhaar('last4', (fields) => fields.lastFour),
  ofAadhaar('name', (fields) => fields.name),
  ofAadhaar('birthdate', (fields) => fields.birthdate),
  ofAadhaar('gender', (fields) => fields.gender),
  ofAadhaar('address', (fields) => fields.address),
]

const rowByClaim = new Map(claimRows.map((row) => [row.claim, row]))

export const findClaimRow = (claim: string): ClaimRow | undefined => rowByClaim.get(claim)

/** DigiLocker states a number or address without saying that it proved it, so the companion claim is false. */
export const companions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  phone_number: { phone_number_verified: false },
  email: { email_verified: false },
}

/** The engine's `claims` setting: scope → claims, and bare claims (oidc-provider.md §3). */
export function toEngineClaims(): Record<string, string[] | null> {
  const byScope: Record<string, string[] | null> = {
    openid: ['sub'],
    acr: null,
    amr: null,
    auth_time: null,
    iss: null,
    sid: null,
    verified_claims: null,
  }
  for (const row of claimRows) {
    if (!row.scope) byScope[row.claim] = null
    else byScope[row.scope] = [...(byScope[row.scope] ?? []), row.claim, ...Object.keys(companions[row.claim] ?? {})]
  }
  return byScope
}

/** The scopes of ours that release claims, in the order of the table. */
export const claimScopes: readonly string[] = [...new Set(claimRows.flatMap((row) => row.scope ?? []))]
