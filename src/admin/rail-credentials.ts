import type { Clock } from '../clock.ts'
import { RailError } from '../errors.ts'
import type { EventStore } from '../privacy/event.ts'
import type { RailCredentialStore, RailCredentials, ReadCredentials, StoredRailCredentials } from '../rails/rail.ts'
import type { KeyedHasher } from '../vault/keyed-hash.ts'
import type { Vault } from '../vault/vault.ts'

const place = (rail: string, column: 'sealed_secret' | 'sealed_previous_secret') => ({
  table: 'rail_credential',
  column,
  row: rail,
})

const FRESH_SECONDS = 5

export interface ShownRailCredentials {
  readonly rail: string
  readonly clientId: string
  /** a rotation is under way: `hmac` headers under the previous secret still count */
  readonly previousKept: boolean
  /** ISO 8601 */
  readonly changedAt: string | undefined
}

export interface RailCredentialAdmin {
  /** Puts credentials in place of the ones there; the secret that was current becomes the previous one. */
  set(rail: string, credentials: RailCredentials): Promise<void>
  /** @throws RailError RAIL_MISCONFIGURED when none were ever put */
  show(rail: string): Promise<ShownRailCredentials>
  /** Ends a rotation. @throws RailError RAIL_MISCONFIGURED */
  dropPrevious(rail: string): Promise<void>
}

/**
 * A rail's credentials, sealed in the vault. A change by any instance, or by the command line, is used by all within
 * seconds and without a restart.
 */
export function createRailCredentials(parts: {
  store: RailCredentialStore
  events: EventStore
  vault: Vault
  hash: KeyedHasher
  clock: Clock
}) {
  const { store, vault, clock } = parts

  /**
   * Takes what the environment says, when it says something new: a restart under an old environment must not bring back
   * a secret that an operator has changed since.
   */
  async function configure(rail: string, credentials: RailCredentials): Promise<void> {
    const { clientId, clientSecret, previousClientSecret = '' } = credentials
    const said = parts.hash('credentials', JSON.stringify([rail, clientId, clientSecret, previousClientSecret]))
    const stored = await store.find(rail)
    if (stored?.configuredHash && said.equals(stored.configuredHash)) return
    await put(rail, credentials, said, 'configuration')
  }

  async function set(rail: string, credentials: RailCredentials): Promise<void> {
    await put(rail, credentials, (await store.find(rail))?.configuredHash, 'operator')
  }

  async function put(
    rail: string,
    credentials: RailCredentials,
    configuredHash: Uint8Array | undefined,
    by: 'configuration' | 'operator',
  ): Promise<void> {
    const present = await find(rail)
    const same = present?.clientId === credentials.clientId && present.clientSecret === credentials.clientSecret
    const replaced = same ? present.previousClientSecret : present?.clientSecret
    const previous = credentials.previousClientSecret ?? replaced
    await store.put({
      rail,
      clientId: credentials.clientId,
      sealedSecret: await vault.seal('system', place(rail, 'sealed_secret'), credentials.clientSecret),
      sealedPreviousSecret: previous === undefined ? undefined : await sealPrevious(rail, previous),
      configuredHash,
      changedAt: clock(),
    })
    await note(rail, by, previous !== undefined)
  }

  async function dropPrevious(rail: string): Promise<void> {
    const stored = await stand(rail)
    if (!stored.sealedPreviousSecret) return
    await store.put({ ...stored, sealedPreviousSecret: undefined, changedAt: clock() })
    await note(rail, 'operator', false)
  }

  async function show(rail: string): Promise<ShownRailCredentials> {
    const { clientId, sealedPreviousSecret, changedAt } = await stand(rail)
    return {
      rail,
      clientId,
      previousKept: sealedPreviousSecret !== undefined,
      changedAt: changedAt === undefined ? undefined : new Date(changedAt * 1000).toISOString(),
    }
  }

  const sealPrevious = (rail: string, secret: string) =>
    vault.seal('system', place(rail, 'sealed_previous_secret'), secret)

  const note = (rail: string, by: 'configuration' | 'operator', previousKept: boolean): Promise<void> =>
    parts.events.append([{ body: { type: 'rail.credentials_changed', rail, by, previousKept } }])

  async function stand(rail: string): Promise<StoredRailCredentials> {
    const stored = await store.find(rail)
    if (!stored) throw new RailError('RAIL_MISCONFIGURED', 'no credentials are stored for this rail')
    return stored
  }

  async function find(rail: string): Promise<RailCredentials | undefined> {
    const stored = await store.find(rail)
    if (!stored) return undefined
    const open = async (column: Parameters<typeof place>[1], sealed: Uint8Array) =>
      (await vault.open('system', place(rail, column), sealed)).toString('utf8')
    const { sealedSecret, sealedPreviousSecret: previous } = stored
    return {
      clientId: stored.clientId,
      clientSecret: await open('sealed_secret', sealedSecret),
      ...(previous && { previousClientSecret: await open('sealed_previous_secret', previous) }),
    }
  }

  /** @throws RailError RAIL_MISCONFIGURED when none were ever put */
  function reader(rail: string): ReadCredentials {
    let kept: { readonly credentials: RailCredentials; readonly at: number } | undefined
    return async () => {
      if (kept && clock() - kept.at < FRESH_SECONDS) return kept.credentials
      const credentials = await find(rail)
      if (!credentials) throw new RailError('RAIL_MISCONFIGURED', 'no credentials are stored for this rail')
      kept = { credentials, at: clock() }
      return credentials
    }
  }

  return { configure, set, show, dropPrevious, reader }
}
