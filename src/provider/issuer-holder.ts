import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ExternalSigningKey, Provider } from 'oidc-provider'
import type { Clock } from '../clock.ts'

export interface IssuerHolderParts {
  /** makes an engine that signs with the first key of each algorithm and publishes all */
  readonly build: (keys: ExternalSigningKey[]) => Provider
  readonly loadKeys: () => Promise<ExternalSigningKey[]>
  /** rises with every change of the keys */
  readonly version: () => Promise<number>
  readonly clock: Clock
  /** the newest keys could not be read: the engine goes on with those it has */
  readonly onStale: (error: unknown) => void
}

/** The engine of now. It has no way to change its keys, so a change makes another, which takes its place at once. */
export interface IssuerHolder {
  /** For one request or one piece of work; not to be kept. */
  readonly provider: Provider
  /**
   * Looks whether the keys have changed, at most once a second, and builds the engine anew if so. Requests that the
   * former one is serving end there: whatever they hold of it stays good, for all state is in the store.
   */
  refresh(): Promise<void>
  /** The next `refresh` reads the keys, whatever the version says: this process has changed them. */
  expire(): void
  /** true while the newest keys could not be read */
  readonly stale: boolean
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
}

/** @throws whatever the store, the vault or the engine throws: without keys there is no issuer */
export async function createIssuerHolder(parts: IssuerHolderParts): Promise<IssuerHolder> {
  let checkedAt: number | undefined
  let checking: Promise<void> | undefined
  let stale = false
  // The version before the keys: a change between the two is then seen at the next look.
  let version: number | undefined = await parts.version()
  let engine = toEngine(parts.build(await parts.loadKeys()))

  async function check(): Promise<void> {
    checkedAt = parts.clock()
    try {
      const newest = await parts.version()
      if (newest !== version) {
        engine = toEngine(parts.build(await parts.loadKeys()))
        version = newest
      }
      stale = false
    } catch (error) {
      // Keys are still there to answer with, and the retired ones among them are published everywhere.
      if (!stale) parts.onStale(error)
      stale = true
    }
  }

  const refresh = async () => {
    // Whoever comes while a look is under way waits for it: what is known may be as old as the request before.
    if (!checking && checkedAt === parts.clock()) return
    checking ??= check().finally(() => {
      checking = undefined
    })
    // While the store is away nobody waits for it: the key set and discovery go on being served.
    if (!stale) await checking
  }

  return {
    get provider() {
      return engine.provider
    },
    get stale() {
      return stale
    },
    refresh,
    expire() {
      version = undefined
      checkedAt = undefined
    },
    async handle(request, response) {
      await refresh()
      await engine.handle(request, response)
    },
  }
}

function toEngine(provider: Provider) {
  const handle = provider.callback() as (request: IncomingMessage, response: ServerResponse) => Promise<void>
  return { provider, handle }
}
