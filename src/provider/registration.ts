import { type AsymmetricKeyDetails, createPublicKey } from 'node:crypto'
import { type ClientRegistration, faultInRedirectUri, registrableScopes } from './clients.ts'
import { faultInCalledUri } from './outgoing.ts'
import { FAPI2_ALGORITHMS } from './profile.ts'
import { faultInResource } from './resources.ts'

/** What registrations are judged by. */
export interface RegistrationTerms {
  readonly issuer: URL
  /** methods by certificate that this issuer can serve */
  readonly certificateMethods: readonly string[]
}

/** What follows from the profile where the registration does not say. */
export function withDefaults(registration: ClientRegistration): ClientRegistration {
  if (registration.dwar.profile !== 'fapi2')
    return { ...registration, id_token_signed_response_alg: registration.id_token_signed_response_alg ?? 'RS256' }
  const alg = registration.id_token_signed_response_alg ?? 'ES256'
  return {
    ...registration,
    id_token_signed_response_alg: alg,
    authorization_signed_response_alg: registration.authorization_signed_response_alg ?? alg,
    introspection_signed_response_alg: registration.introspection_signed_response_alg ?? alg,
    require_pushed_authorization_requests: true,
  }
}

/** What is allowed and should not stay so, in plain sentences for the operator. */
export function warningsOf({ dwar }: ClientRegistration): string[] {
  return dwar.profile === 'legacy'
    ? [
        'This client may sign people in without PKCE, so whoever steals an authorization code can use it. Keep "legacy" for certification runs and old apps, and move them to "standard" when you can.',
      ]
    : []
}

/** Names every fault at once, one sentence each; empty when the client may be registered. */
export function faultsInRegistration(registration: ClientRegistration, terms: RegistrationTerms): string[] {
  return [
    ...addressFaults(registration, terms.issuer.protocol === 'http:'),
    ...scopeFaults(registration),
    ...resourceFaults(registration),
    ...authenticationFaults(registration, terms),
    ...keyFaults(registration),
    ...encryptionFaults(registration),
    ...graceFaults(registration),
    ...(registration.dwar.profile === 'fapi2' ? fapi2Faults(registration) : []),
  ]
}

function addressFaults(registration: ClientRegistration, allowLoopbackHttp: boolean): string[] {
  const faults: string[] = []
  for (const uri of [...registration.redirect_uris, ...registration.post_logout_redirect_uris]) {
    const fault = faultInRedirectUri(uri, registration.application_type, allowLoopbackHttp)
    if (fault) faults.push(`redirect URI ${uri} ${fault}`)
  }
  const hosts = new Set(registration.redirect_uris.map((uri) => URL.parse(uri)?.host))
  if (registration.subject_type === 'pairwise' && hosts.size > 1)
    faults.push('redirect URIs are on several hosts: register a client for each, or subject_type public')
  const logout = registration.backchannel_logout_uri
  if (logout !== undefined) {
    const fault =
      faultInRedirectUri(logout, 'web', allowLoopbackHttp) ?? (allowLoopbackHttp ? undefined : faultInCalledUri(logout))
    if (fault) faults.push(`backchannel_logout_uri ${fault}`)
  }
  if (registration.backchannel_logout_session_required && logout === undefined)
    faults.push('backchannel_logout_session_required needs backchannel_logout_uri')
  const initiate = registration.initiate_login_uri
  if (initiate !== undefined) {
    // OpenID Connect Core §4: https, and no exception for a developer's machine.
    const fault = faultInRedirectUri(initiate, 'web', false)
    if (fault) faults.push(`initiate_login_uri ${fault}`)
  }
  return faults
}

function scopeFaults({ scope }: ClientRegistration): string[] {
  const asked = scope.split(' ')
  const faults = asked.filter((name) => !registrableScopes.includes(name)).map((name) => `scope ${name} does not exist`)
  return asked.includes('openid') ? faults : [...faults, 'scope must include openid']
}

/** Whoever holds a copy of a refresh token must need more than the copy to be given its successor (security.md OP-6). */
function graceFaults(registration: ClientRegistration): string[] {
  if (registration.dwar.graceSeconds === 0) return []
  if (registration.dwar.profile === 'fapi2')
    return ['graceSeconds is of no use to fapi2: its refresh tokens stay the same']
  const bound = registration.dpop_bound_access_tokens || registration.tls_client_certificate_bound_access_tokens
  return registration.token_endpoint_auth_method === 'none' && !bound
    ? ['graceSeconds needs a client that authenticates, or one whose tokens are bound to its key']
    : []
}

function resourceFaults({ dwar }: ClientRegistration): string[] {
  const faults: string[] = []
  for (const { identifier, scopes } of dwar.resources) {
    const fault = faultInResource(identifier)
    if (fault) faults.push(`resource ${identifier} ${fault}`)
    for (const name of scopes)
      if (registrableScopes.includes(name)) faults.push(`resource ${identifier}: scope ${name} is the issuer’s own`)
  }
  const names = dwar.resources.map(({ identifier }) => identifier)
  return new Set(names).size === names.length ? faults : [...faults, 'a resource is registered twice']
}

const SUBJECTS = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const

