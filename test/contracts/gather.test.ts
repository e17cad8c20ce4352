import { describe, expect, it } from 'vitest'
import { gather } from '../../adapters/gather.ts'

describe('reads that come together', () => {
  const recording = (
    answer = async (keys: readonly string[]) => new Map(keys.map((key) => [key, `value of ${key}`])),
  ) => {
    const calls: (readonly string[])[] = []
    const read = gather((keys) => {
      calls.push(keys)
      return answer(keys)
    })
    return { calls, read }
  }

  it('are one call, each key once, and everybody gets his own answer', async () => {
    const { calls, read } = recording()
    const later = Promise.resolve().then(() => read('c')) // still the same turn
    expect(await Promise.all([read('a'), read('b'), read('a'), later])).toEqual([
      'value of a',
      'value of b',
      'value of a',
      'value of c',
    ])
    expect(calls).toEqual([['a', 'b', 'c']])
  })

  it('are asked anew when they come later', async () => {
    const { calls, read } = recording()
    await read('a')
    await read('a')
    expect(calls).toEqual([['a'], ['a']])
  })

  it('are at most 64 a call', async () => {
    const { calls, read } = recording()
    await Promise.all(Array.from({ length: 65 }, (_, n) => read(`${n}`)))
    expect(calls.map((keys) => keys.length)).toEqual([64, 1])
  })

  it('answer undefined for what is not there', async () => {
    const { read } = recording(async () => new Map())
    expect(await read('a')).toBeUndefined()
  })

  it('fail together, and the next ones do not', async () => {
    let away = true
    const { read } = recording(async (keys) => {
      if (away) throw new Error('away')
      return new Map(keys.map((key) => [key, key]))
    })
    const both = await Promise.allSettled([read('a'), read('b')])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    away = false
    expect(await read('a')).toBe('a')
  })
})
