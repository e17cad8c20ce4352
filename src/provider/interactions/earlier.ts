import { todayInIndia } from '../../documents/answers/age.ts'
import type { Consent, ConsentItem, DocumentEvidence } from '../../privacy/consent.ts'
import { companions, findClaimRow } from '../claims.ts'
import { asList, selectAnswer, tellsAll, toDelivered, type VerifiedClaims } from '../identity-assurance/answer.ts'
import { isNeeded, type VerifiedRequest, type VerifiedRequests, verifiableClaims } from '../identity-assurance/asked.ts'
import { detailsToldIn, withoutDetails } from '../identity-assurance/details.ts'
import { type ClaimsRequest, verifiedEntries } from '../request.ts'
import { type OfferItem, PREFIX, type ReleasedValues } from './offer.ts'

/** What she agreed to share with this app before, opened. */
export interface Earlier {
  readonly consent: Pick<Consent, 'items' | 'evidence' | 'givenAt'>
  readonly values: ReleasedValues
}

/** An offer made of what an earlier consent left with us: nothing that she did not agree to share with this very app. */
export interface EarlierOffer {
  readonly items: readonly OfferItem[]
  /** epoch seconds: of the oldest check behind the items */
  readonly checkedAt: number
}

/**
 * Offers what an earlier verification can tell, if it tells all that is asked for: the same or less, and as young as the
 * request wants it. Otherwise DigiLocker has to be asked, and nothing is offered.
 * @param now epoch seconds
 */
export function offerEarlier(
  request: ClaimsRequest,
  earlier: Earlier,
  optional: readonly string[],
  now: number,
): EarlierOffer | undefined {
  const flat = request.claims.map(({ claim, required }) => flatItem(claim, required, earlier))
  const proven = verifiedEntries(request).flatMap((entry) => provenItems(entry, earlier, optional, now))
  const all = [...flat, ...proven]
  if (all.includes('unknown')) return undefined
  const items = once(all.filter((item): item is OfferItem => typeof item === 'object'))
  const stale = items.some(({ claim, source }) => isPerishable(claim) && !isOfToday(earlier.consent, source, now))
  if (items.length === 0 || stale) return undefined
  const checks = items.map(({ source }) => checkedAt(earlier.consent, source))
  return { items, checkedAt: Math.min(...checks) }
}

/** What is released of an earlier verification, by what she ticked this time. */
export function releaseEarlier(
  { items }: EarlierOffer,
  chosen: ReadonlySet<string>,
  request: ClaimsRequest,
  earlier: Earlier,
  now: number,
): { items: ConsentItem[]; values: ReleasedValues; evidence: DocumentEvidence[] } {
  const decided = items.map(({ name, required, source }) => ({
    claim: name,
    required,
    source,
    shared: required || chosen.has(name),
  }))
  const shared = new Set(decided.filter((item) => item.shared).map((item) => item.claim))
  const claims: Record<string, unknown> = {}
  for (const { name, claim, value } of items)
    if (name === claim && shared.has(name)) Object.assign(claims, { [claim]: value }, companions[claim])
  const answer = (asked: VerifiedRequests | undefined) =>
    asked &&
    toDelivered(
      asked,
      asked.entries.flatMap((entry) => withinConsent(answerEarlier(entry, earlier, now), shared) ?? []),
    )
  const idToken = answer(request.verified.id_token)
  const userinfo = answer(request.verified.userinfo)
  const sources = new Set(decided.filter((item) => item.shared).map((item) => item.source))
  return {
    items: decided,
    values: { claims, verified: { ...(idToken && { id_token: idToken }), ...(userinfo && { userinfo }) } },
    evidence: earlier.consent.evidence.filter(({ doctype }) => sources.has(doctype)),
  }
}

/** `refused`: she may leave it out and did so before; `unknown`: only DigiLocker can tell. */
type Found = OfferItem | 'refused' | 'unknown'

function flatItem(claim: string, required: boolean, { consent, values }: Earlier): Found {
  const item = consent.items.find((one) => one.claim === claim)
  if (item && !item.shared && !required) return 'refused'
  if (!item?.shared || !Object.hasOwn(values.claims, claim)) return 'unknown'
  return { name: claim, claim, value: values.claims[claim], source: item.source, required }
}

function provenItems(entry: VerifiedRequest, earlier: Earlier, optional: readonly string[], now: number): Found[] {
  const answer = answerEarlier(entry, earlier, now)
  const told = answer ? { ...answer.claims, ...detailsToldIn(answer) } : {}
  const names = new Set([...verifiableClaims(entry), ...Object.keys(told)])
  if (names.size === 0) return []
  if (!answer) return ['unknown']
  return [...names].map((claim) => {
    const name = PREFIX + claim
    const item = earlier.consent.items.find((one) => one.claim === name)
    const required = isNeeded(entry, claim) && !optional.includes(claim)
    if (item && !item.shared && !required) return 'refused'
    if (!item?.shared || !Object.hasOwn(told, claim)) return 'unknown'
    return { name, claim, value: told[claim], source: item.source, required }
  })
}

function answerEarlier(entry: VerifiedRequest, { values }: Earlier, now: number): VerifiedClaims | undefined {
  for (const place of Object.values(values.verified))
    for (const stored of place ? asList<VerifiedClaims>(place) : []) {
      const answer = selectAnswer(entry, stored, now)
      if (answer && tellsAll(entry.verification, answer.verification)) return answer
    }
  return undefined
}

/** The answer without what she leaves out this time. */
function withinConsent(answer: VerifiedClaims | undefined, shared: ReadonlySet<string>): VerifiedClaims | undefined {
  if (!answer) return undefined
  const kept = withoutDetails(answer, (name) => !shared.has(PREFIX + name))
  const claims = Object.fromEntries(Object.entries(kept.claims).filter(([claim]) => shared.has(PREFIX + claim)))
  return Object.keys(claims).length > 0 ? { ...kept, claims } : undefined
}

function once(items: readonly OfferItem[]): OfferItem[] {
  const found = new Map<string, OfferItem>()
  for (const item of items)
    found.set(item.name, { ...item, required: item.required || (found.get(item.name)?.required ?? false) })
  return [...found.values()]
}

/** An answer is true of the day on which it was worked out. */
const isPerishable = (claim: string): boolean => findClaimRow(claim)?.isAnswer === true

const isOfToday = (consent: Earlier['consent'], source: string, now: number): boolean =>
  todayInIndia(() => checkedAt(consent, source)) === todayInIndia(() => now)

/** When the document was checked; what DigiLocker only says was taken when she agreed. */
const checkedAt = ({ evidence, givenAt }: Earlier['consent'], source: string): number =>
  evidence.find(({ doctype }) => doctype === source)?.verifiedAt ?? givenAt
