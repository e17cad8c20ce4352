import { refusal } from '../checks.ts'
import type { XmlLimits } from '../xml.ts'
import { beginsCdata, checkNoDoctype, skipComment, startsWith, writeCdata } from './asides.ts'
import * as B from './byte-classes.ts'
import { ByteSink } from './byte-sink.ts'
import { checkCharacter, readReference, writeCharacter } from './characters.ts'
import type { Binding, C14nMode } from './namespaces.ts'
import { TagReader } from './tags.ts'

const { NAME } = B
const latin1 = new TextDecoder('latin1')
const ascii = (text: string) => Buffer.from(text, 'latin1')
const SIGNATURE = ascii('Signature')
/** Their local names occur once in a document, whatever their namespace: a second one could be taken for the first. */
const SINGLE = [SIGNATURE, ascii('SignedInfo'), ascii('SignatureValue'), ascii('DigestValue')] as const
const SIGNATURE_INDEX = 0
const SIGNED_INFO_INDEX = 1
const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[Uu][Tt][Ff]-8"|'[Uu][Tt][Ff]-8'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?$/

/** Offsets of an element in the input, and the namespaces in scope there. */
export interface Place {
  readonly start: number
  readonly end: number
  readonly scope: readonly Binding[]
}

/** What one pass over a document gives. */
export interface Scan {
  /** canonical form of the document without its signature: what the digest is over, if the document is genuine */
  readonly content: Uint8Array
  /** canonical form of the signature as it stands in the document, where there is one */
  readonly signature: Buffer | undefined
  /** the namespaces in scope just above the signature */
  readonly signatureScope: readonly Binding[]
  readonly signedInfo: Place | undefined
  /** whether anything outside the signature declares a namespace: then the two kinds of C14N may differ */
  readonly contentHasNamespaces: boolean
  readonly elements: number
}

/**
 * Reads a whole document once, strictly, and writes its canonical form without the signature.
 * @param bytes UTF-8 without a byte order mark
 * @throws DocumentError bytes.*, shape.one-signature, shape.place, shape.plain
 * @see Canonical XML 1.0; XMLDSig 1.1 §6.6.4 (enveloped signature)
 */
export function scanDocument(bytes: Uint8Array, limits: XmlLimits, mode: C14nMode): Scan {
  return new Scanner(bytes, 0, bytes.length, limits, mode, []).document()
}

/**
 * The canonical form of one element of a document that {@link scanDocument} has read, as a subset of it.
 * @see Canonical XML 1.0 §2.4; Exclusive C14N 1.0 §3
 */
export function canonicalElement(bytes: Uint8Array, place: Place, limits: XmlLimits, mode: C14nMode): Uint8Array {
  return new Scanner(bytes, place.start, place.end, limits, mode, place.scope).element()
}

interface OpenSignature {
  /** where it begins in the output, and how many namespaces had been declared before it */
  readonly from: number
  readonly namespaces: number
  readonly scope: readonly Binding[]
  canonical: Buffer | undefined
}

class Scanner {
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number
  readonly #limits: XmlLimits
  readonly #out: ByteSink
  readonly #tags: TagReader
  /** where the names of the open elements stand */
  readonly #openStart: number[] = []
  readonly #openEnd: number[] = []
  /** bytes of text directly in the open elements */
  readonly #textLength: number[] = []
  #depth = 0
  #elements = 0
  readonly #seen = new Uint8Array(SINGLE.length)
  #insideSignature = false
  #signature: OpenSignature | undefined
  #signedInfo: (Place & { end: number; readonly depth: number }) | undefined
  /** declarations inside the signature */
  #signatureNamespaces = 0

