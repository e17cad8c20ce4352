import { errors } from 'oidc-provider'
import { faultInVerifiedRequest } from './verified-claims.ts'

/**
 * Refuses a `claims` parameter that breaks its form, naming the place (OpenID Connect Core §5.5; Identity Assurance §6).
 * @throws InvalidRequest
 */
export function assertClaims(claims: { id_token?: unknown; userinfo?: unknown }): void {
  for (const place of ['id_token', 'userinfo'] as const) {
    const members = claims[place]
    if (members === undefined || members === null) continue
    for (const [name, member] of Object.entries(members)) {
      if (name === 'verified_claims') {
        const fault = faultInVerifiedRequest(member)
        if (fault) throw new errors.InvalidRequest(`claims.${place}.${fault}`)
      } else if (member !== null && (typeof member !== 'object' || Array.isArray(member)))
        throw new errors.InvalidRequest(`claims.${place} members must be null or objects`)
    }
  }
}
