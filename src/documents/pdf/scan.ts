import { isWhole, type PdfDictionary, PdfLexer, type PdfValue } from './lexer.ts'
import { PdfFault, type PdfLimits, type PdfReasonId } from './verdict.ts'

/** All that matters of a PDF's structure to somebody who reads only its signatures. */
export interface PdfStructure {
  /** as they close in the file; one more than the limit at most */
  readonly signatures: readonly SignatureDictionary[]
  readonly documentTimestamps: number
  readonly encrypted: boolean
  /** why the reading ended early, if it did */
  readonly fault?: PdfReasonId | undefined
}

export interface SignatureDictionary {
  readonly dictionary: PdfDictionary
  /** a DocMDP transform stands in it */
  readonly certification: boolean
}

/**
 * Finds every signature dictionary by reading the file from end to end, streams, strings and comments passed over. An
 * object that no cross-reference table names any more counts too: a signature taken out later was still one.
 * Object streams are not opened. A signature cannot live there, since its Contents must stand at a byte of the file;
 * anything else there was either covered by the last signature or came after it, and then the file is refused.
 * @see ISO 32000-1 §7.3.8, §7.5, §12.8.1; security.md PD-1
 */
export function scanPdf(bytes: Uint8Array, limits: PdfLimits): PdfStructure {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const finder = new SignatureFinder(limits)
  try {
    readObjects(buffer, finder, limits)
  } catch (error) {
    // Anything that stops the reading, an error of ours too, is a reason and no crash.
    finder.fault = error instanceof PdfFault ? error.reason : 'unreadable'
  }
  return finder
}

class SignatureFinder implements PdfStructure {
  readonly signatures: SignatureDictionary[] = []
  documentTimestamps = 0
  encrypted = false
  fault: PdfReasonId | undefined
  readonly #limits: PdfLimits
  #lastCertification = -1

  constructor(limits: PdfLimits) {
    this.#limits = limits
  }

  /** Inner dictionaries close before the one around them, so a DocMDP seen since a signature began is in it. */
  look(dictionary: PdfDictionary): void {
    if (nameOf(dictionary.entries.get('TransformMethod')) === 'DocMDP') this.#lastCertification = dictionary.start
    if (isTimestamp(dictionary)) this.documentTimestamps += 1
    else if (isSignature(dictionary)) {
      this.signatures.push({ dictionary, certification: this.#lastCertification > dictionary.start })
    }
    if (this.signatures.length > this.#limits.maxSignatures) throw new PdfFault('too_many_signatures')
  }
}

function readObjects(bytes: Buffer, finder: SignatureFinder, limits: PdfLimits): void {
  const lexer = new PdfLexer(bytes, limits.maxValues, (dictionary) => finder.look(dictionary))
  const streams = new StreamSkipper(bytes)
  let objects = 0
  let before: PdfValue | undefined
  for (let value = lexer.next(); value; value = lexer.next()) {
    if (isKeyword(value, 'obj')) objects += 1
    if (objects > limits.maxObjects) throw new PdfFault('too_many_objects')
    if (value.kind === 'dictionary' && isTrailer(value, before)) finder.encrypted ||= value.entries.has('Encrypt')
    if (isKeyword(value, 'stream') && before?.kind === 'dictionary') {
      lexer.position = streams.endOf(before, lexer.position)
    }
    before = value
  }
}

const isKeyword = (value: PdfValue | undefined, text: string) => value?.kind === 'keyword' && value.text === text

const isTrailer = (dictionary: PdfDictionary, before: PdfValue | undefined) =>
  isKeyword(before, 'trailer') || nameOf(dictionary.entries.get('Type')) === 'XRef'

/** `Type` is optional in a signature, so whatever has the entries of one is one; a field (`FT`) is not. */
function isSignature({ entries }: PdfDictionary): boolean {
  const looksLikeOne = entries.has('ByteRange') || (entries.has('SubFilter') && entries.has('Contents'))
  return looksLikeOne || nameOf(entries.get('Type')) === 'Sig'
}

const isTimestamp = ({ entries }: PdfDictionary) =>
  nameOf(entries.get('Type')) === 'DocTimeStamp' || nameOf(entries.get('SubFilter')) === 'ETSI.RFC3161'

export const nameOf = (value: PdfValue | undefined): string | undefined =>
  value?.kind === 'name' ? value.name : undefined

/** Finds where streams end. A stream may hold a whole PDF with signatures of its own, so its Length is believed first. */
class StreamSkipper {
  readonly #bytes: Buffer
  #lengths: ReadonlyMap<number, number> | undefined

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** @param position just after the keyword `stream` */
  endOf(dictionary: PdfDictionary, position: number): number {
    const start = position + lineEndAt(this.#bytes, position)
    const byLength = start + (this.#lengthOf(dictionary.entries.get('Length')) ?? Number.NaN)
    const at = byLength + lineEndAt(this.#bytes, byLength)
    if (this.#bytes.subarray(at, at + 9).equals(ENDSTREAM)) return at
    const searched = this.#bytes.indexOf(ENDSTREAM, start)
    if (searched < 0) throw new PdfFault('unreadable')
    return searched
  }

  #lengthOf(value: PdfValue | undefined): number | undefined {
    if (value?.kind === 'number' && isWhole(value.text)) return Number(value.text)
    if (value?.kind !== 'reference') return undefined
    this.#lengths ??= wholeNumberObjects(this.#bytes)
    return this.#lengths.get(value.object)
  }
}

const ENDSTREAM = Buffer.from('endstream')

function lineEndAt(bytes: Buffer, position: number): number {
  if (bytes[position] === 13) return bytes[position + 1] === 10 ? 2 : 1
  return bytes[position] === 10 ? 1 : 0
}

/** Objects that are one whole number, as lengths of streams are; the last one of a number counts, as in an update. */
function wholeNumberObjects(bytes: Buffer): ReadonlyMap<number, number> {
  const pattern = /(\d{1,10})\s{1,8}\d{1,5}\s{1,8}obj\s{1,8}(\d{1,10})\s{1,8}endobj/g
  const found = bytes.toString('latin1').matchAll(pattern)
  return new Map(Array.from(found, ([, object, value]) => [Number(object), Number(value)]))
}
