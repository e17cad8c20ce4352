import { randomFillSync } from 'node:crypto'

/**
 * Makes UUIDv7 text (RFC 9562 §5.7) that rises with every call, even within one millisecond or when the clock steps
 * back: the 12 bits after the time are a counter (§6.2 method 1). Order across processes holds to the millisecond.
 * @param nowMs epoch milliseconds
 */
export function createUuid7(nowMs: () => number = Date.now): () => string {
  let lastMs = 0
  let counter = 0
  const take = createRandom(10)
  return () => {
    const random = take()
    const now = nowMs()
    if (now > lastMs) {
      lastMs = now
      counter = random.readUInt16BE(8) & 0x7ff
    } else if (counter < 0xfff) {
      counter += 1
    } else {
      lastMs += 1
      counter = 0
    }
    return format(lastMs, counter, random)
  }
}

/** Random bytes, so many at a time: asked of the system for a hundred ids at once. What is handed out is good until the next call. */
function createRandom(length: number): () => Buffer {
  const pool = Buffer.alloc(length * 100)
  let at = pool.length
  return () => {
    if (at === pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += length
    return pool.subarray(at - length, at)
  }
}

function format(ms: number, counter: number, random: Buffer): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(ms, 0, 6)
  bytes.writeUInt16BE(0x7000 | counter, 6)
  random.copy(bytes, 8, 0, 8)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
