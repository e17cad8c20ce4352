/** Every code that a refusal of ours can carry. Stable: relying apps, logs and the support page quote them. */
export type ErrorCode =
  // rails: the journey to an upstream and back
  | 'RAIL_STATE_MISSING'
  | 'RAIL_STATE_MISMATCH'
  | 'RAIL_STATE_USED'
  | 'RAIL_BROWSER_MISMATCH'
  | 'RAIL_EXPIRED'
  | 'RAIL_DENIED'
  | 'RAIL_LOGGED_OUT'
  | 'RAIL_RESPONSE_INVALID'
  | 'RAIL_CODE_REFUSED'
  | 'RAIL_MISCONFIGURED'
  | 'RAIL_UNAUTHORIZED'
  | 'RAIL_FORBIDDEN'
  | 'RAIL_NOT_FOUND'
  | 'RAIL_AADHAAR_NOT_LINKED'
  | 'RAIL_AADHAAR_NOT_AVAILABLE'
  | 'RAIL_RATE_LIMITED'
  | 'RAIL_UNAVAILABLE'
  | 'RAIL_TIMEOUT'
  // documents: bytes that could not be trusted
  | 'DOC_TOO_LARGE'
  | 'DOC_ENCODING'
  | 'DOC_DOCTYPE'
  | 'DOC_MALFORMED'
  | 'DOC_UNSIGNED'
  | 'DOC_SIGNATURE_SHAPE'
  | 'DOC_ALGORITHM'
  | 'DOC_SIGNER_UNTRUSTED'
  | 'DOC_SIGNER_EXPIRED'
  | 'DOC_SIGNER_REVOKED'
  | 'DOC_CHAIN_INVALID'
  | 'DOC_SIGNATURE_INVALID'
  | 'DOC_DIGEST_MISMATCH'
  | 'DOC_HMAC_MISSING'
  | 'DOC_HMAC_MISMATCH'
  | 'DOC_TYPE_MISMATCH'
  | 'DOC_FIELDS_INVALID'
  | 'DOC_AADHAAR_NUMBER'
  | 'DOC_VERIFIERS_DISAGREE'
  | 'DOC_VERIFIER_LIMIT'
  | 'DOC_VERIFIER_BUSY'
  | 'DOC_VERIFIER_FAILED'
  // our own pages
  | 'INTERACTION_EXPIRED'
  | 'INTERACTION_OUT_OF_ORDER'
  | 'CSRF_REFUSED'
  | 'REQUEST_INVALID'
  | 'REDIRECT_URI_MISMATCH'
  | 'REQUEST_TOO_LARGE'
  | 'HOST_UNKNOWN'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'RATE_LIMITED'
  | 'CONSENT_NOTHING_TO_SHARE'
  | 'ACR_UNMET'
  | 'ACCOUNT_MISMATCH'
  | 'ACCOUNT_UNKNOWN'
  // things behind us
  | 'STORE_UNAVAILABLE'
  | 'STORE_LOCKED'
  | 'STORE_INPUT_REFUSED'
  | 'VAULT_KEY_UNKNOWN'
  | 'VAULT_SEAL_BROKEN'
  | 'KEY_HOLDER_UNAVAILABLE'
  | 'CONFIG_INVALID'
  | 'CLIENT_INVALID'
  | 'CLIENT_UNKNOWN'
  | 'PORT_IN_USE'
  | 'UNEXPECTED'

/**
 * A refusal with a stable code. The message is for logs: it names the rule and holds no personal data, token or code.
 * What people and relying apps are told stands in `web/refusals.ts`.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

export class RailError extends AppError {}
export class DocumentError extends AppError {
  /** the named check that refused, where a verification has one (`src/documents/checks.ts`) */
  readonly check: string | undefined
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; check?: string }) {
    super(code, message, options)
    this.check = options?.check
  }
}
export class StoreError extends AppError {}
export class VaultError extends AppError {}
export class KeyError extends AppError {}
export class WebError extends AppError {}
export class AdminError extends AppError {}
