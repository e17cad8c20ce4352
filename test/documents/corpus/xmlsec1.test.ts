import { beforeAll, describe, expect, it } from 'vitest'
import { BENIGN } from './benign.ts'
import type { BenignCase, HostileCase } from './case.ts'
import { HOSTILE } from './hostile/index.ts'
import { bytesOf } from './judge.ts'
import { makeWorld, type World } from './world.ts'
import { type Asked, acceptedByXmlsec1, hasXmlsec1 } from './xmlsec1.ts'

let world: World
let isThere: boolean
beforeAll(async () => {
  isThere = await hasXmlsec1()
  world = await makeWorld()
}, 120_000)

const ask = (one: HostileCase | BenignCase): Asked => ({
  name: one.name,
  bytes: bytesOf(one.make(world)),
  certificate: ('certificate' in one ? one.certificate?.(world) : undefined) ?? world.signer.certificatePem,
})

/** The names that it accepts, or nothing where it is not installed: then what was not compared is said aloud. */
async function accepted(cases: readonly (HostileCase | BenignCase)[]): Promise<string[] | undefined> {
  if (isThere) return [...(await acceptedByXmlsec1(cases.map(ask)))]
  console.warn(`xmlsec1 is not installed: ${cases.length} documents were not compared with it`)
  return undefined
}
const namesOf = (cases: readonly { name: string }[]) => cases.map(({ name }) => name).sort()

describe('xmlsec1, where it is installed, by the key that we accept', () => {
  it('accepts every benign document', async () => {
    expect((await accepted(BENIGN))?.sort() ?? namesOf(BENIGN)).toEqual(namesOf(BENIGN))
  }, 120_000)

  it('refuses every document that we refuse for its signature or its digest', async () => {
    const refused = HOSTILE.filter(({ check, strictCheck = check }) =>
      /^signature\.(?:value|digest)$/.test(strictCheck),
    )
    expect(refused.length).toBeGreaterThan(80)
    expect((await accepted(refused)) ?? []).toEqual([])
  }, 120_000)

  it('is with the strict verifier where that and xml-crypto differ', async () => {
    const disputed = HOSTILE.filter(({ check }) => check === 'agreement.verdict')
    const strictly = disputed.filter(({ strictCheck }) => strictCheck === 'none')
    expect(strictly.length).toBeGreaterThan(0)
    expect((await accepted(disputed))?.sort() ?? namesOf(strictly)).toEqual(namesOf(strictly))
  })
})
