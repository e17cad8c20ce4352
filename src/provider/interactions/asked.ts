import type { DocumentNeed, DocumentOutcome, UpstreamOverrides } from '../../rails/rail.ts'
import { acrNeeds, isAcrGoodEnough, reachedAcr, readAcrRequest } from '../assurance-levels.ts'
import { type ClaimsRequest, documentNeeds, readClaimsRequest } from '../request.ts'
import type { WantedPerson } from './wanted-person.ts'

/** An interaction of the engine, reduced to what the story needs. Holds no HTTP. */
export interface AskedInteraction {
  readonly uid: string
  readonly clientId: string
  readonly scopes: readonly string[]
  /** APIs of the client's own that it wants tokens for (RFC 8707) */
  readonly resources: readonly string[]
  /** JSON text of the `claims` parameter */
  readonly claims: string | undefined
  /** the `acr_values` parameter, or the client's default */
  readonly acrValues: string | undefined
  /** claims the client registered as dispensable */
  readonly optional: readonly string[]
  /** why the client asks, in the language shown */
  readonly purpose: string
  /** the same in English: DigiLocker shows it too and takes Latin letters only (digilocker-api.md §4) */
  readonly purposeInEnglish: string
  readonly retentionDays: number
  /** the relying app asked for a new sign-in at the upstream (`prompt=login`, `max_age`) */
  readonly freshLogin: boolean
  /** who must come, where the request says so */
  readonly wanted?: WantedPerson | undefined
  /** how the client's requests to the upstream differ from those of others */
  readonly upstream?: UpstreamOverrides | undefined
}

export const requestOf = ({ scopes, claims, optional }: AskedInteraction): ClaimsRequest =>
  readClaimsRequest(scopes, claims, optional)

export const acrOf = ({ acrValues, claims }: Pick<AskedInteraction, 'acrValues' | 'claims'>) =>
  readAcrRequest(acrValues, claims)

/** Whether these documents prove as much as the relying app insists on. */
export function isAssured(interaction: AskedInteraction, documents: readonly DocumentOutcome[]): boolean {
  const asked = acrOf(interaction)
  return isAcrGoodEnough(reachedAcr(documents, asked), asked)
}

/** The documents to fetch: for the claims, and for the level of assurance where it takes more. */
export const needsOf = (interaction: AskedInteraction): DocumentNeed[] =>
  documentNeeds(requestOf(interaction), acrNeeds(acrOf(interaction)))
