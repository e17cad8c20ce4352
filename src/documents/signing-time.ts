import { refusal } from './checks.ts'
import type { Profile } from './profiles.ts'
import { readCanonical } from './strict/canonical-reader.ts'

/** Last four digits of the number, then yyyyMMddHHmmssSSS in Indian time (documents-and-signatures.md §5.2). */
const REFERENCE_ID = /^\d{4}(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})\d{3}$/

/**
 * The time of signing that the content states, where the profile judges by it.
 * @param content canonical bytes; what they state counts only once their digest was checked
 * @returns epoch seconds, or nothing for a profile that judges by the time of the fetch
 * @throws DocumentError signature.time
 */
export function signingTimeOf(content: Uint8Array, { signingTimeIn }: Profile): number | undefined {
  if (signingTimeIn === undefined) return undefined
  const { attributes } = readCanonical(content)
  const [, year, month, day, hour, minute, second] = REFERENCE_ID.exec(attributes.get(signingTimeIn) ?? '') ?? []
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const time = Date.parse(`${iso}+05:30`)
  // A day that the calendar lacks is moved by the parser: it must come back as it was written.
  const indian = Number.isNaN(time) ? '' : new Date(time + 19_800_000).toISOString().slice(0, 19)
  if (indian !== iso) throw refusal('signature.time', 'the content states no time of signing')
  return time / 1000
}
