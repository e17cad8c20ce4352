/** One name, many spellings, that no rule of letters joins. The first of a row stands for all; single-word names only. */
const VARIANTS = [
  'mohamad mohammad mohammed mohamed muhammad muhammed muhamad mohd mohmad mohamud mahammad mahamad md',
  'shekh shaik shaikh sheikh sheik shek sk',
  'saiyad syed sayed sayyad sayyed saiyed syad sd',
  'kumar kr',
  'singh sinh sing',
  'begam begum',
  'khatun khatoon khatoun',
  'chaudhari chaudhary chaudhuri chaudhury choudhary choudhari choudhury chowdhury chowdhary chowdary chowdhry chaudhry',
  'banarji banerjee banerji banerjea bandyopadhyay bandopadhyay',
  'mukharji mukherjee mukherji mukerji mookerjee mukhopadhyay',
  'chatarji chatterjee chatterji chattopadhyay',
  'ganguli ganguly gangopadhyay',
  'bhatacharya bhattacharya bhattacharyya bhattacharjee bhattacharji',
  'subramaniam subramanian subramanyam subrahmanyam subramaniyam',
  'narayan narain narayana',
  'krishna krushna krisna kishna',
  'agraval agarwal aggarwal agrawal',
  'pande pandey panday',
  'mishra misra mishr',
  'lakshmi laxmi lakshmy luxmi',
  'hussain husain hussein husen hossain hosain',
  'yusuf yousuf yousaf yusof eusuf',
  'iliyas ilyas',
]

/** Letters that stand for one sound, in the order in which they are to be read. Each shortens or keeps the word. */
const SOUNDS: readonly (readonly [RegExp, string])[] = [
  [/x/g, 'ks'],
  [/ksh/g, 'ks'],
  [/^(?:dny|jny?)/, 'gy'],
  [/ph/g, 'f'],
  [/q|ck/g, 'k'],
  [/chh?/g, 'C'],
  [/c/g, 'k'],
  [/C/g, 'c'],
  [/sh/g, 's'],
  [/th/g, 't'],
  [/dh/g, 'd'],
  [/w/g, 'v'],
  [/z/g, 'j'],
  [/ee/g, 'i'],
  [/oo/g, 'u'],
  [/o[uv](?=[^aeiou]|$)/g, 'au'],
  [/ey$/g, 'e'],
  [/y/g, 'i'],
  [/([aeiou])h$/g, '$1'],
  [/(.)\1+/g, '$1'],
]

const bySound = (word: string) => SOUNDS.reduce((sound, [letters, by]) => sound.replace(letters, by), word)

const SPELT = new Map(
  VARIANTS.flatMap((row) => {
    const [first = '', ...others] = row.split(' ')
    return [first, ...others].map((word) => [word, bySound(first)] as const)
  }),
)

/**
 * What a word sounds like: words that Indian clerks spell for one another share it (Lakshmi and Laxmi, Vishwanath and
 * Viswanath, Sunitha and Sunita). A last vowel stays, since it tells Sunil from Sunila.
 * @param word a to z
 */
export function soundOf(word: string): string {
  // Gujarat writes the respectful bhai and ben into the name.
  const plain = word.replace(/^(.{3,})(?:bhai|bhen|ben)$/, '$1')
  return SPELT.get(word) ?? SPELT.get(plain) ?? bySound(plain)
}

/**
 * Whether two words differ in inner vowels only: a slip (Venkatesh, Venkatish) or another name (Kiran, Karan). It is
 * a hint and never a match.
 */
export function isNearSpelling(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 4 && skeleton(a) === skeleton(b)
}

const skeleton = (sound: string) => sound.slice(0, 1) + sound.slice(1, -1).replace(/[aeiou]/g, '') + sound.slice(-1)
