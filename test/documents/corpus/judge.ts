import { createPublicKey } from 'node:crypto'
import type { CheckId } from '../../../src/documents/checks.ts'
import { PROFILES } from '../../../src/documents/profiles.ts'
import { secondOpinion } from '../../../src/documents/second-opinion.ts'
import { contentOf, type Trust, verifyDocument } from '../../../src/documents/verify.ts'
import type { XmlElement } from '../../../src/documents/xml.ts'
import { DocumentError, type ErrorCode } from '../../../src/errors.ts'
import type { Circumstances } from './case.ts'
import { NOW, type World } from './world.ts'

/** What came of a document. A refusal without a check is a fault of the verifier, and shows as a missing `check`. */
export type Outcome =
  | { readonly verdict: 'accepted'; readonly content: XmlElement }
  | { readonly verdict: 'refused'; readonly code: ErrorCode | undefined; readonly check: CheckId | undefined }

export interface Question extends Omit<Circumstances, 'trust'> {
  readonly trust: Trust
  readonly crossCheck?: boolean
}

/** The one place where the corpus asks the product. Whatever is thrown is a refusal; what is not ours has no code. */
export async function judge(bytes: Uint8Array, question: Question): Promise<Outcome> {
  const { profile = PROFILES.digilocker, trust, at = NOW, crossCheck = true } = question
  try {
    return { verdict: 'accepted', content: contentOf(await verifyDocument(bytes, { profile, trust, at, crossCheck })) }
  } catch (error) {
    return refused(error)
  }
}

/** What the second verifier alone says, under the key of the usual signer. */
export function judgeAgain(
  bytes: Uint8Array,
  { signer }: { readonly signer: Pick<World['signer'], 'privateKey'> },
  { profile = PROFILES.digilocker }: Circumstances,
): Outcome {
  try {
    return { verdict: 'accepted', content: secondOpinion(bytes, keyOf(signer), profile).content }
  } catch (error) {
    return refused(error)
  }
}

export const bytesOf = (made: Uint8Array | string): Uint8Array =>
  typeof made === 'string' ? Buffer.from(made, 'utf8') : made

const keyOf = ({ privateKey }: Pick<World['signer'], 'privateKey'>) => createPublicKey(privateKey)

function refused(error: unknown): Outcome {
  if (!(error instanceof DocumentError)) return { verdict: 'refused', code: undefined, check: undefined }
  return { verdict: 'refused', code: error.code, check: error.check as CheckId | undefined }
}
