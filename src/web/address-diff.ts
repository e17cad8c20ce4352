/** Two addresses side by side, for the developer whose app sent the wrong one. Ready to print; nothing in it is secret. */
export interface AddressDiff {
  readonly sent: Compared
  /** nearest first */
  readonly registered: readonly Compared[]
  /** how many more there are */
  readonly more: number
  /** counted from 1; undefined when the two differ only in what is not shown */
  readonly at: number | undefined
  readonly hint: Hint
}

/** An address in two halves: as the other one, and from the first difference on. */
export interface Compared {
  readonly same: string
  readonly rest: string
}

/** What the difference most likely is: `address-diff.hint.<hint>` of each locale. */
export const HINTS = ['missing', 'none-registered', 'case', 'slash', 'scheme', 'port', 'host', 'query', 'path'] as const
export type Hint = (typeof HINTS)[number]

const LONGEST = 160
const MOST = 5

/**
 * Finds where an address departs from the nearest registered one. Values of a query and a user in front of the host are
 * not shown, since an app may have put a secret there; invisible characters are spelled out.
 */
export function compareAddresses(sent: string, registered: readonly string[]): AddressDiff {
  const shown = toShown(sent)
  const byNearness = registered
    .map((address) => ({ address, other: toShown(address) }))
    .toSorted((a, b) => nearness(shown, b.other) - nearness(shown, a.other))
  const others = byNearness.map(({ other }) => other)
  const [first] = byNearness
  const common = first ? commonLength(shown, first.other) : 0
  return {
    sent: split(shown, common),
    registered: others.slice(0, MOST).map((other) => split(other, commonLength(shown, other))),
    more: Math.max(0, others.length - MOST),
    at: first && shown !== first.other ? common + 1 : undefined,
    hint: hintOf(sent, first?.address),
  }
}

function hintOf(sent: string, nearest: string | undefined): Hint {
  if (nearest === undefined) return 'none-registered'
  if (sent === '') return 'missing'
  if (sent.toLowerCase() === nearest.toLowerCase()) return 'case'
  if (sent.replace(/\/$/, '') === nearest.replace(/\/$/, '')) return 'slash'
  const [a, b] = [URL.parse(sent), URL.parse(nearest)]
  if (!a || !b) return 'path'
  if (a.hostname !== b.hostname) return 'host'
  if (a.protocol !== b.protocol) return 'scheme'
  if (a.port !== b.port) return 'port'
  return a.pathname === b.pathname ? 'query' : 'path'
}

/** Short, visible, and without what could be a secret. */
function toShown(address: string): string {
  return address
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/i, '$1…@')
    .replace(/([?&#][^=?&#]*=)[^&#]+/g, '$1…')
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu,
      (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
    )
    .slice(0, LONGEST)
}

/** What they share at both ends: of two registered addresses the one meant is most likely the one that needs least change. */
function nearness(a: string, b: string): number {
  const reversed = (text: string) => [...text].reverse().join('')
  return commonLength(a, b) + commonLength(reversed(a), reversed(b))
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

const split = (address: string, at: number): Compared => ({ same: address.slice(0, at), rest: address.slice(at) })
