import { refusal } from '../checks.ts'
import { COLON, NAME } from './byte-classes.ts'

/** Far longer than any name of these documents. */
const LONGEST = 128

/** Reads qualified names (Namespaces in XML 1.0 §4): ASCII, since such documents use no other. */
export class Names {
  /** where the local part of the name read last begins */
  localStart = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** @returns where the name ends that begins at `at` */
  read(at: number): number {
    let p = this.#readPart(at)
    this.localStart = at
    if (this.#bytes[p] === COLON) {
      this.localStart = p + 1
      p = this.#readPart(p + 1)
    }
    return p
  }

  #readPart(at: number): number {
    const bytes = this.#bytes
    const first = bytes[at] ?? 0
    if (NAME[first] !== 1) {
      if (first >= 0x80) throw refusal('bytes.subset', 'a name outside ASCII')
      throw refusal('bytes.well-formed', 'no name where one must stand')
    }
    let p = at + 1
    while (NAME[bytes[p] as number] !== 0 && p < bytes.length) p++
    if ((bytes[p] ?? 0) >= 0x80) throw refusal('bytes.subset', 'a name outside ASCII')
    if (p - at > LONGEST) throw refusal('bytes.subset', 'a name longer than any of ours')
    return p
  }
}
