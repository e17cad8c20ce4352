import { PdfFault } from './verdict.ts'

/** A PDF value with no more kept than finding signatures needs. Offsets count bytes from the start of the file. */
export type PdfValue =
  | { readonly kind: 'number' | 'keyword'; readonly text: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'string' }
  | { readonly kind: 'hex'; readonly start: number; readonly end: number }
  | { readonly kind: 'reference'; readonly object: number }
  | { readonly kind: 'array'; readonly length: number; readonly items: readonly PdfValue[] }
  /** a value inside another one that nothing asks about; kept, a hostile tree would fill the memory */
  | { readonly kind: 'other' }
  | PdfDictionary

export interface PdfDictionary {
  readonly kind: 'dictionary'
  readonly start: number
  readonly end: number
  /** only the entries named in `KEPT` */
  readonly entries: ReadonlyMap<string, PdfValue>
  /** a kept entry stood twice: readers differ on which one counts */
  readonly repeated: boolean
}

const KEPT = new Set(['Type', 'SubFilter', 'ByteRange', 'Contents', 'TransformMethod', 'Length', 'Encrypt'])
/** One more than ByteRange has. */
const KEPT_ITEMS = 5
const OTHER: PdfValue = { kind: 'other' }
const MAX_DEPTH = 64
/** A name has 127 bytes at most (ISO 32000-1 annex C), each maybe spelled `#xx`; longer words are nothing we look for. */
const MAX_WORD = 381

const REGULAR = 0
const BLANK = 1
const DELIMITER = 2
const CLASS = new Uint8Array(256)
for (const byte of [0, 9, 10, 12, 13, 32]) CLASS[byte] = BLANK
for (const character of '()<>[]{}/%') CLASS[character.charCodeAt(0)] = DELIMITER

const [LF, CR, PERCENT, OPEN, CLOSE, SLASH, LESS, GREATER, LEFT, RIGHT, BACKSLASH] = [
  10, 13, 37, 40, 41, 47, 60, 62, 91, 93, 92,
] as const
const [DIGIT_0, DIGIT_9, LETTER_R] = [48, 57, 82] as const

/**
 * Reads PDF syntax from the first byte to the last, each byte a bounded number of times, and hands on every dictionary
 * as it closes. It trusts no cross-reference table: those are what attackers rewrite.
 * @see ISO 32000-1 §7.2, §7.3
 */
export class PdfLexer {
  position = 0
  readonly #bytes: Buffer
  readonly #onDictionary: (dictionary: PdfDictionary) => void
  #valuesLeft: number

  /** @param maxValues numbers, names, words and all that holds them; a bound on the time, as the size is one on memory */
  constructor(bytes: Buffer, maxValues: number, onDictionary: (dictionary: PdfDictionary) => void) {
    this.#bytes = bytes
    this.#valuesLeft = maxValues
    this.#onDictionary = onDictionary
  }

  /**
   * The next value between objects; a delimiter that opens nothing is passed over there.
   * @throws PdfFault unreadable, too_many_objects
   */
  next(): PdfValue | undefined {
    this.#skipBlank()
    while (this.#opensNothing()) {
      this.position += 1
      this.#skipBlank()
    }
    return this.position < this.#bytes.length ? this.#value(0) : undefined
  }

