import { type ErrorCode, RailError } from '../../errors.ts'

/** OAuth and DigiLocker errors that a redirect may carry (RFC 6749 §4.1.2.1; digilocker-api.md §4.1). */
const ERRORS: Readonly<Record<string, ErrorCode>> = {
  access_denied: 'RAIL_DENIED',
  user_loggedout: 'RAIL_LOGGED_OUT',
  server_error: 'RAIL_UNAVAILABLE',
  temporarily_unavailable: 'RAIL_UNAVAILABLE',
  invalid_request: 'RAIL_MISCONFIGURED',
  invalid_scope: 'RAIL_MISCONFIGURED',
  invalid_scope_avs: 'RAIL_MISCONFIGURED',
  invalid_client: 'RAIL_MISCONFIGURED',
  invalid_client_id: 'RAIL_MISCONFIGURED',
  redirect_uri_mismatch: 'RAIL_MISCONFIGURED',
  unauthorized_client: 'RAIL_MISCONFIGURED',
  unsupported_response_type: 'RAIL_MISCONFIGURED',
}

/**
 * Reads the authorization code from DigiLocker's redirect back to us. The caller has matched `state` already.
 * What the upstream wrote is never repeated: it can be forged by whoever makes the browser's address.
 * @param issuers who may call itself `iss`, if the redirect names one (RFC 9207 §2.4)
 * @returns the one-time `code`, good for a single token request
 * @throws RailError RAIL_DENIED, RAIL_LOGGED_OUT, RAIL_MISCONFIGURED, RAIL_UNAVAILABLE, RAIL_RESPONSE_INVALID
 * @see RFC 6749 §4.1.2, §4.1.2.1 and §3.1 (a parameter comes once); digilocker-api.md §4.1
 */
export function readCallback(query: URLSearchParams, issuers: readonly string[]): string {
  const names = [...query.keys()]
  if (new Set(names).size !== names.length) throw invalid('a parameter comes twice')
  const issuer = query.get('iss')
  if (issuer !== null && !issuers.includes(issuer)) throw invalid('iss is not the upstream')
  const error = query.get('error')
  const code = query.get('code')
  if (error !== null && code !== null) throw invalid('both code and error')
  if (error !== null) throw refused(error)
  if (code === null || !/^[\x21-\x7e]{1,1024}$/.test(code)) throw invalid('no usable code')
  return code
}

function refused(error: string): RailError {
  const code = Object.hasOwn(ERRORS, error) ? ERRORS[error] : undefined
  return code ? new RailError(code, `callback: ${error}`) : invalid('an error we do not know')
}

const invalid = (rule: string): RailError => new RailError('RAIL_RESPONSE_INVALID', `callback: ${rule}`)
