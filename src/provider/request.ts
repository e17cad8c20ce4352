import { createHash } from 'node:crypto'
import type { DocumentNeed } from '../rails/rail.ts'
import { claimRows, findClaimRow } from './claims.ts'
import {
  maxAgeOfVerification,
  readVerifiedRequests,
  type VerifiedRequest,
  type VerifiedRequests,
  verifiableNames,
} from './identity-assurance/asked.ts'

/** What a relying app asks for, in one normal form, from scopes and the `claims` parameter alike. */
export interface ClaimsRequest {
  /** flat claims in the order of our table */
  readonly claims: readonly { readonly claim: string; readonly required: boolean }[]
  /** `verified_claims` as asked for each place of delivery (OpenID Identity Assurance §6) */
  readonly verified: { readonly id_token?: VerifiedRequests; readonly userinfo?: VerifiedRequests }
  /** SHA-256 hex over the normal form: equal requests have equal digests */
  readonly digest: string
}

type ClaimsParameter = Partial<Record<'id_token' | 'userinfo', Record<string, unknown> | null>>

/**
 * Reads what is asked from an accepted authorization request.
 * Claims of a scope are needed unless the client registered them as optional; claims of the `claims` parameter are
 * optional unless `essential` (OpenID Connect Core §5.5.1).
 * @param claimsParameter JSON text, already checked by the engine
 */
export function readClaimsRequest(
  scopes: readonly string[],
  claimsParameter: string | undefined,
  optional: readonly string[],
): ClaimsRequest {
  const asked: ClaimsParameter = claimsParameter ? (JSON.parse(claimsParameter) as ClaimsParameter) : {}
  const byParameter = { ...asked.id_token, ...asked.userinfo }
  const claims = claimRows
    .filter((row) => (row.scope && scopes.includes(row.scope)) || row.claim in byParameter)
    .map(({ claim, scope }) => ({
      claim,
      required:
        !optional.includes(claim) &&
        ((scope !== undefined && scopes.includes(scope)) ||
          isEssential(asked.id_token?.[claim]) ||
          isEssential(asked.userinfo?.[claim])),
    }))
  const verified = {
    ...optionalMember('id_token', readVerifiedRequests(asked.id_token?.verified_claims)),
    ...optionalMember('userinfo', readVerifiedRequests(asked.userinfo?.verified_claims)),
  }
  const digest = createHash('sha256')
    .update(JSON.stringify([claims, sorted(verified)]))
    .digest('hex')
  return { claims, verified, digest }
}

/**
 * The documents that the request needs, fewest first: what a document scope demands comes first, and a claim that one
 * of those can answer asks for nothing more.
 * @param further documents that are wanted for more than their claims
 */
export function documentNeeds(request: ClaimsRequest, further: readonly DocumentNeed[] = []): DocumentNeed[] {
  const groups: (readonly string[])[] = request.claims.flatMap(({ claim }) => {
    const anyOf = findClaimRow(claim)?.anyOf ?? []
    return anyOf.length > 0 ? [anyOf] : []
  })
  for (const entry of verifiedEntries(request)) groups.push(entry.doctypes)
  for (const { anyOf } of further) groups.push(anyOf)
  const needs: DocumentNeed[] = []
  for (const anyOf of groups.toSorted((a, b) => a.length - b.length)) {
    const covered = needs.some((need) => need.anyOf.every((doctype) => anyOf.includes(doctype)))
    if (anyOf.length > 0 && !covered) needs.push({ anyOf })
  }
  return needs
}

/** Names of everything asked for, as the consent record and the start page list them. */
export function requestedNames(request: ClaimsRequest): string[] {
  const verified = verifiedEntries(request).flatMap((entry) =>
    verifiableNames(entry).map((name) => `verified_claims.${name}`),
  )
  return [...new Set([...request.claims.map(({ claim }) => claim), ...verified])]
}

/** Every single request for verified claims, wherever it is to be delivered. */
export const verifiedEntries = ({ verified }: Pick<ClaimsRequest, 'verified'>): VerifiedRequest[] =>
  Object.values(verified).flatMap(({ entries }) => entries)

/** Seconds that a verification may be old at most to answer this request; undefined: it may be of any age. */
export function maxVerificationAge(request: ClaimsRequest): number | undefined {
  const limits = verifiedEntries(request).flatMap((entry) => maxAgeOfVerification(entry) ?? [])
  return limits.length > 0 ? Math.min(...limits) : undefined
}

function isEssential(member: unknown): boolean {
  return typeof member === 'object' && member !== null && 'essential' in member && member.essential === true
}

function optionalMember<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}

/** The same value with object keys in one order, so that two spellings of one request are one request. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  )
}
