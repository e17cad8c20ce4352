import type { CheckId } from '../../../src/documents/checks.ts'
import type { Profile } from '../../../src/documents/profiles.ts'
import type { Trust } from '../../../src/documents/verify.ts'
import type { World } from './world.ts'

/** How a document is judged, where it is not the usual way. */
export interface Circumstances {
  /** `digilocker` if not said */
  readonly profile?: Profile
  readonly trust?: (world: World) => Trust
  /** epoch seconds; {@link NOW} if not said */
  readonly at?: number
}

type Make = (world: World) => Uint8Array | string

/** A document that must be refused, and by which check. */
export interface HostileCase extends Circumstances {
  readonly name: string
  readonly check: CheckId
  /** by which check the strict verifier alone refuses it, where that is another or none */
  readonly strictCheck?: CheckId | 'none'
  readonly make: Make
}

/** A document that must be accepted, and the one whose content it must have. */
export interface BenignCase extends Circumstances {
  readonly name: string
  readonly make: Make
  /** plain form of the same content: `make` differs from it only in ways that mean nothing */
  readonly sameAs: Make
  /** PEM of who signed, if not the usual signer */
  readonly certificate?: (world: World) => string
}

/** One row of a corpus: what is wrong, the check that must refuse it, and how it is made. */
export type Row = readonly [
  name: string,
  check: CheckId,
  make: Make,
  more?: Circumstances & Pick<HostileCase, 'strictCheck'>,
]

export const toCases = (group: string, rows: readonly Row[]): HostileCase[] =>
  rows.map(([name, check, make, more]) => ({ name: `${group}: ${name}`, check, make, ...more }))

/** Replaces once, and fails where there is nothing to replace: a case that changes nothing proves nothing. */
export function swap(text: string, from: string | RegExp, to: string | ((match: string) => string)): string {
  const changed = text.replace(from, typeof to === 'string' ? () => to : to)
  if (changed === text) throw new Error(`nothing to replace: ${from}`)
  return changed
}

/** The signed PAN record with one edit. */
export const pan =
  (from: string | RegExp, to: string | ((match: string) => string)): Make =>
  ({ pan: text }) =>
    swap(text, from, to)

/** The same edit at every place. */
export const panAll =
  (from: string, to: string): Make =>
  ({ pan: text }) => {
    if (!text.includes(from)) throw new Error(`nothing to replace: ${from}`)
    return text.replaceAll(from, () => to)
  }
