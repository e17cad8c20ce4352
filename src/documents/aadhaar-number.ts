import { DocumentError } from '../errors.ts'

/** Verhoeff's dihedral-group check (J. Verhoeff, 1969): multiplication in D5, and the permutation by position. */
const PRODUCT = ['0123456789', '1234067895', '2340178956', '3401289567', '4012395678']
  .concat(['5987604321', '6598710432', '7659821043', '8765932104', '9876543210'])
  .map((row) => [...row].map(Number))
const PERMUTATION = ['0123456789', '1576283094', '5803796142', '8916043527']
  .concat(['9453126870', '4286573901', '2793806415', '7046913258'])
  .map((row) => [...row].map(Number))

function hasVerhoeffCheckDigit(digits: string): boolean {
  const check = [...digits].reverse().reduce((sum, digit, position) => {
    const permuted = PERMUTATION[position % 8]?.[Number(digit)] ?? 0
    return PRODUCT[sum]?.[permuted] ?? 0
  }, 0)
  return check === 0
}

const isNumber = (digits: string) => /^[2-9](?:\d{11}|\d{15})$/.test(digits) && hasVerhoeffCheckDigit(digits)

/** Digits with one space or hyphen between, in any grouping. */
const RUN = /\d(?:[ -]?\d)*/g
/** Digits in groups, however far apart a printer sets them; on another line stands another thing (an address). */
const GROUPED = /\d+(?:(?:[^\S\n]|[-._/,·•]){1,3}\d+)*/g
/** of a virtual ID */
const LONGEST = 16

/**
 * Whether text holds what could be an Aadhaar number (12 digits) or a virtual ID (16 digits), which the Act counts as
 * one: not beginning with 0 or 1, a right check digit, digits of any script, alone, split by space or hyphen, or in
 * groups of four among other digits. A number of another kind may be hit by chance; that errs on the side of the law.
 * @see Aadhaar Act 2016 s.2(a), s.8A(4)(b); documents-and-signatures.md §0 no. 8 and §6
 */
export function holdsAadhaarNumber(text: string): boolean {
  const plain = toAsciiDigits(text)
  const runs = plain.match(RUN) ?? []
  if (runs.some((run) => isNumber(run.replace(/[ -]/g, '')))) return true
  return (plain.match(GROUPED) ?? []).some(holdsNumberInFours)
}

/** A house number before it or a PIN code after it must not hide a number: so every stretch of whole groups is tried. */
function holdsNumberInFours(grouped: string): boolean {
  const groups = grouped.match(/\d+/g) ?? []
  return groups.some((_group, from) => {
    let digits = ''
    for (const group of groups.slice(from, from + LONGEST / 4)) {
      if (group.length % 4 !== 0) return false
      digits += group
      if (isNumber(digits)) return true
    }
    return false
  })
}

/** Digits of every script as ASCII, invisible characters gone, dashes of every length as hyphens. */
function toAsciiDigits(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\p{Pd}/gu, '-')
    .replace(/(?![0-9])\p{Nd}/gu, (digit) => String(valueOfDigit(digit.codePointAt(0) ?? 0)))
}

/** Unicode gives every script its ten digits in a row (The Unicode Standard §4.6), so the zero is the row's first. */
function valueOfDigit(codePoint: number): number {
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(codePoint - value - 1))) value += 1
  return value
}

/** Whether an Aadhaar number hides among values, at any depth. */
export function hidesAadhaarNumber(value: unknown): boolean {
  if (typeof value === 'string') return holdsAadhaarNumber(value)
  if (typeof value === 'number') return holdsAadhaarNumber(String(value))
  return typeof value === 'object' && value !== null && Object.values(value).some(hidesAadhaarNumber)
}

/**
 * Refuses values among which an Aadhaar number hides, at any depth.
 * @throws DocumentError DOC_AADHAAR_NUMBER
 */
export function checkNoAadhaarNumber(value: unknown): void {
  if (hidesAadhaarNumber(value)) {
    throw new DocumentError('DOC_AADHAAR_NUMBER', 'a value to be read looks like an Aadhaar number')
  }
}
