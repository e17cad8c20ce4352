import { isUtf8 } from 'node:buffer'
import { refusal } from '../checks.ts'
import type { XmlLimits } from '../xml.ts'

const MARK = [0xef, 0xbb, 0xbf]

/**
 * What can be said of bytes before any parser sees them: size, UTF-8, one byte order mark at most (it is dropped).
 * @returns a view of the same memory
 * @throws DocumentError bytes.size, bytes.utf8
 * @see security.md XM-1, XM-3
 */
export function openBytes(bytes: Uint8Array, limits: XmlLimits): Buffer {
  if (bytes.byteLength > limits.bytes) throw refusal('bytes.size')
  if (!isUtf8(bytes)) throw refusal('bytes.utf8')
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const opened = beginsWithMark(all) ? all.subarray(MARK.length) : all
  if (beginsWithMark(opened)) throw refusal('bytes.utf8')
  return opened
}

const beginsWithMark = (bytes: Uint8Array) => MARK.every((byte, i) => bytes[i] === byte)
