import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createClientAddress } from '../../src/web/client-address.ts'

const from = (remoteAddress: string, forwarded?: string) =>
  ({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } }) as unknown as IncomingMessage

describe('Whose request it is — security.md OP-10, SE-5', () => {
  it('believes nobody where there is no proxy', () => {
    const address = createClientAddress({ behindProxy: false, trustedProxies: [] })
    expect(address(from('198.51.100.7', '203.0.113.1'))).toBeUndefined()
  })

  it.each([
    ['the last of a list', '203.0.113.1, 198.51.100.7', '198.51.100.7'],
    ['without a port', '198.51.100.7:4711', '198.51.100.7'],
    ['without brackets and port', '[2001:db8::7]:4711', '2001:db8::7'],
    ['IPv4 in IPv6 as what it is', '::ffff:198.51.100.7', '198.51.100.7'],
    ['nothing that is no address', '198.51.100.7, unknown', undefined],
    ['nothing of nothing', undefined, undefined],
  ])('takes from a proxy that is not listed %s', (_what, told, address) => {
    const addressOf = createClientAddress({ behindProxy: true, trustedProxies: [] })
    expect(addressOf(from('10.0.0.1', told))).toBe(address)
  })

  const addressOf = createClientAddress({
    behindProxy: true,
    trustedProxies: ['10.0.0.0/24', '192.0.2.1', '2001:db8::/64'],
  })
  it.each([
    ['the caller of one proxy', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['the caller of a chain of them', '::ffff:10.0.0.1', '198.51.100.7, 192.0.2.1, 10.0.0.9', '198.51.100.7'],
    [
      'no address that the caller made up',
      '10.0.0.1',
      '203.0.113.1, 10.0.0.4, 198.51.100.7, 192.0.2.1',
      '198.51.100.7',
    ],
    ['a proxy that calls by itself', '2001:db8::9', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    ['the proxy after what is no address', '10.0.0.1', '203.0.113.1, unknown, 10.0.0.3', '10.0.0.3'],
    ['nothing but what is no address', '10.0.0.1', '203.0.113.1, unknown', undefined],
    ['nothing where the proxy wrote nothing', '10.0.0.1', undefined, undefined],
    ['nothing from whoever is not listed', '198.51.100.66', '203.0.113.1', undefined],
    ['nothing over a socket without an address', '', '203.0.113.1', undefined],
  ])('takes with listed proxies %s', (_what, socket, told, address) => {
    expect(addressOf(from(socket, told))).toBe(address)
  })
})
