import { samePerson } from '../documents/answers/same-person.ts'
import type { DocumentNeed, DocumentOutcome } from '../rails/rail.ts'

/**
 * The ladder of `acr`: how surely this login tells who came (OpenID Connect Core §2). Every rung stands on a sign-in at
 * DigiLocker; what it adds is documents whose signature, signer and digest were verified during this login.
 */
export interface AssuranceLevel {
  readonly acr: string
  /** what is true of every login of this level too; two documents need not be an e-Aadhaar among others */
  readonly implies: readonly string[]
  /** documents that a login of this level asks for */
  readonly needs: readonly DocumentNeed[]
  readonly isMet: (verified: readonly Verified[]) => boolean
}

type Verified = DocumentOutcome & { kind: 'verified' }

const IDENTITY = ['ADHAR', 'PANCR', 'DRVLC']

/** The highest first: unasked, a login tells the first that it meets. */
export const assuranceLevels: readonly AssuranceLevel[] = [
  {
    acr: 'urn:dwar:acr:two-documents',
    implies: ['urn:dwar:acr:document', 'urn:dwar:acr:account'],
    // whoever has any two of the three comes to two
    needs: [{ anyOf: ['ADHAR', 'DRVLC'] }, { anyOf: ['PANCR', 'DRVLC'] }],
    isMet: (verified) =>
      verified.some((one, index) =>
        verified
          .slice(index + 1)
          .some((other) => other.doctype !== one.doctype && samePerson(one.fields, other.fields).answer === 'yes'),
      ),
  },
  {
    acr: 'urn:dwar:acr:aadhaar',
    implies: ['urn:dwar:acr:document', 'urn:dwar:acr:account'],
    needs: [{ anyOf: ['ADHAR'] }],
    isMet: (verified) => verified.some(({ doctype }) => doctype === 'ADHAR'),
  },
  {
    acr: 'urn:dwar:acr:document',
    implies: ['urn:dwar:acr:account'],
    needs: [{ anyOf: IDENTITY }],
    isMet: (verified) => verified.length > 0,
  },
  { acr: 'urn:dwar:acr:account', implies: [], needs: [], isMet: () => true },
]

export const acrValues: readonly string[] = assuranceLevels.map(({ acr }) => acr)

/** What a relying app says about `acr`, best first. */
export interface AcrRequest {
  readonly values: readonly string[]
  /** nothing less will do (OpenID Connect Core §5.5.1.1) */
  readonly essential: boolean
}

/**
 * Reads `acr` from an accepted request. An essential claim goes before `acr_values`, which is a wish; the engine would
 * let the wish, even one that only the registration has (`default_acr_values`), take the place of the claim.
 */
export function readAcrRequest(acrParameter: string | undefined, claimsParameter: string | undefined): AcrRequest {
  const asked = claimsParameter ? (JSON.parse(claimsParameter) as { id_token?: { acr?: unknown } }) : {}
  const claim = (asked.id_token?.acr ?? {}) as { essential?: unknown; value?: unknown; values?: unknown }
  const claimed = claimedValues(claim)
  if (claim.essential === true && claimed) return { values: claimed, essential: true }
  const wished = (acrParameter ?? '').split(' ').filter(Boolean)
  return { values: wished.length > 0 ? wished : (claimed ?? []), essential: false }
}

/** What the claim is limited to, by `value` and `values` both where both are there; undefined when by neither. */
function claimedValues(claim: { readonly value?: unknown; readonly values?: unknown }): string[] | undefined {
  if (claim.value === undefined && claim.values === undefined) return undefined
  const listed = claim.values === undefined ? [claim.value] : [claim.values].flat()
  return listed
    .filter((value): value is string => typeof value === 'string')
    .filter((value) => claim.value === undefined || value === claim.value)
}

/** Documents for the level that is wanted most, of those there are. */
export function acrNeeds({ values }: AcrRequest): readonly DocumentNeed[] {
  const wanted = values.map(findLevel).find((level) => level !== undefined)
  return wanted?.needs ?? []
}

/** The wanted level that these documents reach, else the highest they reach. */
export function reachedAcr(documents: readonly DocumentOutcome[], { values }: AcrRequest): string {
  const verified = documents.filter((document): document is Verified => document.kind === 'verified')
  const reached = assuranceLevels.filter(({ isMet }) => isMet(verified)).map(({ acr }) => acr)
  return values.find((value) => reached.includes(value)) ?? reached[0] ?? LOWEST
}

/** What a session of this level tells to this request: the level wanted most that is true of it, else its own. */
export function toldAcr(acr: string | undefined, { values }: AcrRequest): string | undefined {
  const level = acr === undefined ? undefined : findLevel(acr)
  const holds = level ? [level.acr, ...level.implies] : []
  return values.find((value) => holds.includes(value)) ?? acr
}

/** Whether a login of this level is what the relying app insists on. */
export const isAcrGoodEnough = (acr: string | undefined, { values, essential }: AcrRequest): boolean =>
  !essential || (acr !== undefined && values.includes(acr))

const LOWEST = 'urn:dwar:acr:account'

const findLevel = (value: string): AssuranceLevel | undefined => assuranceLevels.find(({ acr }) => acr === value)
