/** Longest name that is read, in UTF-16 units; Indian documents end at about a hundred. */
const LONGEST_NAME = 200
const MOST_WORDS = 12
const MOST_ALIASES = 3

export type UnreadableName = 'name.empty' | 'name.too_long' | 'name.characters' | 'name.mixed_script'

export interface NameWord {
  /** a to z; of another script the word itself */
  readonly text: string
  /** what it says of who it is: an initial little, a common second word little, an honorific nothing */
  readonly kind: 'word' | 'common' | 'initial' | 'honorific'
}

export interface PersonName {
  readonly words: readonly NameWord[]
  /** of the parent or spouse after `s/o` and its like */
  readonly relative: readonly NameWord[]
}

export interface ReadName {
  readonly script: string
  /** the name, and what stands after `alias` or `@` */
  readonly names: readonly PersonName[]
}

const SCRIPTS = 'Latin Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Arabic'
  .split(' ')
  .map((script) => ({ script, letters: new RegExp(`^\\p{Script=${script}}+$`, 'u') }))

const HONORIFICS = setOf(
  'shri sri shree sree sh shrimati srimati smt mr mrs ms miss mx dr prof er adv kumari kum km master mst late justice ' +
    'capt col maj lt gen sardar sardarni pandit pt swami haji hazi alhaj janab mohtarma thiru thirumathi selvi',
)
/** At the end they are respect as well. */
const AFTER = setOf('ji jee saheb sahib sahab garu')
/** So usual as a second word that alone they tell nobody from anybody. */
const COMMON = setOf(
  'kumar kr kumari devi singh sing sinh kaur lal bai bhai ben begum begam bibi khatun khatoon bano bi rani',
)

const RELATION = /\b(?:[sdwchfm] ?\/ ?o|(?:son|daughter|wife|husband|care) of)\b/
const ALIAS = /@|\b(?:alias|urf)\b/

/**
 * Takes a written name apart. Work is bounded by the length that is accepted, which is looked at before anything else.
 * @returns the reason alone where it cannot be read
 */
export function readName(written: string | undefined): ReadName | UnreadableName {
  if (written === undefined || !/\S/.test(written.slice(0, LONGEST_NAME))) return 'name.empty'
  if (written.length > LONGEST_NAME) return 'name.too_long'
  const name = written
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[’‘'`´]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
  const letters = name.replace(/[^\p{L}]/gu, '')
  if (letters === '') return 'name.empty'
  const script = SCRIPTS.find((known) => known.letters.test(letters))?.script
  if (script === undefined) return 'name.mixed_script'
  return script === 'Latin' ? readLatin(name) : readOther(name, script)
}

function readLatin(name: string): ReadName | UnreadableName {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '')
  // Digits, invisible characters and letters beyond a to z are no part of a name that can be compared.
  if (!/^[a-z .,()/&@-]+$/.test(plain)) return 'name.characters'
  const names = plain.split(ALIAS, MOST_ALIASES).map(toPersonName)
  return settled('Latin', names)
}

function settled(script: string, all: readonly PersonName[]): ReadName | UnreadableName {
  const names = all.filter(({ words }) => words.length > 0)
  if (names.some(({ words, relative }) => words.length + relative.length > MOST_WORDS)) return 'name.too_long'
  return names.length === 0 ? 'name.empty' : { script, names }
}

function toPersonName(text: string): PersonName {
  const [own = '', relative = ''] = text.split(RELATION, 2)
  return { words: toWords(own), relative: toWords(relative) }
}

function toWords(text: string): NameWord[] {
  const words = text.split(/[^a-z]+/).filter(Boolean)
  const first = words.findIndex((word, index) => !HONORIFICS.has(word) || index === words.length - 1)
  return words.flatMap((word, index): NameWord[] => {
    const after = index === words.length - 1 && index > first && AFTER.has(word)
    if (index < first || after) return [{ text: word, kind: 'honorific' }]
    if (index === first && isInitials(word)) return [...word].map((letter) => ({ text: letter, kind: 'initial' }))
    if (word.length === 1) return [{ text: word, kind: 'initial' }]
    return [{ text: word, kind: COMMON.has(word) ? 'common' : 'word' }]
  })
}

/** `KR` before `Narayanan`. `Md` and its like are short for a name, whatever stands after them. */
const isInitials = (word: string) => /^[bcdfghjklmnpqrstvwxz]{2,3}$/.test(word) && !SHORT.has(word)
const SHORT = setOf('md sk sd')

function readOther(name: string, script: string): ReadName | UnreadableName {
  // Joiners shape letters in Indian scripts and are no letters themselves.
  const plain = name.replace(/[\u200c\u200d]/gu, '')
  if (!/^[\p{L}\p{M} .,()/@-]+$/u.test(plain)) return 'name.characters'
  const words = plain.split(/[^\p{L}\p{M}]+/u).filter(Boolean)
  return settled(script, [{ words: words.map((text) => ({ text, kind: 'word' })), relative: [] }])
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(' '))
}
