import type { InteractionResults } from 'oidc-provider'
import type { Clock } from '../../clock.ts'
import { RailError, StoreError } from '../../errors.ts'
import type { ConsentItem } from '../../privacy/consent.ts'
import type { RailIdentity } from '../../rails/rail.ts'
import type { KeyedHasher } from '../../vault/keyed-hash.ts'
import type { Place, Vault } from '../../vault/vault.ts'
import { accountKey, valuesPlace } from '../account.ts'
import { reachedAcr } from '../assurance-levels.ts'
import { companions, otherClaims } from '../claims.ts'
import type { AnswerContext } from '../identity-assurance/answer.ts'
import type { AccountStore, DecisionStore, Draft } from '../stores.ts'
import type { Upstream } from '../upstream.ts'
import { type AskedInteraction, acrOf, requestOf } from './asked.ts'
import type { Returned } from './login.ts'
import { makeOffer, makeRelease, type Offer, toEvidence } from './offer.ts'
import { isWanted } from './wanted-person.ts'

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

/** The engine's interaction with its result, ready to be stored. */
export type Answer = (result: InteractionResults) => Promise<Draft>

export interface ConsentParts {
  readonly accounts: AccountStore
  readonly decisions: Pick<DecisionStore, 'accept' | 'close'>
  readonly upstream: Pick<Upstream, 'keepUntil'>
  readonly vault: Vault
  readonly hash: KeyedHasher
  readonly clock: Clock
  /** UUIDv7 text, rising */
  readonly newId: () => string
  /** an engine grant, ready to be stored */
  readonly draftGrant: (terms: GrantTerms) => Promise<Draft>
  /** named as the verifier in `check_details` */
  readonly organization: string
}

/** Version of the notice that the consent screen shows; rises with every change of its meaning (dpdp.md §3). */
export const NOTICE_VERSION = '2026-11-1'

const DAY = 86_400
const TRIES = 5

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

  /** Whether she who came is the person that the request is about; somebody who was never here is not. */
  async function isSheWhoIsWanted({ wanted }: AskedInteraction, identity: RailIdentity): Promise<boolean> {
    if (!wanted || wanted.subjects.length === 0) return true
    const known = await parts.accounts.findByKey(accountKey(parts.hash, identity))
    return known !== undefined && isWanted(wanted, known.id, parts.hash)
  }

  /** Values are deleted at the end of the purpose's retention, or of the upstream's consent if that is sooner; epoch seconds. */
  function retainUntil(interaction: AskedInteraction, identity: RailIdentity): number {
    const wanted = parts.clock() + interaction.retentionDays * DAY
    return Math.min(wanted, identity.consentEndsAt ?? wanted)
  }

  /**
   * Writes her yes in one statement: account, sealed values, grant, consent, event and the engine's result; of several
   * presses one wins.
   * @param chosen names of optional items she ticked
   * @param answer what the engine is told, ready to be stored
   * @throws RailError RAIL_EXPIRED when the upstream's own consent has ended meanwhile; INTERACTION_OUT_OF_ORDER when she
   * has decided already
   */
  async function grant(
    interaction: AskedInteraction,
    { attemptId, identity }: Returned,
    chosen: ReadonlySet<string>,
    locale: string,
    answer: Answer,
  ): Promise<void> {
    const now = parts.clock()
    const until = retainUntil(interaction, identity)
    if (until <= now) throw new RailError('RAIL_EXPIRED', 'the upstream consent has ended')
    const request = requestOf(interaction)
    const offer = offerFor(interaction, { attemptId, identity })
    const { items, values } = makeRelease(offer, chosen, request, identity, contextOf(attemptId))
    const acr = reachedAcr(identity.documents, acrOf(interaction))
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const consentId = parts.newId()
      const account = await accountOf(identity)
      const sealedValues = await account.seal(valuesPlace(consentId), JSON.stringify(values))
      const grant = await parts.draftGrant(toTerms(interaction, account.id, items, until - now))
      const agreed = { purpose: interaction.purpose, notice: NOTICE_VERSION, locale }
      const about = { accountId: account.id, clientId: interaction.clientId, grantId: grant.id }
      const outcome = await parts.decisions.accept({
        interaction: await answer({
          login: { accountId: account.id, acr, remember: false },
          consent: { grantId: grant.id },
        }),
        attemptId,
        account,
        grant,
        consent: {
          ...about,
          ...agreed,
          id: consentId,
          rail: identity.rail,
          items,
          evidence: toEvidence(identity, items),
          requestDigest: request.digest,
          givenAt: now,
          retainUntil: until,
        },
        sealedValues,
        keepSessionUntil: parts.upstream.keepUntil(until),
        event: {
          body: { type: 'consent.granted', consentId, ...agreed, ...split(items), retainUntil: until },
          ...about,
          interactionUid: interaction.uid,
        },
      })
      if (outcome === 'accepted') return account.keep()
      if (outcome === 'decided') throw decidedAlready()
    }
    throw new StoreError('STORE_UNAVAILABLE', 'the account was made and erased again and again')
  }

  /** Her account, or one for her that the decision is to make, with a key of its own. */
  async function accountOf(identity: RailIdentity) {
    const key = accountKey(parts.hash, identity)
    const known = await parts.accounts.findByKey(key)
    const id = known?.id ?? `acct_${parts.newId()}`
    const owner = `account:${id}` as const
    const seal = (place: Place, values: string) => parts.vault.seal(owner, place, values)
    if (known) return { id, key, dataKey: undefined, seal, keep: () => undefined }
    const drawn = await parts.vault.draw(owner)
    return {
      id,
      key,
      dataKey: drawn.wrapped,
      seal: async (place: Place, values: string) => drawn.seal(place, values),
      keep: drawn.keep,
    }
  }

  /** Writes her no. Nothing of what the rail brought is kept. @throws RailError INTERACTION_OUT_OF_ORDER as above */
  async function refuse(
    interaction: AskedInteraction,
    { attemptId }: Returned,
    locale: string,
    answer: Answer,
  ): Promise<void> {
    const refused = await parts.decisions.close({
      interaction: await answer({
        error: 'access_denied',
        error_description: 'the person did not agree to share',
      }),
      attemptId,
      event: {
        body: { type: 'consent.refused', purpose: interaction.purpose, notice: NOTICE_VERSION, locale },
        clientId: interaction.clientId,
        interactionUid: interaction.uid,
      },
    })
    if (!refused) throw decidedAlready()
  }

  return { offerFor, isSheWhoIsWanted, retainUntil, grant, refuse }
}

/** Of a double press, and of a yes and a no in two tabs, one counts. */
export const decidedAlready = () => new RailError('INTERACTION_OUT_OF_ORDER', 'she has decided already')

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
        // A name that nobody knows is the app's own text, and is kept nowhere.
        ...named.filter((name) => otherClaims.has(name)),
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
