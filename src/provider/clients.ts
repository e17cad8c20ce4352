import { z } from 'zod'
import { upstreamOverrides } from '../rails/digilocker/overrides.ts'
import type { Place } from '../vault/vault.ts'
import { CLIENT_SIGNING, CONTENT_ENCRYPTION, ENCRYPTION, SIGNING } from './algorithms.ts'
import { acrValues } from './assurance-levels.ts'
import { claimRows, claimScopes } from './claims.ts'
import { SECURITY_PROFILES } from './profile.ts'
import { resource } from './resources.ts'

/** Bounds for deployments and clients alike. */
export const MAX_REFRESH_IDLE_DAYS = 90
export const MAX_REFRESH_ABSOLUTE_DAYS = 365

/** What we keep about a client beside the protocol's metadata; the engine carries it through as `dwar`. */
export const clientPolicy = z.strictObject({
  /** why the relying app asks, per language; shown on our screens and, narrowed, at DigiLocker */
  purpose: z
    .record(z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/), z.string().min(3).max(200))
    .refine(
      (texts) => /[A-Za-z]{3}/.test(texts.en ?? ''),
      'needs a text in English (`en`): DigiLocker takes Latin letters',
    ),
  /** claims the person may leave out */
  optional: z.array(z.enum(claimRows.map((row) => row.claim))).default([]),
  /** how long the values shared are kept for delivery, in days */
  retentionDays: z.number().int().min(1).max(365).default(30),
  /** how its requests to DigiLocker differ from those of others */
  upstream: upstreamOverrides.optional(),
  /** how strictly it is held: `profile.ts` */
  profile: z.enum(SECURITY_PROFILES).default('standard'),
  /** APIs of its own for which it may ask tokens (RFC 8707) */
  resources: z.array(resource).max(20).default([]),
  /** for how long a refresh whose answer was lost may be repeated (security.md OP-6); 0: a used token ends the family at once */
  graceSeconds: z.number().int().min(0).max(30).default(0),
  /** days until an unused refresh token ends, and until a whole family does; absent: as the deployment says */
  refreshIdleDays: z.number().int().min(1).max(MAX_REFRESH_IDLE_DAYS).optional(),
  refreshAbsoluteDays: z.number().int().min(1).max(MAX_REFRESH_ABSOLUTE_DAYS).optional(),
})

export type ClientPolicy = z.infer<typeof clientPolicy>

const signing = z.enum(SIGNING).optional()
const clientSigning = z.enum(CLIENT_SIGNING).optional()
const encryption = z.enum(ENCRYPTION).optional()
const contentEncryption = z.enum(CONTENT_ENCRYPTION).optional()
const text = z.string().min(1).max(500).optional()

/** What an operator says to register a client; names and meanings are OpenID Connect Registration's and its extensions'. */
export const clientRegistration = z.strictObject({
  client_name: z
    .string()
    .min(1)
    .max(80)
    // Control and direction-override characters could make a name read as another's (security.md OP-16). The two joiners
    // stay: Indian scripts are written with them.
    .regex(/^(?:[^\p{Cc}\p{Cf}\p{Co}\p{Cs}]|[\u200C\u200D])+$/u, 'holds invisible or control characters'),
  application_type: z.enum(['web', 'native']).default('web'),
  redirect_uris: z.array(z.string()).min(1).max(20),
  post_logout_redirect_uris: z.array(z.string()).max(20).default([]),
  scope: z.string().default('openid profile'),
  token_endpoint_auth_method: z
    .enum([
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ])
    .default('client_secret_basic'),
  token_endpoint_auth_signing_alg: clientSigning,
  tls_client_auth_subject_dn: text,
  tls_client_auth_san_dns: text,
  tls_client_auth_san_uri: text,
  tls_client_auth_san_ip: text,
  tls_client_auth_san_email: text,
  tls_client_certificate_bound_access_tokens: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  require_signed_request_object: z.boolean().optional(),
  request_object_signing_alg: clientSigning,
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1) }).optional(),
  id_token_signed_response_alg: signing,
  id_token_encrypted_response_alg: encryption,
  id_token_encrypted_response_enc: contentEncryption,
  userinfo_signed_response_alg: signing,
  userinfo_encrypted_response_alg: encryption,
  userinfo_encrypted_response_enc: contentEncryption,
  authorization_signed_response_alg: signing,
  authorization_encrypted_response_alg: encryption,
  authorization_encrypted_response_enc: contentEncryption,
  introspection_signed_response_alg: signing,
  introspection_encrypted_response_alg: encryption,
  introspection_encrypted_response_enc: contentEncryption,
  backchannel_logout_uri: text,
  backchannel_logout_session_required: z.boolean().optional(),
  initiate_login_uri: text,
  default_max_age: z.number().int().min(0).optional(),
  require_auth_time: z.boolean().optional(),
  subject_type: z.enum(['pairwise', 'public']).default('pairwise'),
  /** levels of assurance wished for where a request names none */
  default_acr_values: z.array(z.enum(acrValues)).min(1).optional(),
  dwar: clientPolicy,
})

