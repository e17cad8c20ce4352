import { setTimeout as pause } from 'node:timers/promises'
import type { Storage } from '../../adapters/storage.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { createFileHolder } from '../provider/keys/file-holder.ts'
import { createKeyKeeper } from '../provider/keys/keeper.ts'
import { createKeySet } from '../provider/keys/key-set.ts'
import { createSealedHolder } from '../provider/keys/sealed-holder.ts'
import { createTransitHolder } from '../provider/keys/transit-holder.ts'
import type { Vault } from '../vault/vault.ts'

/** The signing keys: who holds them, their life, and how the engine gets them. */
export function createSigning(
  config: Config,
  { storage, vault, clock, log }: { storage: Storage; vault: Vault; clock: Clock; log: Log },
) {
  const { holder: kind, file, transit, schedule } = config.keys
  const holders = {
    sealed: createSealedHolder(vault),
    ...(file && { file: createFileHolder(file) }),
    ...(transit && { transit: createTransitHolder(transit) }),
  }
  const holder = holders[kind]
  if (!holder) throw new AppError('CONFIG_INVALID', `DWAR_KEY_HOLDER is ${kind}, and its settings are not there`)
  let onChange: () => void = () => undefined
  const store = storage.signingKeys
  const keeper = createKeyKeeper({
    store,
    holder,
    schedule,
    clock,
    pause: (seconds) => pause(seconds * 1000),
    onChange: () => onChange(),
  })
  const warn = (kid: string, error: unknown) => log.error({ kid, error }, 'a signing key cannot be used')
  return {
    keeper,
    keys: createKeySet({ store, holders, clock, warn }),
    onChange: (listener: () => void) => {
      onChange = listener
    },
  }
}
