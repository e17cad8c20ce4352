import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { createLogoutDeliveries, type LogoutDeliveries, type LogoutOutcome } from '../provider/back-channel-logout.ts'
import type { IssuerHolder } from '../provider/issuer-holder.ts'
import type { LogoutStore } from '../provider/stores.ts'

interface Parts {
  readonly store: LogoutStore
  readonly engine: IssuerHolder
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'noteLogout'>
}

/** Apps are told of sign-outs, and the operator of those that are not. */
export const createLogouts = ({ store, engine, clock, log, metrics }: Parts): LogoutDeliveries =>
  createLogoutDeliveries({
    store,
    provider: () => engine.provider,
    onOutcome(outcome) {
      metrics.noteLogout(outcome)
      say(log, outcome)
    },
    clock,
    random: Math.random,
  })

function say(log: Log, outcome: LogoutOutcome): void {
  if (outcome.kind === 'delivered') return
  const { kind, clientId: client, ...rest } = outcome
  const isOurs = kind === 'failed' && outcome.reason === 'ours'
  const text = kind === 'failed' ? 'app not told of a sign-out' : 'sign-out given up'
  log[isOurs ? 'error' : 'warn']({ client, ...rest }, text)
}