  #opensNothing(): boolean {
    const byte = this.#bytes[this.position]
    if (byte === undefined || CLASS[byte] !== DELIMITER) return false
    return byte !== SLASH && byte !== OPEN && byte !== LESS && byte !== LEFT
  }

  #value(depth: number): PdfValue {
    if (depth > MAX_DEPTH) throw new PdfFault('unreadable')
    if (this.#valuesLeft === 0) throw new PdfFault('too_many_objects')
    this.#valuesLeft -= 1
    switch (this.#bytes[this.position]) {
      case SLASH:
        return this.#name()
      case OPEN:
        return this.#string()
      case LEFT:
        return this.#array(depth)
      case LESS:
        return this.#bytes[this.position + 1] === LESS ? this.#dictionary(depth) : this.#hex()
      default:
        return this.#numberOrKeyword()
    }
  }

  #dictionary(depth: number): PdfDictionary {
    const start = this.position
    this.position += 2
    const entries = new Map<string, PdfValue>()
    let repeated = false
    for (;;) {
      this.#skipBlank()
      if (this.#bytes[this.position] === GREATER && this.#bytes[this.position + 1] === GREATER) break
      if (this.#bytes[this.position] !== SLASH) throw new PdfFault('unreadable')
      const { name } = this.#name()
      this.#skipBlank()
      const value = this.#value(depth + 1)
      if (!KEPT.has(name)) continue
      repeated ||= entries.has(name)
      entries.set(name, value.kind === 'dictionary' ? OTHER : value)
    }
    this.position += 2
    const dictionary: PdfDictionary = { kind: 'dictionary', start, end: this.position, entries, repeated }
    this.#onDictionary(dictionary)
    return dictionary
  }

  #array(depth: number): PdfValue {
    this.position += 1
    const items: PdfValue[] = []
    let length = 0
    for (;;) {
      this.#skipBlank()
      if (this.#bytes[this.position] === RIGHT) break
      const item = this.#value(depth + 1)
      if (items.length < KEPT_ITEMS) items.push(item.kind === 'number' ? item : OTHER)
      length += 1
    }
    this.position += 1
    return { kind: 'array', length, items }
  }

  #hex(): PdfValue {
    const start = this.position
    const close = this.#bytes.indexOf(GREATER, start)
    if (close < 0) throw new PdfFault('unreadable')
    this.position = close + 1
    return { kind: 'hex', start, end: this.position }
  }

  #string(): PdfValue {
    let open = 0
    for (; this.position < this.#bytes.length; this.position += 1) {
      const byte = this.#bytes[this.position]
      if (byte === BACKSLASH) this.position += 1
      else if (byte === OPEN) open += 1
      else if (byte === CLOSE) open -= 1
      if (open > 0) continue
      this.position += 1
      return { kind: 'string' }
    }
    throw new PdfFault('unreadable')
  }

  /** `/Byte#52ange` is `/ByteRange`, also to those who hope that we do not know. */
  #name(): { readonly kind: 'name'; readonly name: string } {
    this.position += 1
    const spelled = this.#word()
    return { kind: 'name', name: spelled.includes('#') ? unescapeName(spelled) : spelled }
  }

  #numberOrKeyword(): PdfValue {
    const start = this.position
    const text = this.#word()
    if (this.position === start) throw new PdfFault('unreadable')
    if (!/^[+-]?\d*\.?\d*$/.test(text) || text === '') return { kind: 'keyword', text }
    return this.#reference(text) ?? { kind: 'number', text }
  }

  /** `5 0 R` after its first number, or nothing and no move. */
  #reference(first: string): PdfValue | undefined {
    if (!isWhole(first)) return undefined
    const after = this.position
    this.#skipBlank()
    const hasGeneration = this.#skipDigits() > 0
    this.#skipBlank()
    const isReference = hasGeneration && this.#bytes[this.position] === LETTER_R && this.#endsAt(this.position + 1)
    this.position = isReference ? this.position + 1 : after
    return isReference ? { kind: 'reference', object: Number(first) } : undefined
  }

  #skipDigits(): number {
    const start = this.position
    while (isDigit(this.#bytes[this.position])) this.position += 1
    return this.position - start
  }

  /** No word goes on here. */
  #endsAt(position: number): boolean {
    return CLASS[this.#bytes[position] ?? 0] !== REGULAR
  }

  /** The regular characters from here on; of an overlong word, nothing is kept. */
  #word(): string {
    const start = this.position
    while (this.position < this.#bytes.length && CLASS[this.#bytes[this.position] ?? 0] === REGULAR) this.position += 1
    if (this.position - start > MAX_WORD) return ''
    return this.#bytes.toString('latin1', start, this.position)
  }

  #skipBlank(): void {
    for (; this.position < this.#bytes.length; this.position += 1) {
      const byte = this.#bytes[this.position] ?? 0
      if (byte === PERCENT) this.#skipComment()
      else if (CLASS[byte] !== BLANK) return
    }
  }

  /** To the last byte before the line ends. */
  #skipComment(): void {
    while (this.position + 1 < this.#bytes.length) {
      const following = this.#bytes[this.position + 1]
      if (following === LF || following === CR) return
      this.position += 1
    }
  }
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9

const unescapeName = (name: string) =>
  name.replace(/#([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

/** A whole number as PDF offsets are spelled: digits only, small enough to be exact. */
export const isWhole = (text: string): boolean => /^\d{1,10}$/.test(text)
