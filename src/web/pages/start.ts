import type { Translator } from '../i18n.ts'
import { type ClientIdentity, claimLabel, documentLabel, isProof, type PageFrame } from './frame.ts'

/**
 * The page before DigiLocker: who asks, why, for what, and what the person needs at hand.
 * Its form posts `csrf`, `request` and `decision` = `continue` | `cancel` to `action`.
 */
export interface StartPage extends PageFrame {
  /** she signs in to her own page, and no app asks */
  readonly own: boolean
  readonly clientName: string
  readonly clientDomain: string
  readonly purpose: string
  /** plain labels */
  readonly asked: readonly string[]
  readonly documents: readonly string[]
  /** DigiLocker does not answer at present */
  readonly paused: boolean
  readonly action: string
  /** where `cancel` goes, when not to `action` */
  readonly cancelAction?: string | undefined
  readonly csrf: string
  /** what was asked for, sealed for this interaction: the form brings it back, so that nothing need be read again */
  readonly request?: string | undefined
}

export interface StartView extends PageFrame {
  readonly own: boolean
  readonly client: ClientIdentity
  readonly purpose: string
  /** names of claims, `verified_claims.<name>` included */
  readonly claims: readonly string[]
  readonly doctypes: readonly string[]
  readonly paused: boolean
  readonly action: string
  readonly cancelAction?: string | undefined
  readonly csrf: string
  readonly request?: string | undefined
}

export function toStartPage(words: Translator, view: StartView): StartPage {
  const plain = view.claims.filter((claim) => !isProof(claim)).map((claim) => claimLabel(words, claim))
  const proven = view.claims.filter(isProof).map((claim) => claimLabel(words, claim))
  return {
    own: view.own,
    clientName: view.client.name,
    clientDomain: view.client.domain,
    purpose: view.purpose,
    asked: [
      ...plain,
      ...(proven.length > 0 ? [words.t('start.with-proof', { claims: words.list(proven), count: proven.length })] : []),
    ],
    documents: view.doctypes.map((doctype) => documentLabel(words, doctype)),
    paused: view.paused,
    action: view.action,
    cancelAction: view.cancelAction,
    csrf: view.csrf,
    request: view.request,
    languages: view.languages,
  }
}
