import { createServer as createHttpServer } from 'node:http'
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

  const refused = expect.objectContaining({ code: 'CLIENT_INVALID' })

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0177.0.0.1', '127.1'])(
    'sends nothing to %s, not even a greeting, at whatever port',
    async (host) => {
      for (const at of [host, `${host}:${port}`])
        await expect(createGuardedFetch(false)(`https://${at}/`, {})).rejects.toThrow('that not everybody can reach')
      expect(connections).toBe(0)
    },
  )

  it('sends nothing to a name that means us, once it is looked up', async () => {
    await expect(createGuardedFetch(false)('https://localhost/', {})).rejects.toMatchObject({ cause: refused })
  })

  it('sends nothing in clear', async () => {
    await expect(createGuardedFetch(false)('http://shop.example/', {})).rejects.toEqual(refused)
  })

  it.each(['https://8.8.8.8:8443/', 'https://shop.example:22/', 'https://shop.example:80/'])(
    'sends nothing to a port that is not 443: %s',
    async (uri) => {
      await expect(createGuardedFetch(false)(uri, {})).rejects.toEqual(refused)
    },
  )

  it('calls the app next door on a developer’s machine', async () => {
    await expect(createGuardedFetch(true)(`http://localhost:${port}/`, {})).rejects.toThrow()
    expect(connections).toBe(1)
  })
})

describe('answers from addresses that somebody else chose — security.md SE-6', () => {
  let length = 0
  const asked: (string | undefined)[] = []
  const app = createHttpServer(({ url }, response) => {
    asked.push(url)
    if (url === '/silent') return
    if (url === '/moved') response.writeHead(302, { location: '/elsewhere' }).end()
    else response.end(Buffer.alloc(length))
  })
  const at = (path: string) => `http://localhost:${(app.address() as AddressInfo).port}${path}`
  beforeAll(() => new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    app.closeAllConnections()
    app.close()
  })

  it('are read up to 64 KiB', async () => {
    length = 64 * 1024
    expect((await (await createGuardedFetch(true)(at('/'), {})).arrayBuffer()).byteLength).toBe(length)
    length += 1
    await expect(createGuardedFetch(true)(at('/'), {}).then((answer) => answer.arrayBuffer())).rejects.toThrow()
  })

  it('send us nowhere else, whatever the caller says of redirects', async () => {
    const answer = await createGuardedFetch(true)(at('/moved'), { redirect: 'follow' })
    expect([answer.status, asked.includes('/elsewhere')]).toEqual([302, false])
  })

  it('are waited for for 2.5 seconds', async () => {
    await expect(createGuardedFetch(true)(at('/silent'), {})).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})
