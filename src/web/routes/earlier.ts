import type { Context } from 'koa'
import type { Reusable, Reuse } from '../../provider/interactions/reuse.ts'
import type { PageSender } from '../page.ts'
import { type ConsentSource, type ConsentView, digestOfShown, toConsentPage } from '../pages/consent.ts'
import type { Visit } from '../visit.ts'

export interface EarlierParts {
  readonly reuse: Reuse
  readonly pages: PageSender
  readonly clock: () => number
  readonly notice: ConsentView['notice']
}

/** What she pressed, and on which page. */
export interface Choice {
  readonly share: boolean
  readonly chosen: ReadonlySet<string>
  /** `ConsentPage.shown` of that page; untrusted */
  readonly shown: unknown
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
        items: toItems(earlier),
        missing: [],
        changed: ctx.query.changed !== undefined,
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

  /** Takes her answer on that screen. @returns undefined when there was nothing to answer */
  async function decide(visit: Visit, { share, chosen, shown }: Choice): Promise<'decided' | 'changed' | undefined> {
    const earlier = await reuse.find(visit.asked, visit.signedIn)
    if (!earlier) return undefined
    if (share && shown !== digestOfShown({ purpose: visit.asked.purpose, items: toItems(earlier) })) return 'changed'
    if (!share) await reuse.refuse(visit.asked, visit.locale, visit.answer)
    else if (!(await reuse.grant(visit.asked, earlier, chosen, visit.locale, visit.answer))) return 'changed'
    return 'decided'
  }

  return { show, decide }
}

const toItems = (earlier: Reusable): ConsentView['items'] =>
  earlier.offer.items.map(({ name, value, required, source }) => ({
    claim: name,
    value,
    required,
    source: toSource(source, earlier),
  }))

function toSource(source: string, { consent }: Reusable): ConsentSource {
  const evidence = consent.evidence.find(({ doctype }) => doctype === source)
  if (!evidence) return { kind: 'account' }
  return { kind: 'document', doctype: source, signerName: evidence.signerName, weakAlgorithm: evidence.weakAlgorithm }
}
