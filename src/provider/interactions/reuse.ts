import type { Clock } from '../../clock.ts'
import type { ConsentStore, ConsentWithValues } from '../../privacy/consent.ts'
import type { Vault } from '../../vault/vault.ts'
import { openValues, valuesPlace } from '../account.ts'
import type { DecisionStore, Draft } from '../stores.ts'
import { type AskedInteraction, requestOf } from './asked.ts'
import { type Answer, decidedAlready, type GrantTerms, NOTICE_VERSION, split, toTerms } from './consent.ts'
import { type Earlier, type EarlierOffer, offerEarlier, releaseEarlier } from './earlier.ts'

export interface ReuseParts {
  readonly consents: Pick<ConsentStore, 'findLive'>
  readonly decisions: Pick<DecisionStore, 'acceptEarlier' | 'leave'>
  readonly vault: Vault
  readonly clock: Clock
  /** UUIDv7 text, rising */
  readonly newId: () => string
  readonly draftGrant: (terms: GrantTerms) => Promise<Draft>
}

/** An earlier verification that can answer this request, if she agrees again. */
export interface Reusable extends Earlier {
  readonly consent: ConsentWithValues
  readonly offer: EarlierOffer
}

/**
 * The story of a login without a journey: she is signed in, the app asks for what she shared with it before, or for less,
 * and what we keep for it is young enough. She sees how old the check is, and may have it done again.
 */
export function createReuse(parts: ReuseParts) {
  /** @param accountId whose session the engine sees in this browser now; without one nothing is found */
  async function find(interaction: AskedInteraction, accountId: string | undefined): Promise<Reusable | undefined> {
    // A wish for a new sign-in is a wish for the journey.
    if (accountId === undefined || interaction.freshLogin) return undefined
    const now = parts.clock()
    const consent = await parts.consents.findLive(accountId, interaction.clientId, now)
    if (!consent) return undefined
    const values = await openValues(consent, parts.vault)
    const offer = offerEarlier(requestOf(interaction), { consent, values }, interaction.optional, now)
    return offer && { consent, values, offer }
  }

  /** Not longer than the earlier consent allowed; epoch seconds. */
  const retainEarlierUntil = ({ retentionDays }: AskedInteraction, { consent }: Reusable): number =>
    Math.min(consent.retainUntil, parts.clock() + retentionDays * 86_400)

  /**
   * Writes her yes, in one statement.
   * @returns false when the earlier consent no longer stands, and nothing was written
   * @throws RailError INTERACTION_OUT_OF_ORDER when she has decided already
   */
  async function grant(
    interaction: AskedInteraction,
    earlier: Reusable,
    chosen: ReadonlySet<string>,
    locale: string,
    answer: Answer,
  ): Promise<boolean> {
    const now = parts.clock()
    const { accountId, rail } = earlier.consent
    const retainUntil = retainEarlierUntil(interaction, earlier)
    const request = requestOf(interaction)
    const { items, values, evidence } = releaseEarlier(earlier.offer, chosen, request, earlier, now)
    const id = parts.newId()
    const sealed = await parts.vault.seal(`account:${accountId}`, valuesPlace(id), JSON.stringify(values))
    const grant = await parts.draftGrant(toTerms(interaction, accountId, items, retainUntil - now))
    const agreed = { purpose: interaction.purpose, notice: NOTICE_VERSION, locale }
    const about = { accountId, clientId: interaction.clientId, grantId: grant.id }
    const body = { type: 'consent.granted', consentId: id, ...agreed, ...split(items), retainUntil } as const
    const outcome = await parts.decisions.acceptEarlier({
      basedOn: earlier.consent.id,
      interaction: await answer({ consent: { grantId: grant.id } }),
      grant,
      consent: {
        ...about,
        ...agreed,
        id,
        rail,
        items,
        evidence,
        requestDigest: request.digest,
        givenAt: now,
        retainUntil,
      },
      sealedValues: sealed,
      event: { body: { ...body, basedOn: earlier.consent.id }, ...about, interactionUid: interaction.uid },
    })
    if (outcome === 'decided') throw decidedAlready()
    return outcome === 'accepted'
  }

  /** Writes her no. @throws RailError INTERACTION_OUT_OF_ORDER when she has decided already */
  async function refuse({ uid, clientId, purpose }: AskedInteraction, locale: string, answer: Answer): Promise<void> {
    const body = { type: 'consent.refused', purpose, notice: NOTICE_VERSION, locale } as const
    const told = { error: 'access_denied', error_description: 'the person did not agree to share' }
    const left = await parts.decisions.leave(await answer(told), { body, clientId, interactionUid: uid })
    if (!left) throw decidedAlready()
  }

  return { find, retainEarlierUntil, grant, refuse }
}

export type Reuse = ReturnType<typeof createReuse>
