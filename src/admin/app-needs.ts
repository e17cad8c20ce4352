import { claimRows } from '../provider/claims.ts'
import { type ClientPolicy, purposeIn } from '../provider/clients.ts'
import type { ClientView } from './clients.ts'

/** What a registered app wants of the upstream, for whoever compares that with what the upstream gives. */
export interface AppNeeds {
  readonly id: string
  /** as registered, before an upstream's characters are kept to; empty when there is none */
  readonly purpose: string
  /** claims it may ask for that come from documents alone, each with the doctypes that can answer it */
  readonly claims: readonly { readonly scope: string; readonly claim: string; readonly anyOf: readonly string[] }[]
}

export function toAppNeeds({ client_id: id, metadata }: ClientView): AppNeeds {
  const scopes = String(metadata.scope ?? '').split(' ')
  return {
    id,
    purpose: purposeIn(metadata.dwar as ClientPolicy | undefined, 'en'),
    claims: claimRows.flatMap(({ scope, claim, anyOf, fromAccount }) =>
      scope !== undefined && scopes.includes(scope) && anyOf.length > 0 && !fromAccount
        ? [{ scope, claim, anyOf }]
        : [],
    ),
  }
}
