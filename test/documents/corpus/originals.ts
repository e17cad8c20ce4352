import { BENIGN } from './benign.ts'
import { contentOf } from './content.ts'
import { bytesOf, judge, type Outcome, type Question } from './judge.ts'
import type { World } from './world.ts'

/** Bigger ones only slow the mutations down. */
const MOST_BYTES = 40_000

/** A valid document to mutate, how it is judged, and what it says. */
export interface Original {
  readonly name: string
  readonly bytes: Uint8Array
  readonly question: Question
  /** {@link contentOf} as text */
  readonly content: string
}

/** All benign documents of the corpus that are signed by the usual signer, in their many ways of being written. */
export async function makeOriginals(world: World): Promise<Original[]> {
  const usual = BENIGN.filter(({ certificate }) => certificate === undefined)
  const originals = await Promise.all(
    usual.map(async ({ name, make, trust, ...circumstances }): Promise<Original> => {
      const bytes = bytesOf(make(world))
      const question = { ...circumstances, trust: trust?.(world) ?? world.trust }
      const outcome = await judge(bytes, { ...question, crossCheck: false })
      return { name, bytes, question, content: textOf(outcome) }
    }),
  )
  return originals.filter(({ bytes }) => bytes.length <= MOST_BYTES)
}

export type Fault = 'accepted with other content' | 'refused without a check'

/** What must never come of a mutant. */
export function faultOf(outcome: Outcome, { content }: Original): Fault | undefined {
  if (outcome.verdict === 'refused') return outcome.check === undefined ? 'refused without a check' : undefined
  return textOf(outcome) === content ? undefined : 'accepted with other content'
}

function textOf(outcome: Outcome): string {
  if (outcome.verdict === 'refused') throw new Error(`a valid document was refused by ${outcome.check}`)
  return JSON.stringify(contentOf(outcome.content))
}
