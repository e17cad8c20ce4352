import { BlockList, isIP, isIPv6 } from 'node:net'

/** @throws ERR_INVALID_ADDRESS; the settings are checked at start */
export function toBlockList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

export function isListed(list: BlockList, address: string | undefined): boolean {
  const plain = address === undefined ? undefined : plainAddress(address)
  return plain !== undefined && list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
}

/**
 * An address as it stands alone: without the port and brackets that some proxies write, without a zone, and IPv4 as such
 * though a dual-stack socket writes it as IPv6. Undefined for what is no address.
 */
export function plainAddress(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(bare) === 0 ? undefined : bare
}
