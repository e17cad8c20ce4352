import type { PdfFinding } from '../../documents/pdf/finding.ts'
import type { ConsentItem, DocumentEvidence } from '../../privacy/consent.ts'
import type { AbsenceReason, DocumentOutcome, RailIdentity } from '../../rails/rail.ts'
import { type ClaimRow, companions, findClaimRow, type Judgement } from '../claims.ts'
import type { ClaimsRequest } from '../request.ts'
import {
  answerVerifiedRequest,
  chooseEvidence,
  type DocumentAsEvidence,
  isNeeded,
  type VerifiedClaims,
  type VerifiedRequest,
  verifiableClaims,
  verifiedValue,
} from '../verified-claims.ts'

/** One thing the consent screen shows: the actual value, where it comes from, and whether she may leave it out. */
export interface OfferItem {
  /** `name`, or `verified_claims.name` */
  readonly name: string
  readonly claim: string
  readonly value: unknown
  /** doctype, or `account` for what DigiLocker asserts without a signed document */
  readonly source: string
  readonly required: boolean
}

/** A document that was wanted and gave nothing. */
export interface MissingDocument {
  readonly doctype: string
  readonly reason: MissingReason
}

/** Why a document gave no fields; of one that is PDF only, also what its signature is worth where that was looked at. */
export type MissingReason = 'pdf-only' | `pdf-${PdfFinding['verdict']}` | AbsenceReason

export interface Offer {
  readonly items: readonly OfferItem[]
  readonly missing: readonly MissingDocument[]
}

/** What leaves for the relying app after consent; sealed at rest under the person's key. */
export interface ReleasedValues {
  readonly claims: Readonly<Record<string, unknown>>
  readonly verified: { readonly id_token?: VerifiedClaims; readonly userinfo?: VerifiedClaims }
}

/** Everything that could be shared for this request, from what the rail brought back. */
export function makeOffer(
  request: ClaimsRequest,
  identity: RailIdentity,
  judgement: Judgement,
  optional: readonly string[],
): Offer {
  const documents = verifiedDocuments(identity)
  const flat = request.claims.flatMap(({ claim, required }) => {
    const row = findClaimRow(claim)
    const found = row && findValue(row, documents, identity, judgement)
    return found ? [{ name: claim, claim, required, ...found }] : []
  })
  const verified = Object.values(request.verified).flatMap((one) => verifiedItems(one, documents, judgement, optional))
  return { items: uniqueByName([...flat, ...verified]), missing: identity.documents.flatMap(toMissing) }
}

/**
 * Turns her choice into what is released. Names that were not on offer are ignored: a forged form cannot widen it.
 * @param chosen names of items she ticked; required items are always shared
 */
export function makeRelease(
  offer: Offer,
  chosen: ReadonlySet<string>,
  request: ClaimsRequest,
  identity: RailIdentity,
  context: {
    readonly judgement: Judgement
    readonly organization: string
    readonly process: string
    readonly now: number
  },
): { items: ConsentItem[]; values: ReleasedValues } {
  const items = offer.items.map(({ name, required, source }) => ({
    claim: name,
    required,
    shared: required || chosen.has(name),
    source,
  }))
  const shared = new Set(items.filter((item) => item.shared).map((item) => item.claim))
  const claims: Record<string, unknown> = {}
  for (const { name, claim, value } of offer.items)
    if (name === claim && shared.has(name)) Object.assign(claims, { [claim]: value }, companions[claim])
  const approved = new Set(
    [...shared].filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length)),
  )
  const documents = verifiedDocuments(identity)
  const answer = (one: VerifiedRequest | undefined) => {
    const evidence = one && chooseEvidence(one, documents)
    return one && evidence && answerVerifiedRequest(one, evidence, approved, context)
  }
  const idToken = answer(request.verified.id_token)
  const userinfo = answer(request.verified.userinfo)
  return {
    items,
    values: { claims, verified: { ...(idToken && { id_token: idToken }), ...(userinfo && { userinfo }) } },
  }
}

/** How each document behind the shared items was verified, to be kept without the document. */
export function toEvidence(identity: RailIdentity, items: readonly ConsentItem[]): DocumentEvidence[] {
  const used = new Set(items.filter((item) => item.shared).map((item) => item.source))
  return identity.documents.flatMap((document) => {
    if (document.kind !== 'verified' || !used.has(document.doctype)) return []
    const { profile, signerFingerprint, signerName, weakAlgorithm, timeBasis, verifiedAt, ...rest } =
      document.verification
    return {
      rail: identity.rail,
      doctype: document.doctype,
      documentIssuer: document.fields.documentIssuer.id ?? document.fields.documentIssuer.name ?? '',
      profile,
      signerFingerprint,
      signerName,
      weakAlgorithm,
      timeBasis,
      verifiedAt,
      verification: rest,
      uriHmac: document.uriHmac,
      bytesHmac: document.bytesHmac,
    }
  })
}

const PREFIX = 'verified_claims.'

function verifiedDocuments(identity: RailIdentity): DocumentAsEvidence[] {
  return identity.documents.filter(
    (document): document is DocumentOutcome & { kind: 'verified' } => document.kind === 'verified',
  )
}

function findValue(
  row: ClaimRow,
  documents: readonly DocumentAsEvidence[],
  identity: RailIdentity,
  judgement: Judgement,
) {
  for (const doctype of row.anyOf) {
    const document = documents.find((one) => one.doctype === doctype)
    const value = document && row.fromDocument?.(document.fields, judgement)
    if (isThere(value)) return { value, source: doctype }
  }
  const value = row.fromAccount?.(identity.asserted)
  return isThere(value) ? { value, source: 'account' } : undefined
}

function verifiedItems(
  request: VerifiedRequest,
  documents: readonly DocumentAsEvidence[],
  judgement: Judgement,
  optional: readonly string[],
): OfferItem[] {
  const evidence = chooseEvidence(request, documents)
  if (!evidence) return []
  return verifiableClaims(request).flatMap((claim) => {
    const value = verifiedValue(claim, evidence, judgement)
    const name = `${PREFIX}${claim}`
    const required = isNeeded(request, claim) && !optional.includes(claim)
    return isThere(value) ? [{ name, claim, value, source: evidence.doctype, required }] : []
  })
}

function toMissing(document: DocumentOutcome): MissingDocument[] {
  if (document.kind !== 'pdf-only' && document.kind !== 'absent') return []
  return [{ doctype: document.doctype, reason: missingReason(document) }]
}

export function missingReason(document: DocumentOutcome & { kind: 'pdf-only' | 'absent' }): MissingReason {
  if (document.kind === 'absent') return document.reason
  return document.pdf ? `pdf-${document.pdf.verdict}` : 'pdf-only'
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)
}

function uniqueByName(items: readonly OfferItem[]): OfferItem[] {
  return [...new Map(items.map((item) => [item.name, item])).values()]
}
