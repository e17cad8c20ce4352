import type { IssuerParts } from './issuer.ts'
import { claimsInVerifiedClaims, documentTypes, TRUST_FRAMEWORK } from './verified-claims.ts'

/** What discovery tells beyond the engine's own metadata, which it never overrides (OpenID Connect Discovery §3). */
export function toMetadata({ locales }: IssuerParts): Record<string, unknown> {
  return {
    claims_parameter_supported: true,
    ui_locales_supported: [...locales],
    verified_claims_supported: true,
    trust_frameworks_supported: [TRUST_FRAMEWORK],
    claims_in_verified_claims_supported: [...claimsInVerifiedClaims],
    evidence_supported: ['document'],
    documents_supported: Object.values(documentTypes),
    documents_check_methods_supported: ['vcrypt'],
  }
}
