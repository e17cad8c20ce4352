import type { IncomingMessage } from 'node:http'
import { isListed, plainAddress, toBlockList } from '../limits/networks.ts'

export interface ProxySettings {
  readonly behindProxy: boolean
  /** addresses and networks of proxies of ours; none: whoever calls us is one */
  readonly trustedProxies: readonly string[]
}

/**
 * Who called our outermost proxy, by what the proxies wrote; undefined when no proxy of ours handed the request over. Each
 * proxy appends who called it, so the list is read from its end, and the first address that is not a proxy's counts: what
 * stands before it was the caller's to choose (security.md OP-10, SE-5).
 */
export function createClientAddress({ behindProxy, trustedProxies }: ProxySettings) {
  const proxies = toBlockList(trustedProxies)
  const isProxy = (address: string | undefined) => isListed(proxies, address)

  return ({ headers, socket }: IncomingMessage): string | undefined => {
    if (!behindProxy) return undefined
    const told = [headers['x-forwarded-for'] ?? []].flat().join().split(',').map(plainAddress).toReversed()
    if (trustedProxies.length === 0) return told[0]
    if (!isProxy(socket.remoteAddress)) return undefined
    let nearest: string | undefined
    for (const address of told) {
      // What is no address stands where a proxy would have written one: the proxy after it is the last that is known.
      if (address === undefined) return nearest
      if (!isProxy(address)) return address
      nearest = address
    }
    return nearest
  }
}
