import { type Pairing, pairWords } from './name-pairs.ts'
import { type NameWord, type PersonName, type ReadName, readName, type UnreadableName } from './name-words.ts'

/** Why a score is what it is: stable codes that hold no part of a name. */
export type NameReason =
  | UnreadableName
  | 'name.same'
  | 'name.alias'
  | 'name.common_words_only'
  | 'name.honorific'
  | 'name.initial'
  | 'name.near_spelling'
  | 'name.other_script'
  | 'name.relative'
  | 'name.script_not_compared'
  | 'name.spacing'
  | 'name.variant'
  | 'name.word_missing'
  | 'name.word_order'
  | 'name.words_differ'

export interface NameMatch {
  /** `possible`: nothing speaks against it, too little for it */
  readonly outcome: 'match' | 'possible' | 'mismatch' | 'cannot_compare'
  /** 0 to 1, two decimals; absent where the names cannot be compared. It orders pairs, it is no probability. */
  readonly score?: number
  /** sorted */
  readonly reasons: readonly NameReason[]
}

/** From here on it is a match; below `POSSIBLE` a mismatch. */
const MATCH = 0.85
const POSSIBLE = 0.5
/** Highest score of a pair that something speaks against, or too little for. */
const CEILING = { thin: 0.84, differ: 0.45, commonOnly: 0.4 }

const WEIGHT: Readonly<Record<NameWord['kind'], number>> = { word: 1, common: 0.5, initial: 0.5, honorific: 0 }
const WORTH = { same: 1, sound: 1, initial: 0.9, near: 0.7 }

/**
 * How far two written names can be one person's, as Indian documents write names: in any order and case, with initials,
 * honorifics, a parent's name, spellings by ear, or a word less. The order of the two makes no difference.
 * Names of different scripts cannot be compared, nor can a name longer than 200 characters.
 * @see documents-and-signatures.md §1.4
 */
export function matchNames(a: string | undefined, b: string | undefined): NameMatch {
  const left = readName(a)
  const right = readName(b)
  if (typeof left === 'string') return cannotCompare(left, ...(typeof right === 'string' ? [right] : []))
  if (typeof right === 'string') return cannotCompare(right)
  if (left.script !== right.script) return cannotCompare('name.other_script')
  return left.script === 'Latin' ? bestOf(left, right) : compareExactly(left, right)
}

function cannotCompare(...reasons: NameReason[]): NameMatch {
  return { outcome: 'cannot_compare', reasons: sorted(reasons) }
}

/** With an alias on either side, the pair that fits best speaks. */
function bestOf(left: ReadName, right: ReadName): NameMatch {
  const all = left.names.flatMap((a) => right.names.map((b) => compare(a, b)))
  const best = all.reduce((most, match) => ((match.score ?? 0) > (most.score ?? 0) ? match : most))
  return all.length > 1 ? { ...best, reasons: sorted([...best.reasons, 'name.alias']) } : best
}

/** We know no spellings of other scripts: the same words are the same name, of all else we say nothing. */
function compareExactly(left: ReadName, right: ReadName): NameMatch {
  const [a = [], b = []] = [left, right].map(({ names }) => names[0]?.words.map(({ text }) => text) ?? [])
  if (a.join(' ') === b.join(' ')) return verdict(1, ['name.same'])
  if (a.toSorted().join(' ') === b.toSorted().join(' ')) return verdict(1, ['name.word_order'])
  return cannotCompare('name.script_not_compared')
}

function compare(a: PersonName, b: PersonName): NameMatch {
  const pairing = pairWords(a.words, b.words)
  const left = unexplained(pairing.unpairedLeft, b.relative)
  const right = unexplained(pairing.unpairedRight, a.relative)
  const relativeUsed =
    left.length < telling(pairing.unpairedLeft).length || right.length < telling(pairing.unpairedRight).length
  const facts: Facts = { pairing, left, right, relativeUsed, identical: isIdentical(pairing) }
  return verdict(scoreOf(facts), reasonsOf(facts))
}

interface Facts {
  readonly pairing: Pairing
  /** words without their like, and not explained by a relative's name */
  readonly left: readonly NameWord[]
  readonly right: readonly NameWord[]
  readonly relativeUsed: boolean
  readonly identical: boolean
}

const telling = (words: readonly NameWord[]) => words.filter(({ kind }) => kind !== 'honorific')

