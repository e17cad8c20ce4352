/** A run shorter than this is copied faster by hand than by a call into the engine. */
const SHORT = 48

/** Bytes written one after the other into memory that grows. */
export class ByteSink {
  length = 0
  #bytes: Uint8Array

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity)
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
  copyFrom(start: number): Uint8Array {
    return Buffer.from(this.view(start))
  }

  #grow(count: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + count))
    larger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = larger
  }
}
