import { lookup } from 'node:dns'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'
import type { Configuration } from 'oidc-provider'
import { Agent, fetch } from 'undici'

/** Not global unicast (IANA special-purpose registries; RFC 6890, RFC 4291 §2.4): our own machine, our own network, nowhere. */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]
/** Within `2000::/3`; outside it there is no global unicast at all, IPv4 in IPv6 included. */
const NOT_PUBLIC_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

const notPublic = toBlockList(NOT_PUBLIC, 'ipv4')
const notPublicIpv6 = toBlockList(NOT_PUBLIC_IPV6, 'ipv6')
const globalIpv6 = toBlockList(['2000::/3'], 'ipv6')

/** Whether an address may be called that somebody else chose (security.md SE-6). */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic.check(address, 'ipv4')
  return globalIpv6.check(address, 'ipv6') && !notPublicIpv6.check(address, 'ipv6')
}

/**
 * How the engine calls addresses that clients registered. The engine's own guard looks at the address after it has
 * connected, when a TLS greeting has reached it; this one refuses before a packet leaves, and the address that it judged
 * is the one that is connected to. No redirects and 2.5 s are the engine's.
 * @param allowPrivate on a developer's machine the relying app is next door
 */
export function createGuardedFetch(allowPrivate: boolean): NonNullable<Configuration['fetch']> {
  const agent = new Agent({ connect: { timeout: 2_500, ...(!allowPrivate && { lookup: publicLookup }) } })
  return async (url, options) => {
    const { hostname, protocol } = new URL(url instanceof Request ? url.url : url)
    const literal = hostname.replace(/^\[|\]$/g, '')
    if (!allowPrivate && (protocol !== 'https:' || (isIP(literal) !== 0 && !isPublicAddress(literal))))
      throw new TypeError('the address is not one to call')
    const given = { ...options, dispatcher: agent } as unknown as Parameters<typeof fetch>[1]
    return (await fetch(String(url), given)) as unknown as Response
  }
}

/** A name is as good as the worst of its addresses: one that means us as well as the world is a trick. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, [])
    if (!addresses.every(({ address }) => isPublicAddress(address)))
      return done(Object.assign(new Error('the name has an address that is not one to call'), { code: 'EACCES' }), [])
    const [first] = addresses
    if (options.all || !first) done(null, addresses)
    else done(null, first.address, first.family)
  })
}

function toBlockList(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    list.addSubnet(address, Number(bits), family)
  }
  return list
}