export type ClientRegistration = z.infer<typeof clientRegistration>

/** Where a client's secret is sealed: whoever seals it and whoever opens it must name the same place. */
export const clientSecretPlace = (clientId: string): Place => ({
  table: 'client',
  column: 'sealed_secret',
  row: clientId,
})

/** Where the secret before is sealed. */
export const previousSecretPlace = (clientId: string): Place => ({
  table: 'client',
  column: 'sealed_previous_secret',
  row: clientId,
})

/** Scopes a client may be registered for. */
export const registrableScopes: readonly string[] = ['openid', 'offline_access', ...claimScopes]

/**
 * Names what is wrong with a redirect URI, or nothing. Exact strings only, so what is refused here is refused for good
 * (security.md OP-2; RFC 8252 §7).
 * @param allowLoopbackHttp `http://localhost` for web clients: only where the issuer itself is http
 */
export function faultInRedirectUri(
  uri: string,
  applicationType: 'web' | 'native',
  allowLoopbackHttp: boolean,
): string | undefined {
  const url = URL.parse(uri)
  if (!url) return 'is not an absolute URI'
  if (/[\p{Cc}\s\\*]/u.test(uri)) return 'holds a control character, space, backslash or wildcard'
  if (url.hash || uri.includes('#')) return 'has a fragment'
  if (url.username || url.password) return 'has a user or password'
  if (/(^|\/)(\.|%2e){1,2}(\/|\?|$)/i.test(uri.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, ''))) return 'has a dot segment'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:') return faultInHttp(url, applicationType, allowLoopbackHttp)
  if (applicationType === 'web') return 'must be https'
  return /^[a-z][a-z0-9+-]*\.[a-z0-9+.-]+:$/.test(url.protocol)
    ? undefined
    : 'has a private-use scheme without a reverse domain name'
}

function faultInHttp(url: URL, applicationType: 'web' | 'native', allowLoopbackHttp: boolean): string | undefined {
  const loopbackAddress = url.hostname === '127.0.0.1' || url.hostname === '[::1]'
  if (applicationType === 'native') return loopbackAddress ? undefined : 'is http but not a loopback address'
  return allowLoopbackHttp && (loopbackAddress || url.hostname === 'localhost') ? undefined : 'must be https'
}

/** The host that a person should recognise: that of the first redirect URI. */
export function registeredDomain(redirectUris: readonly string[] | undefined): string {
  const url = URL.parse(redirectUris?.[0] ?? '')
  return url?.host || url?.protocol.slice(0, -1) || ''
}

/** The purpose in the person's language, else in English, else in any. */
export function purposeIn(policy: ClientPolicy | undefined, locale: string): string {
  const texts = policy?.purpose ?? {}
  return texts[locale] ?? texts[locale.split('-')[0] ?? ''] ?? texts.en ?? Object.values(texts)[0] ?? ''
}
