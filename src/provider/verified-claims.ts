import type { DocumentFields, DocumentVerification } from '../documents/document.ts'
import { findClaimRow, type Judgement } from './claims.ts'

/**
 * OpenID Connect for Identity Assurance 1.0, object form: one verified document answers one `verified_claims` request.
 * Request-minimal: nothing is released that was not asked for, and a condition that cannot be met is an omission, never
 * an error (§§5–6 of the specification).
 */

/** Our trust framework: documents served by DigiLocker whose XML signature, signer and digest we verified. */
export const TRUST_FRAMEWORK = 'in_digilocker'

/** `document_details.type` of each doctype, in the order we prefer them as evidence. */
export const documentTypes: Readonly<Record<string, string>> = {
  ADHAR: 'idcard',
  DRVLC: 'driving_permit',
  PANCR: 'pan_card',
}

export const claimsInVerifiedClaims = ['name', 'birthdate', 'gender', 'address', 'age_over_18'] as const

/** Released only when named: asking for "everything" must not bring an identifier along. */
const ONLY_WHEN_NAMED = new Set(['document_number'])

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type JsonObject = { [key: string]: Json }

export interface VerifiedRequest {
  readonly verification: JsonObject
  readonly claims: JsonObject
  /** doctypes that could answer, best first */
  readonly doctypes: readonly string[]
}

export interface VerifiedClaims {
  readonly verification: JsonObject
  readonly claims: JsonObject
}

/** A document as evidence: what was read from it and how it was verified. */
export interface DocumentAsEvidence {
  readonly doctype: string
  readonly fields: DocumentFields
  readonly verification: DocumentVerification
}

/**
 * Names the first place where a `verified_claims` request breaks the specification, or nothing when it is sound.
 * @see OpenID Identity Assurance 1.0 §6
 */
export function faultInVerifiedRequest(node: unknown): string | undefined {
  if (Array.isArray(node)) return 'verified_claims must be a single object here; several in an array are not supported'
  if (!isObject(node)) return 'verified_claims must be an object'
  if (!isObject(node.verification)) return 'verified_claims.verification is missing'
  if (!('trust_framework' in node.verification)) return 'verified_claims.verification.trust_framework is missing'
  if (!isObject(node.claims) || Object.keys(node.claims).length === 0)
    return 'verified_claims.claims is missing or empty'
  for (const [claim, member] of Object.entries(node.claims))
    if (member !== null && !isObject(member))
      return `verified_claims.claims.${printable(claim)} must be null or an object`
  return faultInEvidence(node.verification.evidence)
}

function faultInEvidence(evidence: unknown): string | undefined {
  if (evidence === undefined) return undefined
  if (!Array.isArray(evidence) || evidence.length === 0)
    return 'verified_claims.verification.evidence must be a non-empty array'
  return evidence.every((entry) => isObject(entry) && 'type' in entry)
    ? undefined
    : 'verified_claims.verification.evidence: every entry needs a type'
}

/** The request in our form; call {@link faultInVerifiedRequest} first. */
export function readVerifiedRequest(node: unknown): VerifiedRequest | undefined {
  if (!isObject(node) || !isObject(node.verification) || !isObject(node.claims)) return undefined
  const { verification, claims } = node as { verification: JsonObject; claims: JsonObject }
  const doctypes = Object.keys(documentTypes).filter((doctype) =>
    typeAllowed(verification, documentTypes[doctype] ?? ''),
  )
  return { verification, claims, doctypes: mostCapableFirst(doctypes, Object.keys(claims)) }
}

/** The names a person is asked about: the claims we know, and the document's number if it is asked for by name. */
export function verifiableClaims(request: VerifiedRequest): string[] {
  const known = Object.keys(request.claims).filter((claim) =>
    (claimsInVerifiedClaims as readonly string[]).includes(claim),
  )
  const numberAsked = evidenceEntries(request.verification).some(
    (entry) => isObject(entry.document_details) && 'document_number' in entry.document_details,
  )
  return numberAsked ? [...known, 'document_number'] : known
}

/** True unless the relying app said that it can do without (`essential: false`). */
export function isNeeded(request: VerifiedRequest, claim: string): boolean {
  const member = request.claims[claim]
  return !(isObject(member) && member.essential === false)
}

/** The value of one claim as this document proves it. */
export function verifiedValue(claim: string, evidence: DocumentAsEvidence, judgement: Judgement): unknown {
  if (claim === 'document_number') return evidence.fields.number
  // Identity Assurance has no form for a year alone, which OpenID Connect Core §5.1 allows a flat `birthdate` to be.
  if (claim === 'birthdate' && !/^\d{4}-\d\d-\d\d$/.test(evidence.fields.birthdate ?? '')) return undefined
  return findClaimRow(claim)?.fromDocument?.(evidence.fields, judgement)
}

/**
 * Answers a request from one document.
 * @param approved names the person agreed to share, without the `verified_claims.` prefix
 * @param process a reference to this verification that the relying app may quote to us
 * @param now epoch seconds
 * @returns undefined when a condition cannot be met or nothing is left to tell
 */
export function answerVerifiedRequest(
  request: VerifiedRequest,
  evidence: DocumentAsEvidence,
  approved: ReadonlySet<string>,
  context: {
    readonly judgement: Judgement
    readonly organization: string
    readonly process: string
    readonly now: number
  },
): VerifiedClaims | undefined {
  const verification = select(request.verification, fullVerification(evidence, approved, context), context.now)
  if (verification === UNMET || !isObject(verification)) return undefined
  const claims: JsonObject = {}
  for (const claim of verifiableClaims(request)) {
    if (claim === 'document_number' || !approved.has(claim)) continue
    const value = select(
      request.claims[claim] ?? null,
      asJson(verifiedValue(claim, evidence, context.judgement)),
      context.now,
    )
    if (value !== UNMET && value !== undefined) claims[claim] = value
  }
  return Object.keys(claims).length > 0 ? { verification, claims } : undefined
}

