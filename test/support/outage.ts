import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Citizen, type Page } from './citizen.ts'
import { freePort } from './ports.ts'
import { pinOf, REDIRECT_URI, type Stage } from './stage.ts'

/** What stands between our server and the upstream: it can be killed, hung, and brought back. Browsers go past it. */
export interface Wire {
  readonly url: URL
  /** connections that our server tried while it was hung */
  readonly tried: () => number
  set(state: 'up' | 'killed' | 'hung'): Promise<void>
  close(): Promise<void>
}

export async function openWire(to: URL): Promise<Wire> {
  const sockets = new Set<Socket>()
  let hung = false
  let tried = 0
  const handle = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    if (hung) tried += 1
    if (hung) return
    const onward = connect(Number(to.port), to.hostname)
    sockets.add(onward)
    onward.on('error', () => socket.destroy()).on('close', () => sockets.delete(onward))
    socket.pipe(onward).pipe(socket)
  }
  const listen = (port: number) =>
    new Promise<Server>((resolve, reject) => {
      const server = createServer(handle)
      server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server))
    })
  const stop = async (server: Server) => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  // Nobody is given it while nobody listens.
  const port = await freePort()
  let server: Server | undefined = await listen(port)
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    tried: () => tried,
    async set(state) {
      if (server) await stop(server)
      server = undefined
      hung = state === 'hung'
      if (state !== 'killed') server = await listen(port)
    },
    async close() {
      if (server) await stop(server)
    },
  }
}

export interface Try {
  /** milliseconds since the beginning */
  readonly at: number
  /** in which scene it began, from 0 */
  readonly scene: number
  readonly outcome: 'consent' | 'refused at once' | 'refused afterwards'
  readonly code: string | undefined
  /** of the request that showed the page */
  readonly ms: number
  readonly banner: boolean
}

/** One login to the consent page, or to the page that says why not. */
async function tryLogin(stage: Stage, authorize: URL, begun: number): Promise<Omit<Try, 'scene'>> {
  const at = performance.now() - begun
  const citizen = new Citizen(REDIRECT_URI)
  const start = await citizen.get(authorize)
  const asked = performance.now()
  const first = await citizen.submit(start, /continue/i)
  const atOnce = first.url.origin === stage.issuer.origin
  const { page, ms } = atOnce ? { page: first, ms: performance.now() - asked } : await signIn(citizen, first)
  const code = /\b(RAIL_[A-Z_]+)/.exec(page.html)?.[1]
  const refused = atOnce ? 'refused at once' : 'refused afterwards'
  const outcome = page.html.includes('value="share"') ? 'consent' : refused
  return { at, outcome, code, ms, banner: start.html.includes('role="status"') }
}

async function signIn(citizen: Citizen, at: Page): Promise<{ page: Page; ms: number }> {
  const form = [['persona', 'asha'] as const, ['pin', pinOf(at, 'asha')] as const]
  const consent = await citizen.submit(at, /Sign in/, form)
  const asked = performance.now()
  return { page: await citizen.submit(consent, /^Allow$/), ms: performance.now() - asked }
}

export interface Scene {
  readonly state: 'up' | 'killed' | 'hung'
  /** at most */
  readonly forMs: number
  /** ends the scene sooner, seen the logins that ended in it */
  readonly until?: (within: readonly Try[]) => boolean
}

/** Logs in without pause, `seats` at a time, while the scenes change. @returns every login, oldest first */
export async function play(
  stage: Stage,
  wire: Wire,
  authorize: URL,
  { seats, scenes }: { readonly seats: number; readonly scenes: readonly Scene[] },
): Promise<Try[]> {
  const begun = performance.now()
  const tries: Try[] = []
  let over = false
  let scene = 0
  const seat = async () => {
    while (!over) {
      const began = scene
      tries.push({ ...(await tryLogin(stage, authorize, begun)), scene: began })
    }
  }
  const all = Promise.all(Array.from({ length: seats }, seat))
  for (const [index, { state, forMs, until }] of scenes.entries()) {
    await wire.set(state)
    scene = index
    const [from, end] = [tries.length, performance.now() + forMs]
    while (performance.now() < end && !until?.(tries.slice(from))) await pause(50)
  }
  over = true
  await all
  return tries.toSorted((one, other) => one.at - other.at)
}

export function authorizeUrl(stage: Stage, clientId: string): URL {
  const url = new URL('/authorize', stage.issuer)
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid profile',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  }).toString()
  return url
}