  constructor(
    bytes: Uint8Array,
    start: number,
    end: number,
    limits: XmlLimits,
    mode: C14nMode,
    inherited: readonly Binding[],
  ) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#limits = limits
    this.#out = new ByteSink(end - start + 512, limits.rewrites)
    this.#tags = new TagReader(bytes, this.#out, start, limits, mode, inherited)
  }

  document(): Scan {
    const rootStart = this.#skipOutside(this.#skipDeclaration(this.#start))
    this.#tags.run = rootStart
    const rootEnd = this.#content(rootStart)
    this.#tags.flush(rootEnd)
    if (this.#skipOutside(rootEnd) !== this.#end) throw malformed('a second root element')
    return {
      content: this.#out.view(0),
      signature: this.#signature?.canonical,
      signatureScope: this.#signature?.scope ?? [],
      signedInfo: this.#signedInfo,
      contentHasNamespaces: this.#tags.scopes.count > this.#signatureNamespaces,
      elements: this.#elements,
    }
  }

  element(): Uint8Array {
    const end = this.#content(this.#start)
    this.#tags.flush(end)
    return this.#out.view(0)
  }

  #skipDeclaration(at: number): number {
    if (!startsWith(this.#bytes, ascii('<?xml'), at) || !B.isSpace(this.#bytes[at + 5])) return at
    const end = this.#bytes.indexOf(B.GREATER, at)
    const declaration = latin1.decode(this.#bytes.subarray(at, end))
    if (end === -1 || !DECLARATION.test(declaration)) throw refusal('bytes.declaration')
    return end + 1
  }

  /** White space and comments before or after the root; C14N without comments drops them. */
  #skipOutside(at: number): number {
    let p = at
    for (;;) {
      while (p < this.#end && B.isSpace(this.#bytes[p])) p++
      if (p === this.#end) return p
      if (this.#bytes[p] !== B.LESS) throw malformed('text outside the root element')
      if (this.#bytes[p + 1] !== B.BANG && this.#bytes[p + 1] !== B.QUESTION) return p
      p = this.#aside(p)
    }
  }

  /** From the start tag at `at` to behind its end tag. */
  #content(at: number): number {
    let p = this.#startTag(at)
    while (this.#depth > 0) {
      p = this.#text(p)
      const next = this.#bytes[p + 1]
      if (next === B.SLASH) p = this.#endTag(p)
      else if (next === B.BANG || next === B.QUESTION) p = this.#aside(p)
      else p = this.#startTag(p)
    }
    return p
  }

  #startTag(at: number): number {
    const depth = this.#depth + 1
    if (depth > this.#limits.depth) throw refusal('bytes.depth')
    if (++this.#elements > this.#limits.elements) throw refusal('bytes.elements')
    const tags = this.#tags
    if (depth === 2 && this.#signature) throw refusal(this.#isSignature(at) ? 'shape.one-signature' : 'shape.place')
    const signs = depth === 2 && this.#isSignature(at)
    if (signs) this.#enterSignature(at)
    const end = tags.read(at, depth)
    const single = this.#single(tags.localStart, tags.nameEnd)
    if (single === SIGNATURE_INDEX && !signs) throw refusal('shape.place')
    if (single === SIGNED_INFO_INDEX) this.#signedInfo = { start: at, end: 0, depth, scope: tags.scopes.inScope() }
    this.#depth = depth
    if (tags.empty) {
      this.#leave(end)
      return end
    }
    this.#openStart[depth] = tags.nameStart
    this.#openEnd[depth] = tags.nameEnd
    this.#textLength[depth] = 0
    return end
  }

  /** Which of the names that may occur once this is, or -1. @throws DocumentError shape.one-signature */
  #single(start: number, end: number): number {
    const first = this.#bytes[start]
    if (first !== 0x53 && first !== 0x44) return -1
    const index = SINGLE.findIndex((name) => name.length === end - start && startsWith(this.#bytes, name, start))
    if (index === -1) return -1
    if (this.#seen[index] === 1) throw refusal('shape.one-signature')
    this.#seen[index] = 1
    return index
  }

  #isSignature(at: number): boolean {
    let p = at + 1
    while (NAME[this.#bytes[p] ?? 0] !== 0) p++
    const start = this.#bytes[p] === B.COLON ? p + 1 : at + 1
    return startsWith(this.#bytes, SIGNATURE, start) && NAME[this.#bytes[start + SIGNATURE.length] ?? 0] === 0
  }

  #enterSignature(at: number): void {
    const { scopes } = this.#tags
    this.#tags.flush(at)
    this.#insideSignature = true
    this.#signature = {
      from: this.#out.length,
      namespaces: scopes.count,
      scope: scopes.inScope(),
      canonical: undefined,
    }
  }

  /** Takes the signature out of what is digested, as the enveloped-signature transform says. */
  #leaveSignature(signature: OpenSignature, end: number): void {
    this.#tags.flush(end)
    signature.canonical = this.#out.copyFrom(signature.from)
    this.#out.length = signature.from
    this.#signatureNamespaces = this.#tags.scopes.count - signature.namespaces
    this.#insideSignature = false
  }

  #endTag(at: number): number {
    const bytes = this.#bytes
    const start = this.#openStart[this.#depth] as number
    const length = (this.#openEnd[this.#depth] as number) - start
    for (let i = 0; i < length; i++) {
      if (bytes[at + 2 + i] !== bytes[start + i]) throw malformed('an end tag of another element')
    }
    let p = at + 2 + length
    if (bytes[p] !== B.GREATER) {
      this.#tags.flush(at + 2 + length)
      while (B.isSpace(bytes[p])) p++
      if (bytes[p] !== B.GREATER) throw malformed('an end tag of another element')
      this.#tags.run = p
    }
    this.#leave(p + 1)
    return p + 1
  }

  /** @param end behind the element's last byte */
  #leave(end: number): void {
    const depth = this.#depth--
    if (!this.#tags.scopes.quiet) this.#tags.scopes.leave(depth)
    if (this.#signedInfo?.depth === depth && this.#signedInfo.end === 0) this.#signedInfo.end = end
    if (this.#insideSignature && depth === 2 && this.#signature) this.#leaveSignature(this.#signature, end)
  }

  /** Character data up to the next tag; what canonical form writes otherwise is written anew. */
  #text(at: number): number {
    const bytes = this.#bytes
    let p = at
    for (;;) {
      p = B.endOfText(bytes, p)
      if (p >= this.#end) throw malformed('an element that does not end')
      const byte = bytes[p]
      if (byte === B.LESS) break
      p = this.#specialText(p)
    }
    this.#countText(p - at)
    return p
  }

  #countText(count: number): void {
    const length = (this.#textLength[this.#depth] ?? 0) + count
    if (length > this.#limits.textLength) throw refusal('bytes.text-length')
    this.#textLength[this.#depth] = length
  }

  /** @returns where ordinary text goes on */
  #specialText(at: number): number {
    const bytes = this.#bytes
    this.#out.rewrite()
    switch (bytes[at]) {
      case B.AMP: {
        this.#tags.flush(at)
        const { code, end } = readReference(bytes, at)
        writeCharacter(this.#out, code, 'text')
        this.#tags.run = end
        return end
      }
      case B.GREATER:
        this.#tags.flush(at)
        writeCharacter(this.#out, B.GREATER, 'text')
        this.#tags.run = at + 1
        return at + 1
      case B.CR:
        return this.#lineEnd(at)
      case B.BRACKET:
        if (bytes[at + 1] === B.BRACKET && bytes[at + 2] === B.GREATER) throw malformed(']]> in text')
        return at + 1
      default:
        checkCharacter(bytes, at)
        return at + 1
    }
  }

  /** CR LF, or CR alone, is one LF (XML 1.0 §2.11). */
  #lineEnd(at: number): number {
    this.#tags.flush(at)
    if (this.#bytes[at + 1] !== B.LF) this.#out.byte(B.LF)
    this.#tags.run = at + 1
    return at + 1
  }

  /** A comment is dropped, a CDATA section becomes text; nothing else may begin so. */
  #aside(at: number): number {
    const bytes = this.#bytes
    if (bytes[at + 1] === B.QUESTION) throw refusal('bytes.instruction')
    checkNoDoctype(bytes, at)
    if (this.#insideSignature) throw refusal('shape.plain')
    this.#out.rewrite()
    // Outside the root there is nothing to write.
    if (this.#depth > 0) this.#tags.flush(at)
    if (this.#depth > 0 && beginsCdata(bytes, at)) {
      this.#tags.run = writeCdata(bytes, at, this.#end, this.#out)
      this.#countText(this.#tags.run - at)
    } else {
      this.#tags.run = skipComment(bytes, at, this.#end, this.#limits)
    }
    checkNoDoctype(bytes, at, this.#tags.run)
    return this.#tags.run
  }
}

const malformed = (message: string) => refusal('bytes.well-formed', message)
