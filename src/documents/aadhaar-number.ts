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

/**
 * Whether text holds what could be an Aadhaar number (12 digits) or a virtual ID (16 digits), which the Act counts as
 * one: not beginning with 0 or 1, a right check digit, digits in any Indian script, groups split by space or hyphen.
 * A number of another kind may be hit by chance; that errs on the side of the law.
 * @see Aadhaar Act 2016 s.2(a), s.8A(4)(b); documents-and-signatures.md §0 no. 8 and §6
 */
export function holdsAadhaarNumber(text: string): boolean {
  const runs = toAsciiDigits(text).match(/\d(?:[ -]?\d)*/g) ?? []
  return runs.some((run) => {
    const digits = run.replace(/[ -]/g, '')
    return /^[2-9](?:\d{11}|\d{15})$/.test(digits) && hasVerhoeffCheckDigit(digits)
  })
}

/** Every block of an Indian script has its digits at the same place: 0x66 to 0x6F within 0x80 code points. */
function toAsciiDigits(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u0900-\u0D7F]/g, (c) => (/\p{Nd}/u.test(c) ? String(((c.codePointAt(0) ?? 0) & 0x7f) - 0x66) : c))
}

/**
 * Refuses values among which an Aadhaar number hides, at any depth.
 * @throws DocumentError DOC_AADHAAR_NUMBER
 */
export function checkNoAadhaarNumber(value: unknown): void {
  if (typeof value === 'string' && holdsAadhaarNumber(value)) {
    throw new DocumentError('DOC_AADHAAR_NUMBER', 'a value to be read looks like an Aadhaar number')
  }
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(checkNoAadhaarNumber)
}
