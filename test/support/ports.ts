import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Below what a system gives away by itself (from 32,768 on), so that a port that is free here is free a while later: nobody
 * is given it meanwhile who asked for any. Each process of a test run has a part of its own, and goes through it in turn.
 */
const LOWEST = 20_000
const PARTS = 8
const PART = 1_500
const part = LOWEST + (Number(process.env.VITEST_POOL_ID ?? 0) % PARTS) * PART
let turn = Math.floor(Math.random() * PART)

/** A port that is free now, and that no other test is given. */
export const freePort = (): Promise<number> => freePorts(1)

/** The first of four such ports in a row, as the demo wants them. */
export const fourFreePorts = (): Promise<number> => freePorts(4)

async function freePorts(count: number): Promise<number> {
  for (;;) {
    if (turn + count > PART) turn = 0
    const first = part + turn
    turn += count
    // At every address: whoever listens at one of them is in the way.
    const servers = Array.from({ length: count }, (_one, offset) => createServer().listen(first + offset))
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
