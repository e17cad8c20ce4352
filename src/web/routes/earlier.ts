import type { Context } from 'koa'
import type { Reusable, Reuse } from '../../provider/interactions/reuse.ts'
import type { PageSender } from '../page.ts'
import { type ConsentSource, type ConsentView, toConsentPage } from '../pages/consent.ts'
import type { Visit } from '../visit.ts'

export interface EarlierParts {
  readonly reuse: Reuse
  readonly pages: PageSender
  readonly clock: () => number
  readonly notice: ConsentView['notice']
}

/** The consent screen of what was verified before, in place of the start page: agree, decline, or have it checked again. */
export function createEarlier({ reuse, pages, clock, notice }: EarlierParts) {
  /** @returns false when there is nothing to show, and DigiLocker has to be asked */
  async function show(ctx: Context, visit: Visit, csrf: string): Promise<boolean> {
    const earlier = await reuse.find(visit.asked, visit.signedIn)
    if (!earlier) return false
    pages.send(ctx, 'consent', (words, languages) =>
      toConsentPage(words, {
        client: visit.client,
        purpose: visit.asked.purpose,
        items: earlier.offer.items.map(({ name, value, required, source }) => ({
          claim: name,
          value,
          required,
          source: toSource(source, earlier),
        })),
        missing: [],
        checkedAt: earlier.offer.checkedAt,
        sessionOpen: false,
        path: visit.path,
        now: clock(),
        retainUntil: reuse.retainEarlierUntil(visit.asked, earlier),
        notice,
        csrf,
        languages,
      }),
    )
    return true
  }

  /** Takes her answer on that screen. @returns false when there was nothing to answer */
  async function decide(visit: Visit, share: boolean, chosen: ReadonlySet<string>): Promise<boolean> {
    const earlier = await reuse.find(visit.asked, visit.signedIn)
    if (!earlier) return false
    if (share) await reuse.grant(visit.asked, earlier, chosen, visit.locale, visit.answer)
    else await reuse.refuse(visit.asked, visit.locale, visit.answer)
    return true
  }

  return { show, decide }
}

function toSource(source: string, { consent }: Reusable): ConsentSource {
  const evidence = consent.evidence.find(({ doctype }) => doctype === source)
  if (!evidence) return { kind: 'account' }
  return { kind: 'document', doctype: source, signerName: evidence.signerName, weakAlgorithm: evidence.weakAlgorithm }
}
