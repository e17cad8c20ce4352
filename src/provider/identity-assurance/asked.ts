import { findClaimRow } from '../claims.ts'
import { conditionMet } from './conditions.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { claimsInVerifiedClaims, documentTypes, EVIDENCE_TYPE, personalDetails } from './vocabulary.ts'

/** One request for verified claims, to be answered by one document. */
export interface VerifiedRequest {
  readonly verification: JsonObject
  readonly claims: JsonObject
  /** doctypes that could answer, best first */
  readonly doctypes: readonly string[]
}

/** What is asked at one place of delivery. An array is answered by an array, an object by an object. */
export interface VerifiedRequests {
  readonly form: 'object' | 'array'
  readonly entries: readonly VerifiedRequest[]
}

/**
 * The engine drops arrays below `claims.id_token` and `claims.userinfo` (oidc-provider.md §3), so an array is carried
 * through it as an object with this one member. A client that writes it so itself has asked for the same.
 */
export const ARRAY_FORM = '_entries'

/** The member as the engine carries it. */
export const toCarried = (node: unknown): unknown => (Array.isArray(node) ? { [ARRAY_FORM]: node as Json[] } : node)

/** The request in our form; it must be sound (`faultInVerifiedRequest`). */
export function readVerifiedRequests(node: unknown): VerifiedRequests | undefined {
  const carried = toCarried(node)
  if (!isObject(carried)) return undefined
  const array = carried[ARRAY_FORM]
  return Array.isArray(array)
    ? { form: 'array', entries: array.flatMap(toEntry) }
    : { form: 'object', entries: toEntry(carried) }
}

function toEntry(node: Json): VerifiedRequest[] {
  if (!isObject(node) || !isObject(node.verification)) return []
  const verification = node.verification
  const claims = isObject(node.claims) ? node.claims : {}
  const doctypes = Object.keys(documentTypes).filter((doctype) =>
    typeAllowed(verification, documentTypes[doctype] ?? ''),
  )
  return [{ verification, claims, doctypes: mostCapableFirst(doctypes, Object.keys(claims)) }]
}

/** The names a person is asked about: the claims we know, and the document's own number and dates if asked for by name. */
export function verifiableNames(request: VerifiedRequest): string[] {
  const details = detailsOf(request)
  return [...verifiableClaims(request), ...personalDetails.filter((name) => details.some((asked) => name in asked))]
}

export function verifiableClaims(request: VerifiedRequest): string[] {
  return claimsInVerifiedClaims.filter((claim) => Object.hasOwn(request.claims, claim))
}

/** True unless the relying app said that it can do without (`essential: false`). */
export function isNeeded(request: VerifiedRequest, name: string): boolean {
  const members = [request.claims, ...detailsOf(request)].flatMap((asked) => (name in asked ? [asked[name]] : []))
  return members.some((member) => !(isObject(member) && member.essential === false))
}

/** Seconds that a verification may be old at most, where the request limits it. */
export function maxAgeOfVerification(request: VerifiedRequest): number | undefined {
  const checks = evidenceEntries(request.verification).flatMap(({ check_details }) =>
    Array.isArray(check_details) ? check_details.filter(isObject) : [],
  )
  const limits = [request.verification, ...checks].flatMap(({ time }) =>
    isObject(time) && typeof time.max_age === 'number' ? [time.max_age] : [],
  )
  return limits.length > 0 ? Math.min(...limits) : undefined
}

function typeAllowed(verification: JsonObject, type: string): boolean {
  const entries = evidenceEntries(verification)
  if (entries.length === 0) return true
  return entries.some((entry) => {
    const details = isObject(entry.document_details) ? (entry.document_details.type ?? null) : null
    return conditionMet(entry.type ?? null, EVIDENCE_TYPE, 0) && conditionMet(details, type, 0)
  })
}

function mostCapableFirst(doctypes: readonly string[], claims: readonly string[]): string[] {
  const covers = (doctype: string) => claims.filter((claim) => findClaimRow(claim)?.anyOf.includes(doctype)).length
  return doctypes.toSorted((a, b) => covers(b) - covers(a))
}

const detailsOf = ({ verification }: VerifiedRequest): JsonObject[] =>
  evidenceEntries(verification).flatMap(({ document_details }) =>
    isObject(document_details) ? [document_details] : [],
  )

const evidenceEntries = (verification: JsonObject): JsonObject[] =>
  Array.isArray(verification.evidence) ? verification.evidence.filter(isObject) : []
