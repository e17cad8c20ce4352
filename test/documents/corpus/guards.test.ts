import { describe, expect, it } from 'vitest'
import { CHECKS, type CheckId } from '../../../src/documents/checks.ts'
import { HOSTILE } from './hostile/index.ts'

/** What no document can bring about while both verifiers are as they should be, or only by being slow: tested beside them. */
const TESTED_ELSEWHERE: readonly CheckId[] = ['agreement.canonical', 'agreement.values', 'limit.time', 'limit.memory']

describe('the corpus', () => {
  it('holds, for every check, a document that this check refuses', () => {
    const refusing = new Set(HOSTILE.flatMap(({ check, strictCheck }) => [check, strictCheck]))
    const idle = (Object.keys(CHECKS) as CheckId[]).filter((check) => !refusing.has(check))
    expect(idle).toEqual(TESTED_ELSEWHERE)
  })
})
