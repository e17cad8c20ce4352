import { expect } from 'vitest'
import { CHECKS, type CheckId } from '../../../src/documents/checks.ts'

/** A refusal by exactly this check, under the code that the check has. */
export const refusedBy = (check: CheckId): unknown =>
  expect.objectContaining({ name: 'DocumentError', check, code: CHECKS[check].code })
