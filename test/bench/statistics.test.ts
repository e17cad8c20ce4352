import { describe, expect, it } from 'vitest'
import { judge } from '../../bench/budgets.ts'
import { median, ratio, slope, summarize, toRound } from '../../bench/measure.ts'
import { readOptions } from '../../bench/options.ts'
import { formatCell, formatTable } from '../../bench/table.ts'

describe('the statistics of the benchmark', () => {
  it.each([
    ['an odd count', [9, 1, 5], 5],
    ['an even count, between the two in the middle', [4, 1, 3, 100], 3.5],
    ['numbers, not their texts', [10, 9, 100], 10],
    ['one value', [7], 7],
  ])('takes the median of %s', (_case, values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('has no median of nothing', () => {
    expect(median([])).toBeNaN()
  })

  it('compares each round with the baseline of the same round, so that a slow spell of the machine cancels out', () => {
    expect(ratio([60, 6, 61], [100, 10, 100])).toBe(0.6)
  })

  it.each([
    [
      'a line, wherever it begins',
      [
        [1, 5],
        [2, 7],
        [4, 11],
      ],
      2,
    ],
    [
      'what stays as it is',
      [
        [0, 3],
        [1, 3],
        [9, 3],
      ],
      0,
    ],
    [
      'points beside the line that fits them best',
      [
        [0, 0],
        [1, 3],
        [2, 0],
        [3, 3],
      ],
      0.6,
    ],
  ] as const)('finds the slope of %s', (_case, points, expected) => {
    expect(slope(points)).toBeCloseTo(expected)
  })

  it('finds no slope in one place', () => {
    expect(slope([[1, 5]])).toBeNaN()
  })

  it('counts what was used between two looks, for each operation', () => {
    const before = { cpuMs: 100, rssBytes: 1, statements: 10, databaseCpuMs: 5 }
    const after = { cpuMs: 120, rssBytes: 2, statements: 22, databaseCpuMs: 9 }
    expect(toRound([3, 1, 2, 8], 2000, before, after)).toEqual({
      operations: 4,
      perSecond: 2,
      cpuMs: 5,
      p50Ms: 2.5,
      databaseCpuMs: 1,
      roundTrips: 3,
      rssBytes: 2,
    })
  })

  it('leaves out what a server cannot tell', () => {
    const round = toRound([1], 1000, { cpuMs: 0, rssBytes: 1 }, { cpuMs: 1, rssBytes: 1 })
    expect(summarize([round, round])).toMatchObject({ roundTrips: undefined, databaseCpuMs: undefined, operations: 2 })
  })

  it('takes the median of each figure by itself, and the most memory', () => {
    const round = (perSecond: number, cpuMs: number, rssBytes: number) => ({
      operations: 1,
      perSecond,
      cpuMs,
      p50Ms: 1,
      rssBytes,
    })
    const all = summarize([round(1, 30, 5), round(2, 10, 9), round(3, 20, 7)])
    expect(all).toMatchObject({ perSecond: 2, cpuMs: 20, rssBytes: 9, operations: 3 })
  })
})

describe('the budgets of the benchmark', () => {
  const round = { operations: 1, perSecond: 1, cpuMs: 4, p50Ms: 1, rssBytes: 1, databaseCpuMs: 2.1, roundTrips: 12.4 }

  it('are kept up to and with their limit, and a missed one shows its figure', () => {
    const verdict = judge({ cpuMs: 4, databaseCpuMs: 2, roundTrips: 12, share: 0.6 }, round, 0.59)
    expect(verdict).toBe('CPU ≤ 4 met · db ≤ 2 MISSED (2.10) · trips ≤ 12 met · share ≥ 0.6 MISSED (0.59)')
  })

  it('are not called kept where nothing was measured', () => {
    expect(judge({ share: 0.6 }, round, undefined)).toBe('share ≥ 0.6 not measured')
  })
})

describe('the table of the benchmark', () => {
  it('sets text to the left, numbers to the right, and a dash where there is nothing', () => {
    const table = formatTable(
      [{ title: 'what' }, { title: 'ops/s', align: 'right' }, { title: 'note' }],
      [
        ['login', 1234.5, ''],
        ['a longer name', undefined, 'met'],
      ],
    )
    expect(table).toBe(
      [
        'what           ops/s  note',
        '-------------  -----  ----',
        'login          1,235',
        'a longer name      -  met',
      ].join('\n'),
    )
  })

  it.each([
    [0.456, '0.46'],
    [12.34, '12.3'],
    [999.6, '1,000'],
    [Number.NaN, '-'],
    [0, '0.00'],
  ])('shows %d as %s', (value, text) => {
    expect(formatCell(value)).toBe(text)
  })
})

describe('the options of the benchmark', () => {
  it('picks operations by the beginnings of their names, in the order in which they must run', () => {
    expect(readOptions(['--only', 'refresh,login']).operations).toEqual(['login', 'login, documents', 'refresh'])
  })

  it.each([
    ['an unknown operation', ['--only', 'logout']],
    ['no time at all', ['--seconds', '0']],
    ['what is not a number', ['--seats', 'many']],
    ['an unknown option', ['--fast']],
  ])('refuses %s', (_case, args) => {
    expect(() => readOptions(args)).toThrow()
  })
})
