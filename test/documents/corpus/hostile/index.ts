import type { HostileCase } from '../case.ts'
import { algorithmCases } from './algorithms.ts'
import { contentCases } from './content.ts'
import { doctypeCases } from './doctype.ts'
import { encodingCases } from './encoding.ts'
import { limitCases } from './limits.ts'
import { namespaceCases } from './namespaces.ts'
import { shapeCases } from './shape.ts'
import { signerCases } from './signers.ts'
import { wellFormedCases } from './well-formed.ts'
import { wrappingCases } from './wrapping.ts'

export const HOSTILE: readonly HostileCase[] = [
  ...encodingCases,
  ...doctypeCases,
  ...wellFormedCases,
  ...namespaceCases,
  ...limitCases,
  ...shapeCases,
  ...wrappingCases,
  ...algorithmCases,
  ...signerCases,
  ...contentCases,
]
