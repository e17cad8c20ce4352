import type { NameWord } from './name-words.ts'
import { isNearSpelling, soundOf } from './spelling.ts'

export type Likeness = 'same' | 'sound' | 'initial' | 'near'

export interface Pair {
  readonly left: number
  readonly right: number
  readonly likeness: Likeness
}

export interface Pairing {
  readonly left: readonly NameWord[]
  readonly right: readonly NameWord[]
  readonly pairs: readonly Pair[]
  readonly unpairedLeft: readonly NameWord[]
  readonly unpairedRight: readonly NameWord[]
  /** words that one name writes together and the other apart */
  readonly joined: boolean
}

/** From the surest likeness to the faintest: a word that has its equal is not spent on an initial. */
const LIKENESSES: readonly (readonly [Likeness, (a: NameWord, b: NameWord) => boolean])[] = [
  ['same', (a, b) => a.text === b.text],
  ['sound', (a, b) => a.kind !== 'initial' && b.kind !== 'initial' && soundOf(a.text) === soundOf(b.text)],
  ['initial', isInitialOf],
  ['near', (a, b) => isNearSpelling(soundOf(a.text), soundOf(b.text))],
]

/** Finds for each word its like in the other name, wherever it stands. At most a few hundred comparisons. */
export function pairWords(a: readonly NameWord[], b: readonly NameWord[]): Pairing {
  const left = joinAs(a, b)
  const right = joinAs(b, left)
  const pairs: Pair[] = []
  for (const [likeness, alike] of LIKENESSES) {
    left.forEach((word, index) => {
      if (pairs.some((pair) => pair.left === index)) return
      const other = right.findIndex((to, at) => !pairs.some((pair) => pair.right === at) && alike(word, to))
      if (other >= 0) pairs.push({ left: index, right: other, likeness })
    })
  }
  return {
    left,
    right,
    pairs,
    unpairedLeft: left.filter((_word, index) => !pairs.some((pair) => pair.left === index)),
    unpairedRight: right.filter((_word, index) => !pairs.some((pair) => pair.right === index)),
    joined: left.length < a.length || right.length < b.length,
  }
}

/** Two initials are compared as they are; an initial stands for no honorific and for no other initial. */
function isInitialOf(a: NameWord, b: NameWord): boolean {
  if (a.kind === 'honorific' || b.kind === 'honorific') return false
  if ((a.kind === 'initial') === (b.kind === 'initial')) return false
  return firstLetter(a) === firstLetter(b)
}

const ONE_SOUND = new Map([
  ['w', 'v'],
  ['z', 'j'],
])

function firstLetter({ text }: NameWord): string {
  const letter = text.charAt(0)
  return ONE_SOUND.get(letter) ?? letter
}

/** `Vijay Kumar` becomes `Vijaykumar` where the other name writes it so. */
function joinAs(words: readonly NameWord[], other: readonly NameWord[]): readonly NameWord[] {
  const whole = other.filter(({ kind }) => kind === 'word').map(({ text }) => text)
  const texts = new Set(whole)
  const sounds = new Set(whole.map(soundOf))
  for (let length = words.length; length > 1; length -= 1) {
    for (let start = 0; start + length <= words.length; start += 1) {
      const parts = words.slice(start, start + length).map((word) => word.text)
      const text = parts.join('')
      // A part that is a word of the other name by itself (`Venkatesh S`) is none of this, unless the letters are the same.
      const bySound = sounds.has(soundOf(text)) && !parts.some((part) => sounds.has(soundOf(part)))
      if (texts.has(text) || bySound) {
        return [...words.slice(0, start), { text, kind: 'word' }, ...words.slice(start + length)]
      }
    }
  }
  return words
}
