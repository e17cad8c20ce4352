import { isIPv6 } from 'node:net'

/**
 * The subject of a limit for a client's address: an IPv4 address itself, the /64 of an IPv6 address (a household or a phone
 * has at least that much to choose from), and IPv4 in IPv6 as what it is (RFC 4291 §2.5.5.2).
 */
export function limitedAddress(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.toLowerCase().split('::')
  const before = head.split(':').filter(Boolean)
  const after = tail?.split(':').filter(Boolean) ?? []
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
