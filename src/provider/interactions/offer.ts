import type { PdfFinding } from '../../documents/pdf/finding.ts'
import type { ConsentItem, DocumentEvidence } from '../../privacy/consent.ts'
import type { AbsenceReason, DocumentOutcome, RailIdentity } from '../../rails/rail.ts'
import { type ClaimRow, companions, findClaimRow, type Judgement } from '../claims.ts'
import {
  type AnswerContext,
  answerVerifiedRequest,
  chooseEvidence,
  type DocumentAsEvidence,
  toDelivered,
  type VerifiedClaims,
} from '../identity-assurance/answer.ts'
import { isNeeded, type VerifiedRequest, type VerifiedRequests } from '../identity-assurance/asked.ts'
import { detailsToldIn } from '../identity-assurance/details.ts'
import { type ClaimsRequest, verifiedEntries } from '../request.ts'

/** One thing the consent screen shows: the actual value, where it comes from, and whether she may leave it out. */
export interface OfferItem {
  /** `name`, or `verified_claims.name`; `verified_claims.name.DRVLC` where several documents prove the same */
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

type Delivered = VerifiedClaims | readonly VerifiedClaims[]

/** What leaves for the relying app after consent; sealed at rest under the person's key. */
export interface ReleasedValues {
  readonly claims: Readonly<Record<string, unknown>>
  readonly verified: { readonly id_token?: Delivered; readonly userinfo?: Delivered }
}

/** Everything that could be shared for this request, from what the rail brought back. */
export function makeOffer(
  request: ClaimsRequest,
  identity: Pick<RailIdentity, 'asserted' | 'documents'>,
  context: AnswerContext,
  optional: readonly string[],
): Offer {
  const documents = verifiedDocuments(identity)
  const flat = request.claims.flatMap(({ claim, required }) => {
    const row = findClaimRow(claim)
    const found = row && findValue(row, documents, identity, context.judgement)
    return found ? [{ name: claim, claim, required, ...found }] : []
  })
  const proven = verifiedEntries(request).flatMap((entry) => provenItems(entry, documents, context, optional))
  return { items: [...flat, ...named(once(proven))], missing: identity.documents.flatMap(toMissing) }
}

/**
 * Turns her choice into what is released. Names that were not on offer are ignored: a forged form cannot widen it.
 * @param chosen names of items she ticked; required items are always shared
 */
export function makeRelease(
  offer: Offer,
  chosen: ReadonlySet<string>,
  request: ClaimsRequest,
  identity: Pick<RailIdentity, 'documents'>,
  context: AnswerContext,
): { items: ConsentItem[]; values: ReleasedValues } {
  const isShared = ({ required, name }: OfferItem) => required || chosen.has(name)
  const items = offer.items.map((item) => ({
    claim: item.name,
    required: item.required,
    shared: isShared(item),
    source: item.source,
  }))
  const claims: Record<string, unknown> = {}
  for (const item of offer.items)
    if (item.name === item.claim && isShared(item))
      Object.assign(claims, { [item.claim]: item.value }, companions[item.claim])
  const agreed = new Set(offer.items.filter(isShared).map(approval))
  const documents = verifiedDocuments(identity)
  const answer = (asked: VerifiedRequests | undefined) =>
    asked &&
    toDelivered(
      asked,
      asked.entries.flatMap((entry) => agreedAnswer(entry, documents, agreed, context)),
    )
  const idToken = answer(request.verified.id_token)
  const userinfo = answer(request.verified.userinfo)
  return {
    items,
    values: { claims, verified: { ...(idToken && { id_token: idToken }), ...(userinfo && { userinfo }) } },
  }
}

/** She agrees to a claim from a document; every entry that this document answers may then tell it. */
const approval = ({ name, claim, source }: Pick<OfferItem, 'name' | 'claim' | 'source'>): string =>
  name === claim ? claim : `${source} ${claim}`

function agreedAnswer(
  entry: VerifiedRequest,
  documents: readonly DocumentAsEvidence[],
  agreed: ReadonlySet<string>,
  context: AnswerContext,
): VerifiedClaims[] {
  const evidence = chooseEvidence(entry, documents, context)?.evidence
  const approves = (claim: string) =>
    agreed.has(approval({ name: PREFIX + claim, claim, source: evidence?.doctype ?? '' }))
  const answer = evidence && answerVerifiedRequest(entry, evidence, approves, context)
  return answer ? [answer] : []
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

export const PREFIX = 'verified_claims.'

function verifiedDocuments(identity: Pick<RailIdentity, 'documents'>): DocumentAsEvidence[] {
  return identity.documents.filter(
    (document): document is DocumentOutcome & { kind: 'verified' } => document.kind === 'verified',
  )
}

function findValue(
  row: ClaimRow,
  documents: readonly DocumentAsEvidence[],
  identity: Pick<RailIdentity, 'asserted'>,
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

/** What this entry would be told: values that miss a condition of the request are not offered, as they would not leave. */
function provenItems(
  entry: VerifiedRequest,
  documents: readonly DocumentAsEvidence[],
  context: AnswerContext,
  optional: readonly string[],
): OfferItem[] {
  const chosen = chooseEvidence(entry, documents, context)
  if (!chosen) return []
  return Object.entries({ ...chosen.answer.claims, ...detailsToldIn(chosen.answer) }).map(([claim, value]) => ({
    name: PREFIX + claim,
    claim,
    value,
    source: chosen.evidence.doctype,
    required: isNeeded(entry, claim) && !optional.includes(claim),
  }))
}

/** Each claim of a document once, however many entries ask for it; needed if one of them needs it. */
function once(items: readonly OfferItem[]): OfferItem[] {
  const found = new Map<string, OfferItem>()
  for (const item of items) {
    const key = approval(item)
    found.set(key, { ...item, required: item.required || (found.get(key)?.required ?? false) })
  }
  return [...found.values()]
}

/** Names tell apart what several documents prove. */
function named(items: readonly OfferItem[]): OfferItem[] {
  const isAlone = ({ claim }: OfferItem) => items.filter((item) => item.claim === claim).length === 1
  return items.map((item) => (isAlone(item) ? item : { ...item, name: `${item.name}.${item.source}` }))
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
