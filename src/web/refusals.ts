import { AppError, type ErrorCode } from '../errors.ts'
import type { LanguageLink, Translator } from './i18n.ts'
import type { RefusalPage } from './pages/refusal.ts'

export interface Refusal {
  /** of the page; the app is told by redirect or by its own call's error */
  readonly status: 400 | 403 | 404 | 405 | 409 | 413 | 421 | 422 | 429 | 500 | 502 | 503 | 504
  /** what the app receives (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, Unmet Authentication Requirements 1.0) */
  readonly oauth:
    | 'access_denied'
    | 'server_error'
    | 'temporarily_unavailable'
    | 'invalid_request'
    | 'login_required'
    | 'unmet_authentication_requirements'
  /** whether the same person may do better by trying once more */
  readonly retry: boolean
  /** the page will be there in a moment: nobody is sent away from it */
  readonly stay?: true
  /** whose move it is: the operator is alarmed for the second kind only */
  readonly severity: 'user' | 'operator'
}

/** A document that cannot be trusted will be no better a minute later, and somebody must look at it. */
const untrusted = { status: 422, oauth: 'access_denied', retry: false, severity: 'operator' } as const
/** The way to DigiLocker and back got crossed; beginning anew sets it right. */
const crossed = { status: 400, oauth: 'access_denied', retry: true, severity: 'user' } as const
const upstreamFault = { status: 502, oauth: 'server_error', retry: true, severity: 'operator' } as const
const busy = { status: 503, oauth: 'temporarily_unavailable', retry: true, severity: 'operator' } as const
const ourFault = { status: 500, oauth: 'server_error', retry: false, severity: 'operator' } as const
const badRequest = { status: 400, oauth: 'invalid_request', retry: false, severity: 'user' } as const

/** What every refusal means outside: one row per code. Its sentences are `refusal.<CODE>.*` of each locale. */
export const refusals = {
  RAIL_STATE_MISSING: crossed,
  RAIL_STATE_MISMATCH: crossed,
  RAIL_STATE_USED: crossed,
  RAIL_BROWSER_MISMATCH: { ...crossed, status: 403 },
  RAIL_EXPIRED: crossed,
  RAIL_DENIED: { ...crossed, status: 403 },
  RAIL_LOGGED_OUT: { status: 403, oauth: 'login_required', retry: true, severity: 'user' },
  RAIL_RESPONSE_INVALID: upstreamFault,
  RAIL_CODE_REFUSED: upstreamFault,
  RAIL_MISCONFIGURED: ourFault,
  RAIL_UNAUTHORIZED: upstreamFault,
  RAIL_FORBIDDEN: { ...crossed, status: 403 },
  RAIL_NOT_FOUND: { status: 422, oauth: 'access_denied', retry: true, severity: 'user' },
  RAIL_AADHAAR_NOT_LINKED: { status: 422, oauth: 'access_denied', retry: true, severity: 'user' },
  RAIL_AADHAAR_NOT_AVAILABLE: { status: 422, oauth: 'access_denied', retry: true, severity: 'user' },
  RAIL_RATE_LIMITED: busy,
  RAIL_UNAVAILABLE: busy,
  RAIL_TIMEOUT: { ...busy, status: 504 },
  DOC_TOO_LARGE: untrusted,
  DOC_ENCODING: untrusted,
  DOC_DOCTYPE: untrusted,
  DOC_MALFORMED: untrusted,
  DOC_UNSIGNED: untrusted,
  DOC_SIGNATURE_SHAPE: untrusted,
  DOC_ALGORITHM: untrusted,
  DOC_SIGNER_UNTRUSTED: untrusted,
  DOC_SIGNER_EXPIRED: untrusted,
  DOC_SIGNER_REVOKED: untrusted,
  DOC_CHAIN_INVALID: untrusted,
  DOC_SIGNATURE_INVALID: untrusted,
  DOC_DIGEST_MISMATCH: untrusted,
  DOC_HMAC_MISSING: untrusted,
  DOC_HMAC_MISMATCH: untrusted,
  DOC_TYPE_MISMATCH: untrusted,
  DOC_FIELDS_INVALID: untrusted,
  DOC_AADHAAR_NUMBER: untrusted,
  DOC_VERIFIERS_DISAGREE: untrusted,
  DOC_VERIFIER_LIMIT: untrusted,
  DOC_VERIFIER_BUSY: busy,
  DOC_VERIFIER_FAILED: untrusted,
  INTERACTION_EXPIRED: { status: 400, oauth: 'access_denied', retry: false, severity: 'user' },
  INTERACTION_OUT_OF_ORDER: { status: 409, oauth: 'access_denied', retry: true, severity: 'user' },
  CSRF_REFUSED: { status: 403, oauth: 'access_denied', retry: true, severity: 'user' },
  REQUEST_INVALID: badRequest,
  REDIRECT_URI_MISMATCH: badRequest,
  REQUEST_TOO_LARGE: { ...badRequest, status: 413 },
  HOST_UNKNOWN: { ...badRequest, status: 421 },
  NOT_FOUND: { ...badRequest, status: 404 },
  METHOD_NOT_ALLOWED: { ...badRequest, status: 405 },
  RATE_LIMITED: { status: 429, oauth: 'temporarily_unavailable', retry: true, stay: true, severity: 'user' },
  CONSENT_NOTHING_TO_SHARE: { status: 422, oauth: 'access_denied', retry: true, severity: 'user' },
  ACCOUNT_MISMATCH: { status: 403, oauth: 'login_required', retry: true, severity: 'user' },
  ACCOUNT_UNKNOWN: { status: 404, oauth: 'access_denied', retry: true, severity: 'user' },
  ACR_UNMET: { status: 422, oauth: 'unmet_authentication_requirements', retry: true, severity: 'user' },
  STORE_UNAVAILABLE: busy,
  STORE_LOCKED: busy,
  STORE_INPUT_REFUSED: badRequest,
  VAULT_KEY_UNKNOWN: ourFault,
  VAULT_SEAL_BROKEN: ourFault,
  KEY_HOLDER_UNAVAILABLE: busy,
  CONFIG_INVALID: ourFault,
  CLIENT_INVALID: { ...badRequest, severity: 'operator' },
  CLIENT_UNKNOWN: badRequest,
  PORT_IN_USE: ourFault,
  UNEXPECTED: { ...ourFault, retry: true },
} satisfies Record<ErrorCode, Refusal>

/** The code of an error of ours; anything else is `UNEXPECTED`. */
export function toErrorCode(error: unknown): ErrorCode {
  return error instanceof AppError ? error.code : 'UNEXPECTED'
}

export interface RefusalOptions {
  readonly words: Translator
  readonly languages: readonly LanguageLink[]
  readonly clientName?: string | undefined
  /** where trying again posts to; left out of the page when the code says that it would not help */
  readonly retryAction?: string | undefined
  readonly returnAction?: string | undefined
  readonly csrf?: string | undefined
}

/**
 * The page for a refusal.
 * @param incidentId found again in our log and history; means nothing to anyone else
 */
export function refusalPage(code: ErrorCode, incidentId: string, options: RefusalOptions): RefusalPage {
  const { words, languages, clientName, retryAction, returnAction, csrf } = options
  const { retry, stay }: Refusal = refusals[code]
  return {
    title: words.t(`refusal.${code}.title`),
    happened: words.t(`refusal.${code}.happened`),
    next: words.t(`refusal.${code}.next`),
    code,
    incidentId,
    clientName,
    retryAction: retry ? retryAction : undefined,
    returnAction,
    goBack: !returnAction && !stay,
    csrf,
    languages,
  }
}
