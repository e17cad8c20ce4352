import {
  budgets,
  HOSTILE_BUDGET_MS,
  judge,
  MEMORY_BUDGET_MIB,
  VAULT_BUDGET_US,
  VERIFICATION_BUDGET,
} from './budgets.ts'
import type { Contender, Contenders } from './contenders.ts'
import type { Operation } from './driver.ts'
import { median, type Round, ratio, summarize } from './measure.ts'
import type { Results } from './race.ts'
import { type Cell, formatCell, formatTable } from './table.ts'

const MIB = 2 ** 20
const number = (title: string) => ({ title, align: 'right' as const })

/** Operations over HTTP: a row for each server, beside the baseline of the same rounds. */
export function serversTable(all: ReadonlyMap<Operation, Results>, { bare, postgres }: Contenders): string {
  const rows = [...all].flatMap(([operation, results]) =>
    [...results].map(([contender, rounds], at) => {
      const baseline = results.get(bare)
      const share = timesBaseline(rounds, baseline, ({ perSecond }) => perSecond)
      const cpuTimes = timesBaseline(rounds, baseline, ({ cpuMs }) => cpuMs)
      const round = summarize(rounds)
      const verdict = contender === postgres ? judge(budgets[operation], round, share) : ''
      return [at === 0 ? operation : '', contender.name, ...figures(round), share, cpuTimes, verdict]
    }),
  )
  return formatTable(
    [
      { title: 'operation' },
      { title: 'server' },
      number('ops/s'),
      number('CPU ms/op'),
      number('db ms/op'),
      number('p50 ms'),
      number('trips'),
      number('ops x bare'),
      number('CPU x bare'),
      { title: 'budget' },
    ],
    rows,
  )
}

function figures({ perSecond, cpuMs, databaseCpuMs, p50Ms, roundTrips }: Round): Cell[] {
  return [perSecond, cpuMs, databaseCpuMs, p50Ms, roundTrips]
}

function timesBaseline(
  rounds: readonly Round[],
  baseline: readonly Round[] | undefined,
  read: (round: Round) => number,
): number | undefined {
  return baseline && baseline !== rounds ? ratio(rounds.map(read), baseline.map(read)) : undefined
}

/** Resident memory: when ready, and the most seen at the end of a round. */
export function memoryTable(
  all: ReadonlyMap<Operation, Results>,
  atStart: ReadonlyMap<Contender, number>,
  { postgres }: Contenders,
): string {
  const rows = [...atStart].map(([contender, ready]) => {
    const most =
      Math.max(ready, ...[...all.values()].flatMap((results) => results.get(contender) ?? []).map(rssOf)) / MIB
    const verdict = `RSS ≤ ${MEMORY_BUDGET_MIB} ${most <= MEMORY_BUDGET_MIB ? 'met' : `MISSED (${formatCell(most)})`}`
    return [contender.name, ready / MIB, most, contender === postgres ? verdict : '']
  })
  return formatTable([{ title: 'memory' }, number('MiB ready'), number('MiB most'), { title: 'budget' }], rows)
}

const rssOf = ({ rssBytes }: Round) => rssBytes

/** CPU microseconds of verifying one document, each way, in the same rounds. */
export interface VerificationResult {
  readonly title: string
  readonly floor: readonly number[]
  readonly strict: readonly number[]
  readonly both: readonly number[]
  readonly engine: readonly number[]
  /** by itself, not in the rounds; nothing where it is not installed */
  readonly xmlsec1: number | undefined
}

export function verificationTable(results: readonly VerificationResult[]): string {
  const rows = results.flatMap(({ title, floor, strict, both, engine, xmlsec1 }) => {
    const times = ratio(strict, floor)
    const verdict = `≤ ${VERIFICATION_BUDGET} x floor ${times <= VERIFICATION_BUDGET ? 'met' : 'MISSED'}`
    const row = (way: string, us: readonly number[], budget = '') => [
      `${title}: ${way}`,
      perSecond(us),
      median(us),
      ratio(us, floor),
      budget,
    ]
    return [
      row('floor (one SHA-256, one RSA-2048)', floor),
      row('strict path alone', strict, verdict),
      row('both verifiers (default)', both),
      row('xml-crypto, as its README', engine),
      ...(xmlsec1 === undefined
        ? []
        : [[`${title}: libxmlsec1, key preset`, 1e6 / xmlsec1, xmlsec1, xmlsec1 / median(floor), '']]),
    ]
  })
  const columns = ['per CPU second', 'us CPU', 'x floor'].map(number)
  return formatTable([{ title: 'document verification' }, ...columns, { title: 'budget' }], rows)
}

/** Hostile documents of 5 MB, in a thread of the pool. */
export function hostileTable(
  results: readonly { readonly title: string; readonly milliseconds: number; readonly check: string }[],
): string {
  const rows = results.map(({ title, milliseconds, check }) => {
    const verdict = `≤ ${HOSTILE_BUDGET_MS} ms ${milliseconds <= HOSTILE_BUDGET_MS ? 'met' : 'MISSED'}`
    return [title, milliseconds, check, verdict]
  })
  return formatTable([{ title: 'hostile, 5 MB' }, number('ms'), { title: 'refused by' }, { title: 'budget' }], rows)
}

export function vaultTable(seal: readonly number[], open: readonly number[]): string {
  const both = median(seal) + median(open)
  const verdict = `both ≤ ${VAULT_BUDGET_US} us ${both <= VAULT_BUDGET_US ? 'met' : `MISSED (${formatCell(both)})`}`
  return formatTable(
    [{ title: 'vault, 2 KB' }, number('per CPU second'), number('us CPU'), { title: 'budget' }],
    [
      ['seal', perSecond(seal), median(seal), ''],
      ['open', perSecond(open), median(open), verdict],
    ],
  )
}

const perSecond = (microseconds: readonly number[]) => 1e6 / median(microseconds)