function authenticationFaults(registration: ClientRegistration, { certificateMethods }: RegistrationTerms): string[] {
  const method = registration.token_endpoint_auth_method
  const faults: string[] = []
  const subjects = SUBJECTS.filter((name) => registration[name] !== undefined)
  if (method.includes('tls_client_auth') && !certificateMethods.includes(method))
    faults.push(`${method} is not available: this issuer is not told of client certificates that way`)
  if (method === 'tls_client_auth' && subjects.length !== 1)
    faults.push('tls_client_auth needs exactly one of tls_client_auth_subject_dn and tls_client_auth_san_*')
  if (method !== 'tls_client_auth' && subjects.length > 0)
    faults.push(`${subjects.join(', ')} belongs to tls_client_auth only`)
  if (['private_key_jwt', 'self_signed_tls_client_auth'].includes(method) && !registration.jwks)
    faults.push(`${method} needs jwks`)
  if (method === 'self_signed_tls_client_auth' && !registration.jwks?.keys.every((key) => Array.isArray(key.x5c)))
    faults.push('self_signed_tls_client_auth needs the certificate of every key in jwks (x5c)')
  if (method !== 'private_key_jwt' && registration.token_endpoint_auth_signing_alg)
    faults.push('token_endpoint_auth_signing_alg belongs to private_key_jwt only')
  if (method === 'none' && registration.dwar.profile === 'legacy')
    faults.push('a client without a secret cannot be exempt from PKCE')
  if (registration.tls_client_certificate_bound_access_tokens && certificateMethods.length === 0)
    faults.push('tls_client_certificate_bound_access_tokens is not available: this issuer sees no client certificates')
  if (registration.tls_client_certificate_bound_access_tokens && registration.dpop_bound_access_tokens)
    faults.push('tokens are bound either by dpop_bound_access_tokens or by tls_client_certificate_bound_access_tokens')
  if (registration.require_signed_request_object && !registration.jwks)
    faults.push('require_signed_request_object needs jwks')
  return faults
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const CURVES = ['P-256', 'P-384', 'P-521', 'Ed25519', 'X25519']

/** Public keys, and none that is too weak (FAPI 2.0 Security Profile §5.4.1). */
function keyFaults({ jwks }: ClientRegistration): string[] {
  return (jwks?.keys ?? []).flatMap((key, at) => {
    const fault = faultInKey(key)
    return fault ? [`jwks: key ${at + 1} ${fault}`] : []
  })
}

function faultInKey(key: Record<string, unknown>): string | undefined {
  if (PRIVATE_MEMBERS.some((member) => member in key)) return 'has a private part: register public keys only'
  if (key.kty !== 'RSA' && key.kty !== 'EC' && key.kty !== 'OKP') return 'is neither RSA, EC nor OKP'
  if (key.kty !== 'RSA' && !CURVES.includes(String(key.crv))) return 'has a curve that is not supported'
  const read = readKey(key)
  if (!read) return 'cannot be read'
  const { modulusLength: bits = 2048, publicExponent: exponent = 3n } = read
  if (bits < 2048) return 'is an RSA key of fewer than 2048 bits'
  if (bits > MAX_RSA_BITS) return `is an RSA key of more than ${MAX_RSA_BITS} bits`
  return exponent < 3n ? 'has an RSA exponent under which anybody can sign' : undefined
}

/** OpenSSL checks no signature of a longer one. */
const MAX_RSA_BITS = 16_384

/** A point off its curve, a number that is none: better said now than at the first login. */
function readKey(key: Record<string, unknown>): AsymmetricKeyDetails | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails
  } catch {
    return undefined // told with its place in the list
  }
}

/** A response that nobody can be found to encrypt to would fail at the first login. */
function encryptionFaults(registration: ClientRegistration): string[] {
  return (['id_token', 'userinfo', 'authorization', 'introspection'] as const).flatMap((kind) => {
    const alg = registration[`${kind}_encrypted_response_alg`]
    const enc = registration[`${kind}_encrypted_response_enc`]
    if (alg === undefined)
      return enc === undefined ? [] : [`${kind}_encrypted_response_enc needs ${kind}_encrypted_response_alg`]
    const types = alg.startsWith('RSA') ? ['RSA'] : ['EC', 'OKP']
    const fits = registration.jwks?.keys.some(
      ({ kty, use, crv, alg: own }) =>
        types.includes(String(kty)) && use !== 'sig' && crv !== 'Ed25519' && (own === undefined || own === alg),
    )
    return fits ? [] : [`${kind}_encrypted_response_alg ${alg} needs a key to encrypt to in jwks`]
  })
}

function fapi2Faults(registration: ClientRegistration): string[] {
  const method = registration.token_endpoint_auth_method
  const faults: string[] = []
  if (method !== 'private_key_jwt' && !method.includes('tls_client_auth'))
    faults.push('fapi2 needs private_key_jwt, tls_client_auth or self_signed_tls_client_auth')
  if (!registration.dpop_bound_access_tokens && !registration.tls_client_certificate_bound_access_tokens)
    faults.push('fapi2 needs dpop_bound_access_tokens or tls_client_certificate_bound_access_tokens')
  if (registration.require_pushed_authorization_requests === false)
    faults.push('fapi2 needs require_pushed_authorization_requests')
  for (const name of SIGNED_WITH) {
    const alg = registration[name]
    if (alg !== undefined && !(FAPI2_ALGORITHMS as readonly string[]).includes(alg))
      faults.push(`fapi2 takes ES256, PS256 or EdDSA, and ${name} is ${alg}`)
  }
  return faults
}

const SIGNED_WITH = [
  'token_endpoint_auth_signing_alg',
  'request_object_signing_alg',
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
] as const
