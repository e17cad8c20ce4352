import type { Clock } from '../clock.ts'
import { RailError } from '../errors.ts'
import type { RailCredentialStore, RailCredentials, ReadCredentials } from '../rails/rail.ts'
import type { Vault } from '../vault/vault.ts'

const place = (rail: string, column: 'sealed_secret' | 'sealed_previous_secret') => ({
  table: 'rail_credential',
  column,
  row: rail,
})

const FRESH_SECONDS = 5

/**
 * A rail's credentials, sealed in the vault. Configuration puts them there at start; a change made in the store by any
 * instance is used by all within seconds, without a restart.
 */
export function createRailCredentials(parts: { store: RailCredentialStore; vault: Vault; clock: Clock }) {
  const { store, vault, clock } = parts

  /** Puts credentials in place of the ones there. The secret that was current becomes the previous one, unless one is given. */
  async function put(rail: string, credentials: RailCredentials): Promise<void> {
    const present = await find(rail)
    const same = present?.clientId === credentials.clientId && present.clientSecret === credentials.clientSecret
    if (
      same &&
      (credentials.previousClientSecret === undefined ||
        credentials.previousClientSecret === present.previousClientSecret)
    )
      return
    const previous = credentials.previousClientSecret ?? (same ? present.previousClientSecret : present?.clientSecret)
    await store.put({
      rail,
      clientId: credentials.clientId,
      sealedSecret: await vault.seal('system', place(rail, 'sealed_secret'), credentials.clientSecret),
      sealedPreviousSecret:
        previous === undefined
          ? undefined
          : await vault.seal('system', place(rail, 'sealed_previous_secret'), previous),
    })
  }

  async function find(rail: string): Promise<RailCredentials | undefined> {
    const stored = await store.find(rail)
    if (!stored) return undefined
    const { sealedPreviousSecret: previous } = stored
    return {
      clientId: stored.clientId,
      clientSecret: (await vault.open('system', place(rail, 'sealed_secret'), stored.sealedSecret)).toString('utf8'),
      ...(previous && {
        previousClientSecret: (await vault.open('system', place(rail, 'sealed_previous_secret'), previous)).toString(
          'utf8',
        ),
      }),
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

  return { put, reader }
}
