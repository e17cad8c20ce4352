import { refusal } from '../checks.ts'

/** A run shorter than this is copied faster by hand than by a call into the engine. */
const SHORT = 48

const SLAB = 256 * 1024
let slab = Buffer.allocUnsafeSlow(SLAB)
let taken = 0

/** Memory of its own for each document, in pieces of a bigger one: a buffer for each costs more than its canonical form. */
function takeMemory(capacity: number): Uint8Array {
  if (capacity > SLAB / 4) return Buffer.allocUnsafeSlow(capacity)
  if (taken + capacity > SLAB) {
    slab = Buffer.allocUnsafeSlow(SLAB)
    taken = 0
  }
  taken += capacity
  return slab.subarray(taken - capacity, taken)
}

/** The canonical form as it grows: bytes one after the other, and how often it differed from the input. */
export class ByteSink {
  length = 0
  #bytes: Uint8Array
  #rewritesLeft: number

  /** @param rewrites how many are allowed; they are what a hostile document can make dear */
  constructor(capacity: number, rewrites: number) {
    this.#rewritesLeft = rewrites
    this.#bytes = takeMemory(capacity)
  }

  /** To be called wherever the canonical form is not simply copied. @throws DocumentError bytes.rewrites */
  rewrite(): void {
    if (this.#rewritesLeft-- === 0) throw refusal('bytes.rewrites')
  }

  byte(value: number): void {
    if (this.length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.length++] = value
  }

  copy(from: Uint8Array, start: number, end: number): void {
    const count = end - start
    if (this.length + count > this.#bytes.length) this.#grow(count)
    if (count > SHORT) this.#bytes.set(from.subarray(start, end), this.length)
    else for (let i = 0; i < count; i++) this.#bytes[this.length + i] = from[start + i] as number
    this.length += count
  }

  ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i))
  }

  /** What was written from `start` on; a view, not a copy. */
  view(start: number, end = this.length): Uint8Array {
    return this.#bytes.subarray(start, end)
  }

  /** A copy of what was written from `start` on: what is written next may take its place. */
  copyFrom(start: number): Buffer {
    return Buffer.from(this.view(start))
  }

  #grow(count: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + count))
    larger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = larger
  }
}