/** The document that can answer with the most, in order of preference; only those that may answer at all. */
export function chooseEvidence(
  request: VerifiedRequest,
  documents: readonly DocumentAsEvidence[],
): DocumentAsEvidence | undefined {
  for (const doctype of request.doctypes) {
    const found = documents.find((document) => document.doctype === doctype)
    if (found) return found
  }
  return undefined
}

function fullVerification(
  { doctype, fields, verification }: DocumentAsEvidence,
  approved: ReadonlySet<string>,
  context: { readonly organization: string; readonly process: string },
): JsonObject {
  const time = isoTime(verification.verifiedAt)
  return compact({
    trust_framework: TRUST_FRAMEWORK,
    time,
    verification_process: context.process,
    evidence: [
      {
        type: 'document',
        check_details: [{ check_method: 'vcrypt', organization: context.organization, time }],
        document_details: compact({
          type: documentTypes[doctype],
          document_number: approved.has('document_number') ? fields.number : undefined,
          date_of_issuance: fields.issuedOn,
          date_of_expiry: fields.expiresOn,
          issuer: compact({ name: fields.documentIssuer.name, country: 'India', country_code: 'IN' }),
        }),
      },
    ],
  })
}

/** A condition of the request that what we have does not meet. */
const UNMET = Symbol('unmet')

/** What of `full` answers `asked`: the asked members only, or UNMET when a value, list or age condition fails. */
function select(asked: Json, full: Json | undefined, now: number): Json | undefined | typeof UNMET {
  if (isObject(asked) && !conditionMet(asked, full, now)) return UNMET
  if (full === undefined) return undefined
  if (Array.isArray(asked)) return Array.isArray(full) ? selectFromList(asked, full, now) : UNMET
  if (!isObject(full)) return full
  if (!isObject(asked) || isConstraint(asked)) return withoutUnnamed(full)
  const chosen: JsonObject = {}
  for (const [key, member] of Object.entries(asked)) {
    const value =
      key === 'check_details' && Array.isArray(member)
        ? selectAll(member, full[key], now)
        : select(member, full[key], now)
    if (value === UNMET) return UNMET
    if (value !== undefined) chosen[key] = value
  }
  return Object.keys(chosen).length > 0 ? chosen : undefined
}

/** Entries of `evidence` are alternatives: each that matches is returned, and one must (Identity Assurance §6.2). */
function selectFromList(asked: readonly Json[], full: readonly Json[], now: number): Json | typeof UNMET {
  const matches = full.flatMap((entry) => {
    const answers = asked.map((filter) => select(filter, entry, now))
    return answers.find((answer) => answer !== UNMET && answer !== undefined) ?? []
  })
  return matches.length > 0 ? (matches as Json[]) : UNMET
}

/** Entries of `check_details` must all be met (Identity Assurance §6.2). */
function selectAll(asked: readonly Json[], full: Json | undefined, now: number): Json | typeof UNMET {
  if (!Array.isArray(full)) return UNMET
  const answers = asked.map((filter) => selectFromList([filter], full, now))
  return answers.includes(UNMET) ? UNMET : ((answers as Json[][])[0] ?? UNMET)
}

function conditionMet(asked: JsonObject, full: Json | undefined, now: number): boolean {
  if ('value' in asked) return same(asked.value ?? null, full)
  if (Array.isArray(asked.values)) return asked.values.some((value) => same(value, full))
  if (typeof asked.max_age === 'number')
    return typeof full === 'string' && now - Date.parse(full) / 1000 <= asked.max_age
  return true
}

const isConstraint = (asked: JsonObject): boolean =>
  Object.keys(asked).every((key) => ['value', 'values', 'essential', 'max_age', 'purpose'].includes(key))

function withoutUnnamed(full: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(full).filter(([key]) => !ONLY_WHEN_NAMED.has(key)))
}

function typeAllowed(verification: JsonObject, type: string): boolean {
  const entries = evidenceEntries(verification)
  if (entries.length === 0) return true
  return entries.some((entry) => {
    const kindFits = !isObject(entry.type) || conditionMet(entry.type, 'document', 0)
    const details = isObject(entry.document_details) ? entry.document_details.type : null
    return kindFits && (!isObject(details) || conditionMet(details, type, 0))
  })
}

function mostCapableFirst(doctypes: readonly string[], claims: readonly string[]): string[] {
  const covers = (doctype: string) => claims.filter((claim) => findClaimRow(claim)?.anyOf.includes(doctype)).length
  return doctypes.toSorted((a, b) => covers(b) - covers(a))
}

function evidenceEntries(verification: JsonObject): JsonObject[] {
  return Array.isArray(verification.evidence) ? verification.evidence.filter(isObject) : []
}

function same(asked: Json, full: Json | undefined): boolean {
  return JSON.stringify(asked) === JSON.stringify(full)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asJson(value: unknown): Json | undefined {
  return value === undefined ? undefined : (value as Json)
}

function compact(members: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
}

const isoTime = (epochSeconds: number): string => new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z')

const printable = (name: string): string => name.replace(/[^\w:.-]/g, '?').slice(0, 60)
