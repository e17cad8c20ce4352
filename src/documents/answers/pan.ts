import type { DocumentFields } from '../document.ts'
import { type Answer, type AnswerReason, no, unknown, yes } from './answer.ts'

/** By the fourth letter of a PAN, as the Income Tax Department publishes them. */
const HOLDERS = {
  A: 'association-of-persons',
  B: 'body-of-individuals',
  C: 'company',
  F: 'firm',
  G: 'government',
  H: 'hindu-undivided-family',
  J: 'artificial-juridical-person',
  L: 'local-authority',
  P: 'individual',
  T: 'trust',
} as const

export type PanHolder = (typeof HOLDERS)[keyof typeof HOLDERS]

const isHolderLetter = (letter: string): letter is keyof typeof HOLDERS => Object.hasOwn(HOLDERS, letter)

/**
 * Whether the verification record says that the PAN is active. It speaks of the moment at which the department verified
 * it (`verifiedAt`), not of today: a PAN may have become inoperative since (Income-tax Rules 1962, rule 114AAA).
 */
export function answerPanActive(fields: Pick<DocumentFields, 'doctype' | 'status'>): Answer {
  if (fields.doctype !== 'PANCR') return unknown('document.other_type')
  if (fields.status === undefined) return unknown('document.status_missing')
  return fields.status === 'active' ? yes() : no('document.status_inactive')
}

/**
 * What kind of holder the PAN was given to: the fourth letter, unless the rest of the document says otherwise.
 * @returns no `holder` where the letter means nothing or the document contradicts it
 */
export function panHolder(fields: Pick<DocumentFields, 'doctype' | 'number' | 'name' | 'organization' | 'gender'>): {
  readonly holder?: PanHolder
  readonly reasons: readonly AnswerReason[]
} {
  if (fields.doctype !== 'PANCR') return { reasons: ['document.other_type'] }
  if (fields.number === undefined) return { reasons: ['pan.number_missing'] }
  const letter = fields.number.charAt(3)
  if (!isHolderLetter(letter)) return { reasons: ['pan.holder_letter_unknown'] }
  // A date of birth decides nothing: records of companies carry the date of incorporation there.
  const organization = fields.organization !== undefined
  const contradicted = letter === 'P' ? organization : fields.gender !== undefined
  return contradicted ? { reasons: ['pan.holder_contradicted'] } : { holder: HOLDERS[letter], reasons: [] }
}
