import { errors } from 'oidc-provider'
import type { ClientPolicy } from './clients.ts'
import { CLOCK_TOLERANCE, HOUR } from './lifetimes.ts'

/**
 * How strictly a client is held, by its registration:
 * `standard` PKCE (RFC 9700 §2.1.1) · `fapi2` the FAPI 2.0 Security Profile, with Message Signing where the client signs ·
 * `legacy` as standard, but PKCE may be left out: for certification runs and old apps.
 */
export const SECURITY_PROFILES = ['standard', 'fapi2', 'legacy'] as const
export type SecurityProfile = (typeof SECURITY_PROFILES)[number]

/** Signatures of clients that FAPI 2.0 takes (FAPI 2.0 Security Profile §5.4.1). */
export const FAPI2_ALGORITHMS = ['ES256', 'PS256', 'EdDSA'] as const

interface WithPolicy {
  readonly [key: string]: unknown
}

/** The profile of a client; one registered by an earlier release says `pkceExempt` instead. */
export function profileOf(client: WithPolicy | undefined): SecurityProfile {
  const policy = client?.dwar as (ClientPolicy & { readonly pkceExempt?: boolean }) | undefined
  return policy?.profile ?? (policy?.pkceExempt === true ? 'legacy' : 'standard')
}

export const needsPkce = (client: WithPolicy): boolean => profileOf(client) !== 'legacy'

/** For the engine's own rules, which it has for the profile it knows as `2.0`. */
export const engineProfile = (client: WithPolicy | undefined): '2.0' | undefined =>
  profileOf(client) === 'fapi2' ? '2.0' : undefined

/** FAPI 2.0 binds tokens to their sender and forbids rotation (§5.3.2.1); everybody else's refresh token rotates. */
export const rotatesRefreshTokens = (client: WithPolicy | undefined): boolean => profileOf(client) !== 'fapi2'

/** @throws InvalidClientAuth when the profile of the client does not take this signature */
export function assertAssertionAlgorithm(client: WithPolicy, alg: unknown): void {
  if (profileOf(client) === 'fapi2' && !isFapi2Algorithm(alg))
    throw new errors.InvalidClientAuth('alg must be ES256, PS256 or EdDSA')
}

/** What a request object may call itself (RFC 9101 §10.8); other types are JWTs made for something else. */
const REQUEST_TYPES = [undefined, 'JWT', 'oauth-authz-req+jwt', 'application/oauth-authz-req+jwt']

interface RequestHeader {
  readonly alg?: unknown
  readonly typ?: unknown
  readonly b64?: unknown
}

/**
 * What a signed request must say beyond the engine's own checks of signature, `iss` and `aud`: whose it is, and that it
 * ends within the hour.
 * @param now epoch seconds
 * @throws InvalidRequestObject
 * @see RFC 9101 §4, §10.8; FAPI 2.0 Message Signing §5.3.1
 */
export function assertRequestObject(
  client: WithPolicy & { readonly clientId: string },
  claims: { readonly [name: string]: unknown },
  header: RequestHeader,
  now: number,
): void {
  const fault = faultInRequestObject(client, claims, header, now)
  if (fault) throw new errors.InvalidRequestObject(fault)
}

function faultInRequestObject(
  client: WithPolicy & { readonly clientId: string },
  { client_id: clientId, exp, iat, nbf }: { readonly [name: string]: unknown },
  { alg, typ, b64 }: RequestHeader,
  now: number,
): string | undefined {
  if (!(REQUEST_TYPES as unknown[]).includes(typ)) return 'typ must be oauth-authz-req+jwt'
  if (b64 !== undefined) return 'b64 must not be used' // RFC 7797 §7
  if (clientId !== client.clientId) return 'the Request Object must name the client as client_id'
  if (typeof exp !== 'number') return 'the Request Object must have exp'
  if (exp > now + HOUR + CLOCK_TOLERANCE) return 'exp must be at most an hour ahead'
  if (typeof iat === 'number' && iat > now + CLOCK_TOLERANCE) return 'iat must not be in the future'
  if (profileOf(client) !== 'fapi2') return undefined
  if (!isFapi2Algorithm(alg)) return 'alg must be ES256, PS256 or EdDSA'
  if (typeof nbf !== 'number') return 'the Request Object must have nbf'
  if (nbf < now - HOUR - CLOCK_TOLERANCE) return 'nbf must be at most an hour ago'
  return exp - nbf > HOUR ? 'exp must be at most an hour after nbf' : undefined
}

const isFapi2Algorithm = (alg: unknown): boolean => (FAPI2_ALGORITHMS as readonly unknown[]).includes(alg)
