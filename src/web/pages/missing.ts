import type { MissingReason as GivenReason } from '../../provider/interactions/offer.ts'
import type { Translator } from '../i18n.ts'
import { documentLabel } from './frame.ts'

/** Why a document gave nothing: as the rail tells it, or refused by verification. */
export type MissingReason = 'refused' | GivenReason

/** A wanted document that gave nothing, with what she can do about it now. */
export interface MissingRow {
  readonly document: string
  readonly reason: string
  readonly next: string
  /** a form's POST of `csrf` and, with `doctype`, of that; or a link */
  readonly action?:
    | { readonly kind: 'post'; readonly href: string; readonly label: string; readonly doctype?: string }
    | { readonly kind: 'link'; readonly href: string; readonly label: string }
    | undefined
}

export interface MissingView {
  readonly doctype: string
  readonly reason: MissingReason
  /** its office can be asked to put it into the locker */
  readonly canBePulled: boolean
}

/**
 * @param path address of the interaction
 * @param sessionOpen DigiLocker can still be asked without a new sign-in
 */
export function toMissingRow(words: Translator, view: MissingView, path: string, sessionOpen: boolean): MissingRow {
  const document = documentLabel(words, view.doctype)
  return {
    document,
    reason: words.t(`missing.${view.reason}`),
    next: words.t(`missing.${view.reason}.next`),
    action: actionFor(words, document, view, path, sessionOpen),
  }
}

function actionFor(
  words: Translator,
  document: string,
  { doctype, reason, canBePulled }: MissingView,
  path: string,
  sessionOpen: boolean,
): MissingRow['action'] {
  switch (reason) {
    case 'unavailable':
    case 'pull-pending':
      if (!sessionOpen) return undefined
      return { kind: 'post', href: `${path}/again`, label: words.t('missing.ask-again', { document }), doctype }
    case 'not-in-locker':
    case 'pull-not-found':
      if (!sessionOpen || !canBePulled) return undefined
      return { kind: 'link', href: `${path}/pull/${doctype}`, label: words.t('missing.pull', { document }) }
    case 'not-granted':
      return { kind: 'post', href: `${path}/start`, label: words.t('missing.sign-in-again', { document }) }
    default:
      return undefined
  }
}
