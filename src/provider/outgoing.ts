import { lookup } from 'node:dns'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'
import type { Configuration } from 'oidc-provider'
import { Agent, fetch } from 'undici'
import { AdminError } from '../errors.ts'

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

/** What is wrong with an address that a client registered for us to call, or nothing (security.md SE-6). */
export function faultInCalledUri(uri: string): string | undefined {
  const { protocol, hostname, port } = new URL(uri)
  const literal = hostname.replace(/^\[|\]$/g, '')
  if (protocol !== 'https:') return 'must be https'
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) return 'is an address of a machine that not everybody can reach'
  // No port of an inner service can be named.
  return port === '' ? undefined : 'must be at port 443'
}

/** Bytes of an answer: what we ask for are a status, or a few keys. */
const MAX_ANSWER = 64 * 1024
const TIMEOUT_MS = 2_500

/**
 * How the engine calls addresses that clients registered. The engine's own guard looks at the address after it has
 * connected, when a TLS greeting has reached it; this one refuses before a packet leaves, and the address that it judged
 * is the one that is connected to. Redirects are handed back, not followed.
 * @param allowPrivate on a developer's machine (an http issuer) the relying app is next door, at any port and in clear
 * @throws AdminError CLIENT_INVALID, from the call itself or as the cause of its failure: not an address to call
 */
export function createGuardedFetch(allowPrivate: boolean): NonNullable<Configuration['fetch']> {
  const connect = { timeout: TIMEOUT_MS, ...(!allowPrivate && { lookup: publicLookup }) }
  const agent = new Agent({ connect, maxResponseSize: MAX_ANSWER })
  return async (url, options) => {
    const uri = url instanceof Request ? url.url : String(url)
    const fault = allowPrivate ? undefined : faultInCalledUri(uri)
    if (fault) throw new AdminError('CLIENT_INVALID', `the address ${fault}`)
    const signal = options?.signal ?? AbortSignal.timeout(TIMEOUT_MS)
    const given = { ...options, signal, redirect: 'manual', dispatcher: agent } as unknown as Parameters<
      typeof fetch
    >[1]
    return (await fetch(uri, given)) as unknown as Response
  }
}

/** A name is as good as the worst of its addresses: one that means us as well as the world is a trick. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, [])
    if (!addresses.every(({ address }) => isPublicAddress(address)))
      return done(new AdminError('CLIENT_INVALID', 'the name has an address that is not one to call'), [])
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