/** A parent's name may stand after `s/o` in one document and as a middle or last word in the other. */
function unexplained(words: readonly NameWord[], relative: readonly NameWord[]): readonly NameWord[] {
  return telling(pairWords(words, relative).unpairedLeft)
}

const isIdentical = ({ left, right, joined }: Pairing) =>
  !joined && left.map(({ text }) => text).join(' ') === right.map(({ text }) => text).join(' ')

function scoreOf({ pairing, left, right, relativeUsed }: Facts): number {
  const weighed = pairing.pairs.map((pair) => ({ ...pair, weight: pairWeight(pairing, pair) }))
  const paired = sum(weighed.map(({ weight, likeness }) => weight * WORTH[likeness]))
  const total = sum(weighed.map(({ weight }) => 2 * weight)) + sum([...left, ...right].map(({ kind }) => WEIGHT[kind]))
  const score = total === 0 ? 0 : (2 * paired) / total

  const sure = weighed.filter(({ likeness }) => likeness === 'same' || likeness === 'sound')
  const whole = sure.filter(({ weight }) => weight === 1).length
  const all = left.length + right.length === 0
  const plain = all && !relativeUsed && sure.length === pairing.pairs.length
  if (isContradicted(left, right)) return Math.min(score, CEILING.differ)
  if (plain) return score
  if (whole === 0) return Math.min(score, CEILING.commonOnly)
  // One whole word and nothing against it stays possible, however much the other name adds.
  const floored = left.length === 0 || right.length === 0 ? Math.max(score, POSSIBLE) : score
  const thin = whole < 2 || weighed.some(({ likeness }) => likeness === 'near')
  return thin ? Math.min(floored, CEILING.thin) : floored
}

/** An initial beside a word is worth an initial; an honorific that is a name in the other (Kumari) is worth that. */
function pairWeight({ left, right }: Pairing, pair: { left: number; right: number; likeness: string }): number {
  const [a = 'honorific', b = 'honorific'] = [left[pair.left]?.kind, right[pair.right]?.kind]
  return pair.likeness === 'initial' ? WEIGHT.initial : Math.max(WEIGHT[a], WEIGHT[b])
}

/** Each name has a word, or an initial, that the other denies. */
const isContradicted = (left: readonly NameWord[], right: readonly NameWord[]) =>
  [left, right].every((words) => words.some(({ kind }) => kind !== 'common'))

function reasonsOf({ pairing, left, right, relativeUsed, identical }: Facts): NameReason[] {
  if (identical) return ['name.same']
  const { pairs } = pairing
  const whole = pairs.filter((pair) => pair.likeness !== 'initial' && pairWeight(pairing, pair) === 1)
  const rows: readonly (readonly [boolean, NameReason])[] = [
    [isReordered(pairing), 'name.word_order'],
    [pairs.some(({ likeness }) => likeness === 'sound'), 'name.variant'],
    [pairs.some(({ likeness }) => likeness === 'initial'), 'name.initial'],
    [pairs.some(({ likeness }) => likeness === 'near'), 'name.near_spelling'],
    [pairing.joined, 'name.spacing'],
    [[...pairing.unpairedLeft, ...pairing.unpairedRight].some(({ kind }) => kind === 'honorific'), 'name.honorific'],
    [relativeUsed, 'name.relative'],
    [pairs.length > 0 && whole.length === 0, 'name.common_words_only'],
    [isContradicted(left, right), 'name.words_differ'],
    [!isContradicted(left, right) && left.length + right.length > 0, 'name.word_missing'],
  ]
  return rows.flatMap(([holds, reason]) => (holds ? [reason] : []))
}

function isReordered({ pairs }: Pairing): boolean {
  const order = pairs.toSorted((a, b) => a.left - b.left).map(({ right }) => right)
  return order.some((right, index) => right < (order[index - 1] ?? -1))
}

function verdict(score: number, reasons: readonly NameReason[]): NameMatch {
  const rounded = Math.round(score * 100) / 100
  const outcome = rounded >= MATCH ? 'match' : rounded >= POSSIBLE ? 'possible' : 'mismatch'
  return { outcome, score: rounded, reasons: sorted(reasons) }
}

const sorted = (reasons: readonly NameReason[]) => [...new Set(reasons)].toSorted()
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
