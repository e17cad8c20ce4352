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

/** The same answer without some of these. */
export function withoutDetails(answer: VerifiedClaims, without: (name: string) => boolean): VerifiedClaims {
  const { evidence } = answer.verification
  if (!Array.isArray(evidence)) return answer
  const told = new Set<string>(personalDetails)
  const kept = evidence.map((one) => {
    if (!isObject(one) || !isObject(one.document_details)) return one
    const details = Object.entries(one.document_details).filter(([name]) => !told.has(name) || !without(name))
    return { ...one, document_details: Object.fromEntries(details) }
  })
  return { ...answer, verification: { ...answer.verification, evidence: kept } }
}
