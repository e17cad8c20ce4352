import type { Clock } from '../../clock.ts'
import { RailError } from '../../errors.ts'
import type { ConsentItem, ConsentStore } from '../../privacy/consent.ts'
import type { EventStore } from '../../privacy/event.ts'
import type { RailIdentity } from '../../rails/rail.ts'
import type { Transact } from '../../transaction.ts'
import type { KeyedHasher } from '../../vault/keyed-hash.ts'
import type { Vault } from '../../vault/vault.ts'
import { valuesPlace } from '../account.ts'
import { reachedAcr } from '../assurance-levels.ts'
import { companions, findClaimRow } from '../claims.ts'
import type { AnswerContext } from '../identity-assurance/answer.ts'
import type { AccountStore, AttemptStore } from '../stores.ts'
import type { Upstream } from '../upstream.ts'
import { type AskedInteraction, acrOf, requestOf } from './asked.ts'
import type { Returned } from './login.ts'
import { makeOffer, makeRelease, type Offer, toEvidence } from './offer.ts'

/** What to write into an engine grant. */
export interface GrantTerms {
  readonly accountId: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly claims: readonly string[]
  readonly rejectedClaims: readonly string[]
  /** seconds */
  readonly lifetime: number
}

/** What the engine is told when the person has said yes. */
export interface LoginResult {
  readonly login: { accountId: string; acr: string; remember: boolean }
  readonly consent: { grantId: string }
}

export interface ConsentParts {
  readonly accounts: AccountStore
  readonly attempts: AttemptStore
  readonly upstream: Pick<Upstream, 'settle' | 'end'>
  readonly consents: ConsentStore
  readonly events: EventStore
  readonly vault: Vault
  readonly hash: KeyedHasher
  readonly transact: Transact
  readonly clock: Clock
  /** UUIDv7 text, rising */
  readonly newId: () => string
  /** saves an engine grant inside the running transaction and returns its id */
  readonly saveGrant: (terms: GrantTerms) => Promise<string>
  /** named as the verifier in `check_details` */
  readonly organization: string
}

/** Version of the notice that the consent screen shows; rises with every change of its meaning (dpdp.md §3). */
export const NOTICE_VERSION = '2026-11-1'

const DAY = 86_400

