import { CLIENT_SIGNING } from './algorithms.ts'
import { certificateAuthMethods } from './client-certificate.ts'
import { assuranceMetadata } from './identity-assurance/vocabulary.ts'
import type { IssuerParts } from './issuer.ts'
import { MTLS_ENDPOINTS } from './routes.ts'
import { transformedClaimsMetadata } from './transformed-claims.ts'

/** What discovery tells beyond the engine's own metadata, which it never overrides (OpenID Connect Discovery §3). */
export function toMetadata({ locales, clientCertificates }: IssuerParts): Record<string, unknown> {
  const authMethods = [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    ...certificateAuthMethods(clientCertificates),
  ]
  return {
    claims_parameter_supported: true,
    claim_types_supported: ['normal'],
    prompt_values_supported: ['none', 'login', 'consent'],
    ui_locales_supported: [...locales],
    introspection_endpoint_auth_methods_supported: authMethods,
    introspection_endpoint_auth_signing_alg_values_supported: [...CLIENT_SIGNING],
    revocation_endpoint_auth_methods_supported: [...authMethods, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: [...CLIENT_SIGNING],
    ...assuranceMetadata,
    ...transformedClaimsMetadata,
  }
}

/**
 * Takes from the engine's metadata what is not so here: lists without a member (RFC 8414 §3.2) and, where no certificate
 * reaches us, tokens bound to one; and the response type that is for our own page alone. Adds the other origin for those who show one (RFC 8705 §5).
 */
export function tellTruth(
  metadata: unknown,
  { issuer, clientCertificates, mtlsOrigin }: Pick<IssuerParts, 'issuer' | 'clientCertificates' | 'mtlsOrigin'>,
): void {
  if (!isObject(metadata) || metadata.issuer !== issuer.origin) return
  for (const [name, value] of Object.entries(metadata))
    if (Array.isArray(value) && value.length === 0) delete metadata[name]
  metadata.response_types_supported = ['code']
  if (!clientCertificates) delete metadata.tls_client_certificate_bound_access_tokens
  if (mtlsOrigin)
    metadata.mtls_endpoint_aliases = Object.fromEntries(
      Object.entries(MTLS_ENDPOINTS).map(([name, path]) => [name, new URL(path, mtlsOrigin).href]),
    )
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
