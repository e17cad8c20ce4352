import { claimRows } from '../claims.ts'

/** The names that we speak in `verified_claims`: what is emitted and what is advertised are both made of these. */

/** Our trust framework: documents served by DigiLocker whose XML signature, signer and digest we verified. */
export const TRUST_FRAMEWORK = 'in_digilocker'

export const EVIDENCE_TYPE = 'document'

/** The document's own digital signature was verified (OpenID Identity Assurance, predefined check methods). */
export const CHECK_METHOD = 'vcrypt'

/** `document_details.type` of each doctype, in the order we prefer them as evidence. */
export const documentTypes: Readonly<Record<string, string>> = {
  ADHAR: 'idcard',
  DRVLC: 'driving_permit',
  PANCR: 'pan_card',
}

/** Everything that a document proves, in the order of the table of claims. */
export const claimsInVerifiedClaims: readonly string[] = claimRows.filter((row) => row.proven).map((row) => row.claim)

/** What stands in `document_details` about the person rather than about the kind of document: she is asked for each. */
export const personalDetails = ['document_number', 'date_of_issuance', 'date_of_expiry'] as const

/** @see OpenID Connect for Identity Assurance 1.0 §8 */
export const assuranceMetadata = {
  verified_claims_supported: true,
  trust_frameworks_supported: [TRUST_FRAMEWORK],
  evidence_supported: [EVIDENCE_TYPE],
  documents_supported: Object.values(documentTypes),
  documents_check_methods_supported: [CHECK_METHOD],
  claims_in_verified_claims_supported: [...claimsInVerifiedClaims],
}