/** The story of a consent: what is on offer, and what her answer makes of it. */
export function createConsent(parts: ConsentParts) {
  const contextOf = (attemptId: string): AnswerContext => ({
    judgement: { clock: parts.clock },
    organization: parts.organization,
    process: attemptId,
    now: parts.clock(),
  })

  const offerFor = (interaction: AskedInteraction, { attemptId, identity }: Omit<Returned, 'sessionOpen'>): Offer =>
    makeOffer(requestOf(interaction), identity, contextOf(attemptId), interaction.optional)

  /** Values are deleted at the end of the purpose's retention, or of the upstream's consent if that is sooner; epoch seconds. */
  function retainUntil(interaction: AskedInteraction, identity: RailIdentity): number {
    const wanted = parts.clock() + interaction.retentionDays * DAY
    return Math.min(wanted, identity.consentEndsAt ?? wanted)
  }

  /**
   * Writes her yes: account, sealed values, grant, consent and events; the last three in one transaction.
   * @param chosen names of optional items she ticked
   * @throws RailError RAIL_EXPIRED when the upstream's own consent has ended meanwhile
   */
  async function grant(
    interaction: AskedInteraction,
    { attemptId, identity, sessionOpen }: Returned,
    chosen: ReadonlySet<string>,
    locale: string,
  ): Promise<LoginResult> {
    const now = parts.clock()
    const until = retainUntil(interaction, identity)
    if (until <= now) throw new RailError('RAIL_EXPIRED', 'the upstream consent has ended')
    const request = requestOf(interaction)
    const offer = offerFor(interaction, { attemptId, identity })
    const { items, values } = makeRelease(offer, chosen, request, identity, contextOf(attemptId))
    const consentId = parts.newId()
    const { accountId, sealedValues } = await prepare(identity, consentId, JSON.stringify(values))
    const terms = toTerms(interaction, accountId, items, until - now)
    const grantId = await parts.transact(async () => {
      const saved = await parts.saveGrant(terms)
      await parts.consents.insert(
        {
          id: consentId,
          accountId,
          clientId: interaction.clientId,
          grantId: saved,
          rail: identity.rail,
          purpose: interaction.purpose,
          notice: NOTICE_VERSION,
          locale,
          items,
          evidence: toEvidence(identity, items),
          requestDigest: request.digest,
          givenAt: now,
          retainUntil: until,
        },
        sealedValues,
      )
      if (sessionOpen) await parts.upstream.settle(attemptId, saved, until)
      await parts.events.append([
        {
          body: {
            type: 'consent.granted',
            consentId,
            purpose: interaction.purpose,
            notice: NOTICE_VERSION,
            locale,
            ...split(items),
            retainUntil: until,
          },
          accountId,
          clientId: interaction.clientId,
          grantId: saved,
          interactionUid: interaction.uid,
        },
      ])
      await parts.attempts.deleteByInteraction(interaction.uid)
      return saved
    })
    const acr = reachedAcr(identity.documents, acrOf(interaction))
    return { login: { accountId, acr, remember: false }, consent: { grantId } }
  }

  /**
   * Outside the transaction on purpose: a data key that a rolled-back transaction made must not stay in the cache, or
   * values would be sealed under a key that nobody has.
   */
  async function prepare(identity: RailIdentity, consentId: string, values: string) {
    const key = parts.hash('account', `${identity.rail}:${identity.subject}`)
    const { id: accountId } = await parts.accounts.findOrCreate(key, `acct_${parts.newId()}`)
    const sealedValues = await parts.vault.seal(`account:${accountId}`, valuesPlace(consentId), values)
    return { accountId, sealedValues }
  }

  /** Writes her no. Nothing of what the rail brought is kept. */
  async function refuse(
    interaction: AskedInteraction,
    { attemptId, sessionOpen }: Returned,
    locale: string,
  ): Promise<void> {
    await parts.transact(async () => {
      if (sessionOpen) await parts.upstream.end(attemptId)
      await parts.events.append([
        {
          body: { type: 'consent.refused', purpose: interaction.purpose, notice: NOTICE_VERSION, locale },
          clientId: interaction.clientId,
          interactionUid: interaction.uid,
        },
      ])
      await parts.attempts.deleteByInteraction(interaction.uid)
    })
  }

  return { offerFor, retainUntil, grant, refuse }
}

export type ConsentStory = ReturnType<typeof createConsent>

export function split(items: readonly ConsentItem[]): { granted: string[]; refused: string[] } {
  const names = (shared: boolean) => items.filter((item) => item.shared === shared).map((item) => item.claim)
  return { granted: names(true), refused: names(false) }
}

/** All scopes asked are granted and what she left out is rejected by name: a rejected claim is never asked or sent again. */
export function toTerms(
  interaction: AskedInteraction,
  accountId: string,
  items: readonly ConsentItem[],
  lifetime: number,
): GrantTerms {
  const request = requestOf(interaction)
  const shared = new Set(items.filter((item) => item.shared).map((item) => item.claim))
  const flat = request.claims.map(({ claim }) => claim)
  const refused = flat.filter((claim) => !shared.has(claim))
  const wantsVerified = Object.keys(request.verified).length > 0
  const named = namedInParameter(interaction.claims)
  return {
    accountId,
    clientId: interaction.clientId,
    scopes: interaction.scopes,
    resources: interaction.resources,
    claims: [
      ...new Set([
        ...flat.filter((claim) => shared.has(claim)),
        ...(wantsVerified ? ['verified_claims'] : []),
        ...named.filter((name) => !findClaimRow(name)),
      ]),
    ],
    rejectedClaims: refused.flatMap((claim) => [claim, ...Object.keys(companions[claim] ?? {})]),
    lifetime,
  }
}

function namedInParameter(claims: string | undefined): string[] {
  if (!claims) return []
  const asked = JSON.parse(claims) as Record<string, Record<string, unknown> | null>
  return Object.values(asked).flatMap((place) => Object.keys(place ?? {}))
}
