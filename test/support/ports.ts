import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** The first of four free ports in a row, as the demo wants them. They are free now; nobody promises more. */
export async function fourFreePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 30_000)
    const servers = [0, 1, 2, 3].map((offset) => createServer().listen(first + offset, '127.0.0.1'))
    const free = await Promise.all(
      servers.map((server) =>
        once(server, 'listening').then(
          () => true,
          () => false,
        ),
      ),
    )
    await Promise.all(servers.map(shut))
    if (free.every(Boolean)) return first
  }
}

async function shut(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  await once(server, 'close')
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await shut(server)
  return port
}
