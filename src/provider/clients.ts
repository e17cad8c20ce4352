import { z } from 'zod'
import type { Place } from '../vault/vault.ts'
import { claimRows, claimScopes } from './claims.ts'

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
  /** PKCE is required of every client but those exempted by name (security.md OP-1) */
  pkceExempt: z.boolean().default(false),
})

export type ClientPolicy = z.infer<typeof clientPolicy>

/** What an operator says to register a client. */
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
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .default('client_secret_basic'),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1) }).optional(),
  id_token_signed_response_alg: z.enum(['RS256', 'ES256', 'EdDSA']).default('RS256'),
  subject_type: z.enum(['pairwise', 'public']).default('pairwise'),
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
