import type { Operation } from './driver.ts'
import type { Round } from './measure.ts'
import { formatCell } from './table.ts'

/** Limits for one operation on PostgreSQL (design §6). CPU in milliseconds, throughput as a share of the bare engine's. */
export interface Budget {
  readonly cpuMs?: number
  readonly databaseCpuMs?: number
  readonly roundTrips?: number
  readonly share?: number
}

export const budgets: Readonly<Record<Operation, Budget>> = {
  login: { cpuMs: 4, databaseCpuMs: 2, roundTrips: 12 },
  // Verification is apart from the budget of a login, and has one of its own.
  'login, documents': { roundTrips: 12 },
  'sign in again': {},
  'code exchange': { roundTrips: 3, share: 0.6 },
  refresh: { cpuMs: 1.5, databaseCpuMs: 1, roundTrips: 3, share: 0.6 },
  userinfo: { cpuMs: 0.7, databaseCpuMs: 0.1, roundTrips: 1, share: 0.6 },
  introspection: { roundTrips: 1 },
}

/** Resident memory of one issuer process on PostgreSQL, in MiB. */
export const MEMORY_BUDGET_MIB = 150
/** Document verification, as a multiple of one SHA-256 and one RSA-2048 verification. */
export const VERIFICATION_BUDGET = 2.5
/** Refusing a hostile document of 5 MB, in milliseconds of wall time. */
export const HOSTILE_BUDGET_MS = 100
/** Sealing and opening 2 KB, together, in microseconds (performance.md). */
export const VAULT_BUDGET_US = 40

/** Says of each limit whether it was kept, the broken ones with the figure. Nothing where nothing is promised. */
export function judge(budget: Budget, round: Round, share: number | undefined): string {
  const limits = [
    limit('CPU', '≤', budget.cpuMs, round.cpuMs),
    limit('db', '≤', budget.databaseCpuMs, round.databaseCpuMs),
    // An average of whole statements: background work of the server may add a fraction.
    limit('trips', '≤', budget.roundTrips, round.roundTrips === undefined ? undefined : Math.round(round.roundTrips)),
    limit('share', '≥', budget.share, share),
  ].filter((text) => text !== undefined)
  return limits.join(' · ')
}

function limit(
  name: string,
  sign: '≤' | '≥',
  bound: number | undefined,
  value: number | undefined,
): string | undefined {
  if (bound === undefined) return undefined
  if (value === undefined) return `${name} ${sign} ${bound} not measured`
  const kept = sign === '≤' ? value <= bound : value >= bound
  return `${name} ${sign} ${bound} ${kept ? 'met' : `MISSED (${formatCell(value)})`}`
}
