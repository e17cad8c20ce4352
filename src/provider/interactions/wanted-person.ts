import { decodeJwt } from 'jose'
import type { KeyedHasher } from '../../vault/keyed-hash.ts'
import { createPairwise } from '../pairwise.ts'

/** Whom a request is about, where it says so. */
export interface WantedPerson {
  /** as the app knows her; of more than one, all must be hers */
  readonly subjects: readonly string[]
  /** what subjects at this app are made with; undefined where they are the accounts' own ids */
  readonly sector: string | undefined
}

/**
 * Reads from an accepted request whom it is about: the person of its `id_token_hint`, and the `sub` that it asks for by
 * value. The engine looks at the hint when the request comes, and not again when somebody has signed in.
 * @param claimsParameter JSON text, already checked
 * @param hint an ID token of ours, already verified
 * @see OpenID Connect Core §3.1.2.1, §3.1.2.2
 */
export function wantedSubjects(claimsParameter: string | undefined, hint: string | undefined): string[] {
  const asked = claimsParameter
    ? (JSON.parse(claimsParameter) as { id_token?: { sub?: { value?: unknown } | null } | null })
    : {}
  const named = [asked.id_token?.sub?.value, hint && decodeJwt(hint).sub]
  return named.filter((subject): subject is string => typeof subject === 'string')
}

export function isWanted({ subjects, sector }: WantedPerson, accountId: string, hash: KeyedHasher): boolean {
  const subject = sector === undefined ? accountId : createPairwise(hash)(sector, accountId)
  return subjects.every((wanted) => wanted === subject)
}
