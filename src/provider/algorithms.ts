import type { Configuration } from 'oidc-provider'

/** What we sign with: one key of each in the key ring. */
export const SIGNING = ['RS256', 'ES256', 'EdDSA'] as const
/** What clients may sign assertions and requests with. Asymmetric only: a shared secret proves nothing to a third party. */
export const CLIENT_SIGNING = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
/** Proofs of possession are young enough to leave RSASSA-PKCS1 behind (RFC 9449 §4.2). */
const DPOP_SIGNING = ['ES256', 'PS256', 'EdDSA', 'Ed25519'] as const
/** To the client's own public key, never under its secret (RFC 7518 §4, §5). */
export const ENCRYPTION = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A256KW'] as const
export const CONTENT_ENCRYPTION = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'] as const

/** Every list of algorithms that the engine knows, so that none is left at its default. */
export const enabledAlgorithms: NonNullable<Configuration['enabledJWA']> = {
  idTokenSigningAlgValues: [...SIGNING],
  userinfoSigningAlgValues: [...SIGNING],
  introspectionSigningAlgValues: [...SIGNING],
  authorizationSigningAlgValues: [...SIGNING],
  clientAuthSigningAlgValues: [...CLIENT_SIGNING],
  requestObjectSigningAlgValues: [...CLIENT_SIGNING],
  dPoPSigningAlgValues: [...DPOP_SIGNING],
  idTokenEncryptionAlgValues: [...ENCRYPTION],
  idTokenEncryptionEncValues: [...CONTENT_ENCRYPTION],
  userinfoEncryptionAlgValues: [...ENCRYPTION],
  userinfoEncryptionEncValues: [...CONTENT_ENCRYPTION],
  introspectionEncryptionAlgValues: [...ENCRYPTION],
  introspectionEncryptionEncValues: [...CONTENT_ENCRYPTION],
  authorizationEncryptionAlgValues: [...ENCRYPTION],
  authorizationEncryptionEncValues: [...CONTENT_ENCRYPTION],
  // We publish no key to encrypt to: what a request object says travels in TLS, and in a pushed request seen by nobody.
  requestObjectEncryptionAlgValues: [],
  requestObjectEncryptionEncValues: [],
}
