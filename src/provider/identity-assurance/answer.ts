import { isDeepStrictEqual } from 'node:util'
import type { DocumentFields, DocumentVerification } from '../../documents/document.ts'
import { findClaimRow, type Judgement } from '../claims.ts'
import { type VerifiedRequest, type VerifiedRequests, verifiableClaims } from './asked.ts'
import { conditionMet } from './conditions.ts'
import { compact, isObject, type Json, type JsonObject } from './json.ts'
import { CHECK_METHOD, documentTypes, EVIDENCE_TYPE, personalDetails, TRUST_FRAMEWORK } from './vocabulary.ts'

/**
 * OpenID Connect for Identity Assurance 1.0: one verified document answers one request. Request-minimal: nothing is
 * released that was not asked for by name, and a condition that cannot be met is an omission, never an error (§5.7).
 */

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

export interface AnswerContext {
  readonly judgement: Judgement
  /** named as the verifier in `check_details` */
  readonly organization: string
  /** a reference to this verification that the relying app may quote to us */
  readonly process: string
  /** epoch seconds */
  readonly now: number
}

export const everything = (): boolean => true

/**
 * Answers a request from one document.
 * @param approves whether the person agreed to share a name of `verifiableNames`
 * @returns undefined when a condition cannot be met or nothing is left to tell
 */
export function answerVerifiedRequest(
  request: VerifiedRequest,
  evidence: DocumentAsEvidence,
  approves: (name: string) => boolean,
  context: AnswerContext,
): VerifiedClaims | undefined {
  const values = verifiableClaims(request)
    .filter(approves)
    .map((claim) => [claim, provenValue(claim, evidence, context.judgement)] as const)
  const full = { verification: fullVerification(evidence, approves, context), claims: Object.fromEntries(values) }
  return selectAnswer(request, full, context.now)
}

/** The document that can answer with the most; of equals the first in the order of preference. */
export function chooseEvidence(
  request: VerifiedRequest,
  documents: readonly DocumentAsEvidence[],
  context: AnswerContext,
): { readonly evidence: DocumentAsEvidence; readonly answer: VerifiedClaims } | undefined {
  const answers = request.doctypes.flatMap((doctype) => {
    const evidence = documents.find((document) => document.doctype === doctype)
    const answer = evidence && answerVerifiedRequest(request, evidence, everything, context)
    return answer ? [{ evidence, answer }] : []
  })
  const size = ({ answer }: (typeof answers)[number]) => Object.keys(answer.claims).length
  return answers.toSorted((a, b) => size(b) - size(a))[0]
}

/** What of a full answer was asked for, or nothing where a condition of the verification fails or no claim is left. */
export function selectAnswer(
  request: VerifiedRequest,
  full: { readonly verification: JsonObject; readonly claims: Readonly<Record<string, Json | undefined>> },
  now: number,
): VerifiedClaims | undefined {
  const verification = select(request.verification, full.verification, now)
  if (verification === UNMET || !isObject(verification)) return undefined
  const claims = verifiableClaims(request).flatMap((claim) => {
    const value = full.claims[claim]
    return value !== undefined && conditionMet(request.claims[claim] ?? null, value, now) ? [[claim, value]] : []
  })
  return claims.length > 0 ? { verification, claims: Object.fromEntries(claims) as JsonObject } : undefined
}

/** Answers as they are delivered: in the form in which they were asked for. */
export function toDelivered(
  { form }: VerifiedRequests,
  answers: readonly VerifiedClaims[],
): VerifiedClaims | readonly VerifiedClaims[] | undefined {
  if (answers.length === 0) return undefined
  return form === 'array' ? answers : answers[0]
}

/**
 * What of the stored answers may leave under the request in hand: each once more in the bounds of one that was asked
 * for, and of what the person agreed to. It guards against values and tokens that came apart.
 * @param agreed whether she agreed to share this claim with proof
 * @param requestedAt epoch seconds; the age of a verification is told at the request, not at each delivery
 */
export function releaseStored(
  asked: VerifiedRequests,
  stored: VerifiedClaims | readonly VerifiedClaims[],
  agreed: (claim: string) => boolean,
  requestedAt: number,
): VerifiedClaims | readonly VerifiedClaims[] | undefined {
  const answers = asList(stored).flatMap((answer) => {
    const allowed = {
      ...answer,
      claims: Object.fromEntries(Object.entries(answer.claims).filter(([claim]) => agreed(claim))),
    }
    for (const entry of asked.entries) {
      const selected = selectAnswer(entry, allowed, requestedAt)
      if (selected && isDeepStrictEqual(selected.verification, answer.verification)) return [selected]
    }
    return []
  })
  return toDelivered(asked, answers)
}

export const asList = <T extends object>(one: T | readonly T[]): readonly T[] =>
  Array.isArray(one) ? (one as readonly T[]) : [one as T]

