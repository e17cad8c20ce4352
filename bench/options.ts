import { parseArgs } from 'node:util'
import { OPERATIONS, type Operation } from './driver.ts'

export interface Options {
  /** for all rounds over HTTP together, those that warm up included; starting up comes on top */
  readonly seconds: number
  readonly rounds: number
  readonly seats: number
  /** none: documents and vault alone */
  readonly operations: readonly Operation[]
  readonly profileFolder: string | undefined
  readonly help: boolean
}

export const USAGE = `npm run bench -- [options]

  --quick            a look, in under 20 seconds: too short to compare runs by
  --seconds <n>      time for all rounds over HTTP together (50)
  --rounds <n>       rounds of each operation on each server, interleaved (3)
  --seats <n>        how many act at the same time (8)
  --only <a,b>       of: ${OPERATIONS.join(' | ')}
  --documents        no servers: document verification and vault alone
  --profile <folder> a CPU profile of each server process, for Chromium's DevTools; slows everything down
  --help

  BENCH_DATABASE_URL a PostgreSQL to use instead of one of our own; its CPU time is then not seen`

/** @throws TypeError or RangeError for options that do not exist or make no sense */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      seats: { type: 'string', default: '8' },
      only: { type: 'string' },
      documents: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    seconds: positive('--seconds', values.seconds ?? (values.quick ? '5' : '50')),
    rounds: Math.ceil(positive('--rounds', values.rounds ?? (values.quick ? '1' : '3'))),
    seats: Math.ceil(positive('--seats', values.seats)),
    operations: values.documents ? [] : values.only === undefined ? OPERATIONS : operationsIn(values.only),
    profileFolder: values.profile,
    help: values.help,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`${name} must be a number above 0`)
}

/** By their beginnings, since two names hold a comma or spaces: `--only refresh,code` */
function operationsIn(text: string): Operation[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !OPERATIONS.some((operation) => operation.startsWith(name)))
  if (unknown.length > 0) throw new RangeError(`--only: there is no operation ${unknown.join(', ')}`)
  return OPERATIONS.filter((operation) => names.some((name) => operation.startsWith(name)))
}
