import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface Options {
  readonly mutants: number
  readonly seed: number
  /** of those that we refuse, one in so many is put to the other verifiers as well, to be counted */
  readonly sample: number
  /** where finds are written; a folder of the system's otherwise */
  readonly out: string | undefined
  readonly help: boolean
}

export const USAGE = `npm run fuzz -- [options]

  --mutants <n>  how many documents (100000)
  --seed <n>     the same seed makes the same changes; printed when not given
  --sample <n>   of those refused, one in n is put to the other verifiers too (100)
  --out <folder> where finds are written
  --help`

/** @throws TypeError or RangeError for options that do not exist or make no sense */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mutants: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      sample: { type: 'string', default: '100' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const seed = values.seed === undefined ? randomInt(2 ** 32) : count('seed', values.seed)
  const { out, help } = values
  return { mutants: count('mutants', values.mutants), seed, sample: count('sample', values.sample), out, help }
}

function count(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`--${name} must be a whole number from 1`)
  return number
}
