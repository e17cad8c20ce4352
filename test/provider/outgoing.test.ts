import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGuardedFetch, isPublicAddress } from '../../src/provider/outgoing.ts'

describe('addresses that somebody else chose — security.md SE-6', () => {
  it.each([
    ['0.0.0.0', false],
    ['10.1.2.3', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['169.254.169.254', false],
    ['172.31.255.255', false],
    ['172.32.0.0', true],
    ['192.168.1.1', false],
    ['198.18.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['8.8.8.8', true],
    ['::', false],
    ['::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:8.8.8.8', false],
    ['64:ff9b::7f00:1', false],
    ['fc00::1', false],
    ['fe80::1', false],
    ['ff02::1', false],
    ['2001:db8::1', false],
    ['2002:7f00:1::', false],
    ['2606:4700::1111', true],
    ['no address', false],
  ])('judges %s: %s', (address, allowed) => {
    expect(isPublicAddress(address)).toBe(allowed)
  })

  let connections = 0
  const canary = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => canary.listen(0, '::', resolve))
    port = (canary.address() as AddressInfo).port
  })
  afterAll(() => new Promise((resolve) => canary.close(resolve)))

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0177.0.0.1', 'localhost', '127.1'])(
    'sends nothing to %s, not even a greeting',
    async (host) => {
      await expect(createGuardedFetch(false)(`https://${host}:${port}/`, {})).rejects.toThrow()
      expect(connections).toBe(0)
    },
  )

  it('sends nothing in clear', async () => {
    await expect(createGuardedFetch(false)('http://shop.example/', {})).rejects.toThrow('not one to call')
  })

  it('calls the app next door on a developer’s machine', async () => {
    await expect(createGuardedFetch(true)(`http://localhost:${port}/`, {})).rejects.toThrow()
    expect(connections).toBe(1)
  })
})