/** The value of one claim as this document proves it. */
function provenValue(claim: string, { fields }: DocumentAsEvidence, judgement: Judgement): Json | undefined {
  // Identity Assurance has no form for a year alone, which OpenID Connect Core §5.1 allows a flat `birthdate` to be.
  if (claim === 'birthdate' && !/^\d{4}-\d\d-\d\d$/.test(fields.birthdate ?? '')) return undefined
  const row = findClaimRow(claim)
  if (!row?.anyOf.includes(fields.doctype)) return undefined
  return row.fromDocument?.(fields, judgement) as Json | undefined
}

function fullVerification(
  { doctype, fields, verification }: DocumentAsEvidence,
  approves: (name: string) => boolean,
  context: AnswerContext,
): JsonObject {
  const time = isoTime(verification.verifiedAt)
  const personal = {
    document_number: fields.number,
    date_of_issuance: fields.issuedOn,
    date_of_expiry: fields.expiresOn,
  }
  return compact({
    trust_framework: TRUST_FRAMEWORK,
    time,
    verification_process: context.process,
    evidence: [
      {
        type: EVIDENCE_TYPE,
        check_details: [{ check_method: CHECK_METHOD, organization: context.organization, time }],
        document_details: compact({
          type: documentTypes[doctype],
          ...Object.fromEntries(Object.entries(personal).filter(([name]) => approves(name))),
          issuer: compact({ name: fields.documentIssuer.name, country: 'India', country_code: 'IN' }),
        }),
      },
    ],
  })
}

/** What a verification of ours can tell; a member beyond these is never answered, whichever document it is. */
const TELLABLE: ReadonlySet<string> = new Set([
  ...['trust_framework', 'time', 'verification_process', 'evidence', 'type', 'check_details', 'document_details'],
  ...['check_method', 'organization', 'issuer', 'name', 'country', 'country_code', ...personalDetails],
])

/** Whether an answer leaves nothing out that was asked for and that a document could have told. */
export function tellsAll(asked: Json, told: Json | undefined): boolean {
  if (told === undefined) return false
  if (Array.isArray(told))
    return !Array.isArray(asked) || asked.some((filter) => told.every((one) => tellsAll(filter, one)))
  if (!isObject(told) || !isObject(asked)) return true
  return Object.entries(asked).every(([name, member]) => !TELLABLE.has(name) || tellsAll(member, told[name]))
}

/** A condition of the request that what we have does not meet. */
const UNMET = Symbol('unmet')
type Selected = Json | undefined | typeof UNMET

/** Without these a member is invalid, and is left out as a whole (§5.7.5). */
const REQUIRED: Readonly<Record<string, string>> = {
  verification: 'trust_framework',
  evidence: 'type',
  check_details: 'check_method',
  document_details: 'type',
}

/**
 * What of `full` answers `asked`, or UNMET when a condition fails. Objects and arrays are gone into, never given whole:
 * the relying app names what it wants, one step deeper each time (§5.4).
 */
function select(asked: Json, full: Json | undefined, now: number, name = 'verification'): Selected {
  if (!conditionMet(asked, full, now)) return UNMET
  if (Array.isArray(full)) return Array.isArray(asked) ? selectFromList(asked, full, now, name) : undefined
  if (!isObject(full)) return full
  return isObject(asked) ? selectMembers(asked, full, now, name) : undefined
}

function selectMembers(asked: JsonObject, full: JsonObject, now: number, name: string): Selected {
  const chosen: JsonObject = {}
  for (const [key, member] of Object.entries(asked)) {
    const value = select(member, Object.hasOwn(full, key) ? full[key] : undefined, now, key)
    if (value === UNMET) return UNMET
    if (value !== undefined) chosen[key] = value
  }
  return isValid(chosen, name) ? chosen : undefined
}

/** Entries asked for are filters, any of which lets one of ours pass, and together the template for it (§5.4). */
function selectFromList(asked: readonly Json[], full: readonly Json[], now: number, name: string): Selected {
  const passed = full.flatMap((entry) => {
    const answers = asked.map((filter) => select(filter, entry, now, name)).filter((answer) => answer !== UNMET)
    return answers.length > 0 ? [answers.filter((answer) => answer !== undefined).reduce<Json>(merge, {})] : []
  })
  if (passed.length === 0) return UNMET
  const told = passed.filter((entry) => isObject(entry) && isValid(entry, name))
  return told.length > 0 ? told : undefined
}

function isValid(chosen: JsonObject, name: string): boolean {
  const required = REQUIRED[name]
  return required === undefined ? Object.keys(chosen).length > 0 : required in chosen
}

/** Two selections of one whole, together. */
function merge(a: Json, b: Json): Json {
  if (Array.isArray(a) && Array.isArray(b)) return a.map((one, index) => merge(one, b[index] ?? one))
  if (!isObject(a) || !isObject(b)) return b
  const merged = { ...a }
  for (const [key, value] of Object.entries(b)) merged[key] = key in a ? merge(a[key] ?? null, value) : value
  return merged
}

const isoTime = (epochSeconds: number): string => new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z')
