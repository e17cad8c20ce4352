import type { Clock } from '../clock.ts'
import { answerAge } from '../documents/answers/age.ts'
import type { Answer } from '../documents/answers/answer.ts'
import { answerLicence, answerLicenceInForce } from '../documents/answers/licence.ts'
import type { DocumentFields } from '../documents/document.ts'
import type { AssertedProfile } from '../rails/rail.ts'
import { predefined, transform } from './transformed-claims.ts'

/** When an answer is judged; its date is the one in India. */
export interface Judgement {
  readonly clock: Clock
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
  /** worked out from the document rather than printed on it: the person is told that the answer alone is shared */
  readonly isAnswer?: true
  /** also within `verified_claims` */
  readonly proven?: true
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

/** A yes or no that has a scope of its own, so that an app need not take the field behind it; unknown is no claim. */
const ofAnswer = (
  claim: string,
  anyOf: ClaimRow['anyOf'],
  ask: (fields: DocumentFields, clock: Clock) => Answer,
): ClaimRow => ({
  claim,
  scope: claim,
  anyOf,
  isAnswer: true,
  proven: true,
  fromDocument: (fields, { clock }) => ({ yes: true, no: false, unknown: undefined })[ask(fields, clock).answer],
})

/** Every flat claim of ours that is not made of another. Adding one is adding a row (and its sentences in the locale files). */
const plainRows: readonly ClaimRow[] = [
  {
    claim: 'name',
    scope: 'profile',
    anyOf: IDENTITY,
    fromDocument: (fields) => fields.name,
    fromAccount: (asserted) => asserted.name,
    proven: true,
  },
  {
    claim: 'birthdate',
    scope: 'profile',
    anyOf: IDENTITY,
    fromDocument: (fields) => fields.birthdate,
    fromAccount: (asserted) => asserted.birthdate,
    proven: true,
  },
  {
    claim: 'gender',
    scope: 'profile',
    anyOf: ['ADHAR', 'PANCR'],
    fromDocument: (fields) => fields.gender,
    fromAccount: (asserted) => asserted.gender,
    proven: true,
  },
  {
    claim: 'address',
    scope: 'address',
    anyOf: ['ADHAR', 'DRVLC'],
    fromDocument: (fields) => fields.address,
    proven: true,
  },
  { claim: 'phone_number', scope: 'phone', anyOf: [], fromAccount: (asserted) => asserted.phoneNumber },
  { claim: 'email', scope: 'email', anyOf: [], fromAccount: (asserted) => asserted.email },
  // Answers that people are let in by come from a signed document or not at all; a year of birth alone is no answer.
  ofAnswer('age_over_18', IDENTITY, (fields, clock) => answerAge(fields, 18, clock)),
  ofAnswer('driving_licence_valid', ['DRVLC'], answerLicenceInForce),
  ofAnswer('drives_lmv', ['DRVLC'], (fields, clock) => answerLicence(fields, { vehicleClass: 'LMV' }, clock)),
  ofAnswer('drives_mcwg', ['DRVLC'], (fields, clock) => answerLicence(fields, { vehicleClass: 'MCWG' }, clock)),
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

/** `::name`: an answer that a relying app has by name (`transformed-claims.ts`), made of one of the claims above. */
const answerRows = Object.entries(predefined).flatMap(([name, { claim, fn }]): ClaimRow[] => {
  const base = plainRows.find((row) => row.claim === claim)
  if (!base) return []
  const fromDocument: ClaimRow['fromDocument'] = (fields, judgement) =>
    transform(base.fromDocument?.(fields, judgement), fn, judgement.clock)
  return [{ claim: `::${name}`, anyOf: base.anyOf, isAnswer: true, proven: true, fromDocument }]
})

/** Every flat claim of ours. Adding one is adding a row (and its sentences in the locale files). */
export const claimRows: readonly ClaimRow[] = [...plainRows, ...answerRows]

const rowByClaim = new Map(claimRows.map((row) => [row.claim, row]))

export const findClaimRow = (claim: string): ClaimRow | undefined => rowByClaim.get(claim)

/** DigiLocker states a number or address without saying that it proved it, so the companion claim is false. */
export const companions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  phone_number: { phone_number_verified: false },
  email: { email_verified: false },
}

/** Claims that the engine knows beside ours: of the sign-in itself, and those that come along with one of ours. */
export const otherClaims: ReadonlySet<string> = new Set([
  ...['sub', 'acr', 'auth_time', 'iss', 'sid'],
  ...Object.values(companions).flatMap((companion) => Object.keys(companion)),
])

/** The engine's `claims` setting: scope → claims, and bare claims (oidc-provider.md §3). */
export function toEngineClaims(): Record<string, string[] | null> {
  const byScope: Record<string, string[] | null> = {
    openid: ['sub'],
    acr: null,
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
