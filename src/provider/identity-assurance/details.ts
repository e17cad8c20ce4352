import type { VerifiedClaims } from './answer.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { personalDetails } from './vocabulary.ts'

/** What an answer tells of the document that is the person's own: its number and its dates. */
export function detailsToldIn({ verification }: VerifiedClaims): JsonObject {
  const told: JsonObject = {}
  for (const evidence of Array.isArray(verification.evidence) ? verification.evidence : []) {
    const details: Json = (isObject(evidence) && evidence.document_details) || null
    if (isObject(details)) for (const name of personalDetails) if (name in details) told[name] = details[name] ?? null
  }
  return told
}
