import type { createRailCredentials } from '../admin/rail-credentials.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { toDigiLockerSettings } from '../rail-settings.ts'
import { createDigiLockerRail } from '../rails/digilocker/rail.ts'
import type { KeyedHasher } from '../vault/keyed-hash.ts'

/** Credentials of the environment, for a database that holds none or older ones. */
export async function takeConfiguredCredentials(
  { digilocker }: Config,
  configure: ReturnType<typeof createRailCredentials>['configure'],
): Promise<void> {
  const { clientId, clientSecret, previousClientSecret } = digilocker
  if (!clientSecret) return
  await configure('digilocker', {
    clientId,
    clientSecret: clientSecret.reveal(),
    ...(previousClientSecret && { previousClientSecret: previousClientSecret.reveal() }),
  })
}

interface DigiLockerParts {
  readonly clock: Clock
  readonly verify: Parameters<typeof createDigiLockerRail>[1]['verify']
  readonly verifyPdf: Parameters<typeof createDigiLockerRail>[1]['verifyPdf']
  readonly hash: KeyedHasher
  readonly log: Log
  readonly metrics: Metrics
  readonly readCredentials: Parameters<typeof createDigiLockerRail>[1]['credentials']
}

/** The rail with its settings; what happens to it is logged and counted. */
export function buildDigiLocker(
  config: Config,
  { clock, hash, log, metrics, readCredentials, ...verifier }: DigiLockerParts,
) {
  const settings = toDigiLockerSettings(config)
  if (settings.tokenVersion === 2 && settings.idToken.keys.mode === 'tls-only')
    log.warn({ rail: 'digilocker' }, 'id_token signatures are not checked')
  return createDigiLockerRail(settings, {
    credentials: readCredentials,
    keyedHash: (purpose, value) => hash(purpose, value).toString('hex'),
    clock,
    warn: (code) => log.warn({ rail: 'digilocker', code }, 'upstream'),
    onEvent: (event) => metrics.noteCall('digilocker', event),
    onPause: (event) => {
      metrics.notePause('digilocker', event)
      const { repository, paused } = event
      log.warn({ rail: 'digilocker', repository }, paused ? 'upstream paused' : 'upstream asked again')
    },
    ...verifier,
  })
}
