import { beforeAll, describe, expect, it } from 'vitest'
import { judge } from './judge.ts'
import { mutate, toBytesText } from './mutate.ts'
import { faultOf, makeOriginals, type Original } from './originals.ts'
import { Random } from './random.ts'
import { makeWorld } from './world.ts'

/** By hand `npm run fuzz` does a hundred thousand and asks other verifiers too. */
const SEED = 20_261_123
const MUTANTS = 4_000
/** Those that the strict verifier accepted and that both are asked about: the second one is slow. */
const CROSS_CHECKED = 200

let originals: readonly Original[]
let texts: readonly string[]
beforeAll(async () => {
  originals = await makeOriginals(await makeWorld())
  texts = originals.map(({ bytes }) => toBytesText(bytes))
}, 120_000)

describe('mutants of valid documents', () => {
  it('are accepted with the very same content or refused by a named check', async () => {
    const random = new Random(SEED)
    const faults: unknown[] = []
    const seen = { accepted: 0, refused: 0, disputed: 0 }
    for (let i = 0; i < MUTANTS; i++) {
      const original = random.pick(originals)
      const { bytes, steps } = mutate(original.bytes, random, texts)
      const outcome = await judge(bytes, { ...original.question, crossCheck: false })
      const fault = faultOf(outcome, original)
      if (fault) faults.push({ i, fault, steps, original: original.name })
      seen[outcome.verdict]++
      if (outcome.verdict === 'refused' || seen.accepted > CROSS_CHECKED) continue
      const both = await judge(bytes, original.question)
      if (both.verdict === 'refused') {
        seen.disputed++
        if (both.check !== 'agreement.verdict') faults.push({ i, check: both.check, steps })
      }
    }
    expect(faults).toEqual([])
    // A run in which nothing or everything gets through would prove nothing.
    expect(seen.accepted).toBeGreaterThan(MUTANTS / 10)
    expect(seen.refused).toBeGreaterThan(MUTANTS / 10)
    expect(seen.disputed).toBeLessThan(CROSS_CHECKED / 20)
  }, 120_000)
})
