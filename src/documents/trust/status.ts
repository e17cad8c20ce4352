import type { ParsedCrl } from './crl.ts'
import type { AuthorityRecord, KeyPin, SignerPin, SubjectRule } from './data.ts'
import type { TrustStore } from './trust.ts'

const DAY_SECONDS = 86_400
/** Long enough to find out who signs next: UIDAI's handovers overlapped by 6 and by 13 days. */
const SOON_DAYS = 60
/** Lists live for days: a list that nobody has renewed with two days to go is late. */
const SOON_DAYS_OF_LIST = 2

/** `tolerated`: its certificate has ended and its pin still counts. `never`: written down, not in force. */
export type TrustState = 'ok' | 'ends-soon' | 'ended' | 'tolerated' | 'not-yet' | 'never'

/** One line of trust, for people and for a metric. */
export interface TrustStatusRow {
  readonly kind: 'signer' | 'key' | 'subject' | 'anchor' | 'intermediate' | 'crl'
  readonly name: string
  /** SHA-256, lower-case hex: of the certificate or list (DER), of the key where the line names a key */
  readonly fingerprint?: string | undefined
  readonly rail?: string | undefined
  /** epoch seconds: the next end that matters; undefined where the line itself has none */
  readonly ends?: number | undefined
  /** whole days until then, negative once it is over */
  readonly daysLeft?: number | undefined
  readonly state: TrustState
}

/**
 * How each line of trust stands.
 * @param at epoch seconds
 * @see documents-and-signatures.md §3.5 (rotation)
 */
export function trustStatus(store: TrustStore, at: number): readonly TrustStatusRow[] {
  return [
    ...store.signers.map((pin) => ofSigner(pin, at)),
    ...store.keys.map((pin) => ofKey(pin, at)),
    ...store.subjects.map((rule) => ofSubject(rule, at)),
    ...store.anchors.map((record) => ofAuthority('anchor', record, at)),
    ...store.intermediates.map((record) => ofAuthority('intermediate', record, at)),
    ...unrecorded(store).map((record) => ofAuthority('intermediate', record, at)),
    ...store.revocation.lists.map((list) => ofList(list, store.revocation.endOf(list), at)),
  ]
}

/** Certificates in the operator's folder that no line of trust describes. */
function unrecorded({ anchors, intermediates, certificates }: TrustStore): AuthorityRecord[] {
  const recorded = new Set([...anchors, ...intermediates].map(({ fingerprint }) => fingerprint))
  const others = certificates.filter(({ fingerprint }) => !recorded.has(fingerprint))
  return others.map(({ fingerprint, subject, notAfter }) => ({ fingerprint, name: subject.text, notAfter }))
}

function ofSigner(pin: SignerPin, at: number): TrustStatusRow {
  const { name, fingerprint, rail, notBefore, notAfter, notAcceptedAfter: last = notAfter } = pin
  const isTolerated = at > notAfter && at <= last
  const ends = at > notAfter ? last : Math.min(notAfter, last)
  const state = isTolerated ? 'tolerated' : stateOf(at, ends, { notBefore })
  return { kind: 'signer', name, fingerprint, rail, ...left(ends, at), state }
}

/** The certificates under it have their own ends, known only once one is seen. */
function ofKey({ name, spki, rail, notAcceptedAfter }: KeyPin, at: number): TrustStatusRow {
  return {
    kind: 'key',
    name,
    fingerprint: spki,
    rail,
    ...left(notAcceptedAfter, at),
    state: stateOf(at, notAcceptedAfter),
  }
}

function ofSubject({ id, rail, use, notAcceptedAfter }: SubjectRule, at: number): TrustStatusRow {
  const state = use === 'never' ? 'never' : stateOf(at, notAcceptedAfter)
  return { kind: 'subject', name: id, rail, ...left(notAcceptedAfter, at), state }
}

function ofAuthority(kind: 'anchor' | 'intermediate', record: AuthorityRecord, at: number): TrustStatusRow {
  const { name, fingerprint, notAfter, use } = record
  return { kind, name, fingerprint, ...left(notAfter, at), state: use === 'never' ? 'never' : stateOf(at, notAfter) }
}

function ofList({ issuer, fingerprint, thisUpdate }: ParsedCrl, ends: number, at: number): TrustStatusRow {
  const state = stateOf(at, ends, { notBefore: thisUpdate, soonDays: SOON_DAYS_OF_LIST })
  return { kind: 'crl', name: issuer.text, fingerprint, ...left(ends, at), state }
}

function stateOf(
  at: number,
  ends: number | undefined,
  { notBefore, soonDays = SOON_DAYS }: { notBefore?: number | undefined; soonDays?: number } = {},
): TrustState {
  if (notBefore !== undefined && at < notBefore) return 'not-yet'
  if (ends === undefined) return 'ok'
  if (at > ends) return 'ended'
  return ends - at <= soonDays * DAY_SECONDS ? 'ends-soon' : 'ok'
}

function left(ends: number | undefined, at: number): Pick<TrustStatusRow, 'ends' | 'daysLeft'> {
  return ends === undefined ? {} : { ends, daysLeft: Math.floor((ends - at) / DAY_SECONDS) }
}
