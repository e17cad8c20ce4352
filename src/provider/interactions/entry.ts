import { RailError } from '../../errors.ts'
import type { KeyedHasher } from '../../vault/keyed-hash.ts'
import { accountKey } from '../account.ts'
import { reachedAcr } from '../assurance-levels.ts'
import type { AccountStore, DecisionStore } from '../stores.ts'
import { type AskedInteraction, acrOf } from './asked.ts'
import { type Answer, decidedAlready } from './consent.ts'
import type { Returned } from './login.ts'

export interface EntryParts {
  readonly accounts: AccountStore
  readonly decisions: Pick<DecisionStore, 'close'>
  readonly hash: KeyedHasher
}

type Asked = Pick<AskedInteraction, 'uid' | 'clientId' | 'acrValues' | 'claims'>

/** The story of a sign-in to the person's own page: nothing is asked, nothing is shared, and no account is made for it. */
export function createEntry({ accounts, decisions, hash }: EntryParts) {
  /** Who never shared anything through us has no page; looking for one leaves nothing behind. */
  const isKnown = async (identity: Returned['identity']): Promise<boolean> =>
    (await accounts.findByKey(accountKey(hash, identity))) !== undefined

  /**
   * Signs her in, in one statement; what DigiLocker brought is forgotten and its tokens are given back.
   * @throws RailError INTERACTION_OUT_OF_ORDER when this journey has been answered already; ACCOUNT_UNKNOWN when her
   * account is gone meanwhile
   */
  async function enter(asked: Asked, { attemptId, identity }: Returned, answer: Answer): Promise<void> {
    const account = await accounts.findByKey(accountKey(hash, identity))
    if (!account) throw new RailError('ACCOUNT_UNKNOWN', 'the account has been erased meanwhile')
    const login = { accountId: account.id, acr: reachedAcr(identity.documents, acrOf(asked)), remember: false }
    const entered = await decisions.close({
      interaction: await answer({ login }),
      attemptId,
      event: {
        body: { type: 'account.entered' },
        accountId: account.id,
        clientId: asked.clientId,
        interactionUid: asked.uid,
      },
    })
    if (!entered) throw decidedAlready()
  }

  return { isKnown, enter }
}

export type Entry = ReturnType<typeof createEntry>
