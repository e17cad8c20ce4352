import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { trustStatus } from '../documents/trust/status.ts'
import type { TrustStore } from '../documents/trust/trust.ts'
import { type TrustWatch, watchTrust } from '../documents/trust/watch.ts'
import { createVerifier, type Verdict } from '../documents/verifier.ts'
import { AppError } from '../errors.ts'
import type { Log } from '../log.ts'
import { createMetrics } from '../metrics/metrics.ts'

/** Threads that verify, under trust that follows its files. */
export function startVerifier(config: Config, log: Log, clock: Clock, fixedTrust: TrustStore | undefined) {
  const watch = fixedTrust ? undefined : followTrust(config, log, (trust) => verifier.useTrust(trust))
  const trust = () => watch?.current ?? fixedTrust
  const first = trust()
  if (!first) throw new AppError('CONFIG_INVALID', 'no trust to begin with')
  const metrics = createMetrics({
    verifier: () => verifier.state(),
    trust: () => trustStatus(trust() ?? first, clock()),
    process: config.metrics !== undefined,
  })
  const verifier = createVerifier({
    trust: first,
    threads: config.verifier.threads,
    crossCheckShare: config.verifier.crossCheckShare,
    clock,
    random: Math.random,
    now: () => performance.now(),
    onVerdict: (verdict) => {
      metrics.noteVerdict(verdict)
      alarm(log, verdict)
    },
  })
  return {
    verifier,
    metrics,
    close: async () => {
      watch?.close()
      await verifier.close()
    },
  }
}

const TRUST_LOOK_MS = 5_000

function followTrust(config: Config, log: Log, onChange: (trust: TrustStore) => void): TrustWatch {
  return watchTrust({
    files: config.trustFiles,
    folder: config.trustFolder,
    everyMs: TRUST_LOOK_MS,
    onChange: (trust) => {
      log.info({ signers: trust.signers.length }, 'trust changed')
      onChange(trust)
    },
    onFault: (fault) =>
      log.error({ code: fault.code, reason: fault.message }, 'trust kept: the new files are not sound'),
  })
}

/** Two verifiers that differ have found a hole in one of them: nobody may miss it. */
function alarm(log: Log, { outcome, code, check, profile }: Verdict): void {
  if (outcome === 'refused') log.warn({ profile, code, check }, 'document refused')
  if (code === 'DOC_VERIFIERS_DISAGREE') log.error({ profile, code, check }, 'the two verifiers disagree')
}
