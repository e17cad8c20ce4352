import { beforeAll, describe, expect, it } from 'vitest'
import { CHECKS, type CheckId } from '../../../src/documents/checks.ts'
import { PROFILES } from '../../../src/documents/profiles.ts'
import { BENIGN } from './benign.ts'
import type { BenignCase, HostileCase } from './case.ts'
import { contentOf } from './content.ts'
import { HOSTILE } from './hostile/index.ts'
import { bytesOf, judge, judgeAgain, type Outcome } from './judge.ts'
import { makeWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld()
}, 120_000)

const trustOf = ({ trust }: HostileCase | BenignCase) => trust?.(world) ?? world.trust

/**
 * What the second reader may call a thing that the strict one refuses by another name: its parser has one error for
 * everything that is not well-formed, allows more, and reads the tree before it looks for signatures.
 */
const ALSO_CALLED: Readonly<Partial<Record<CheckId, readonly CheckId[]>>> = {
  'bytes.characters': ['bytes.well-formed'],
  'bytes.declaration': ['bytes.well-formed'],
  'bytes.instruction': ['bytes.well-formed'],
  'bytes.subset': ['bytes.well-formed', 'signature.digest', 'shape.place', 'shape.children', 'shape.reference'],
  // what never ends is not measured
  'bytes.text-length': ['bytes.well-formed'],
  'bytes.well-formed': ['signature.digest'],
  'shape.place': ['shape.one-signature', 'shape.root'],
  'shape.plain': ['algorithm.parameters'],
  // it digests before it looks at the signature
  'signature.value': ['signature.digest'],
}
/** Who signed, when, how much was rewritten, and whether the two agree is not the second reader's to say. */
const isReading = ({ check }: HostileCase) =>
  !/^(?:signer|chain|agreement)\.|^signature\.time$|^bytes\.rewrites$/.test(check)

describe('hostile documents — security.md XM-1 to XM-12', () => {
  it('are many, and no two are called the same', () => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(600)
    expect(new Set(HOSTILE.map(({ name }) => name)).size).toBe(HOSTILE.length)
  })

  it.each(titled(HOSTILE))('%s: refused by %s', async (_name, _check, hostile) => {
    const bytes = bytesOf(hostile.make(world))
    const question = { ...hostile, trust: trustOf(hostile) }
    const { check, strictCheck = check } = hostile
    expect(await judge(bytes, { ...question, crossCheck: false })).toEqual(
      strictCheck === 'none' ? expect.objectContaining({ verdict: 'accepted' }) : refusedBy(strictCheck),
    )
    expect(await judge(bytes, question)).toEqual(refusedBy(check))
  })

  it.each(titled(HOSTILE.filter(isReading)))('%s: refused by the second reader too', (_name, _check, hostile) => {
    const outcome = judgeAgain(bytesOf(hostile.make(world)), world, hostile)
    expect(outcome.verdict).toBe('refused')
    expect([hostile.check, ...(ALSO_CALLED[hostile.check] ?? [])]).toContain('check' in outcome && outcome.check)
  })
})

describe('documents that are only odd — security.md XM-15; documents-and-signatures.md §2.3', () => {
  it('are many, and no two are called the same', () => {
    expect(BENIGN.length).toBeGreaterThanOrEqual(80)
    expect(new Set(BENIGN.map(({ name }) => name)).size).toBe(BENIGN.length)
  })

  it.each(BENIGN.map((benign) => [benign.name, benign] as const))(
    '%s: accepted, with the same content',
    async (_name, benign) => {
      const question = { ...benign, trust: trustOf(benign) }
      // The plain form stands under the plain profile, unless it is of another kind.
      const plainQuestion = benign.profile === PROFILES.uidaiOffline ? question : { trust: world.trust }
      const plain = await judge(bytesOf(benign.sameAs(world)), { ...plainQuestion, crossCheck: false })
      const expected = { verdict: 'accepted', content: saidBy(plain) }
      for (const crossCheck of [false, true]) {
        const outcome = await judge(bytesOf(benign.make(world)), { ...question, crossCheck })
        expect({ ...outcome, content: saidBy(outcome) }).toEqual(expected)
      }
    },
  )
})

/** `$name` would be cut short. */
function titled(cases: readonly HostileCase[]) {
  return cases.map((hostile) => [hostile.name, hostile.check, hostile] as const)
}

const refusedBy = (check: CheckId) => ({ verdict: 'refused', check, code: CHECKS[check].code })

const saidBy = (outcome: Outcome) => (outcome.verdict === 'accepted' ? contentOf(outcome.content) : outcome)
