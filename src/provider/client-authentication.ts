import { errors } from 'oidc-provider'
import type { IssuerParts } from './issuer.ts'
import { CLOCK_TOLERANCE, MINUTE } from './lifetimes.ts'
import { assertAssertionAlgorithm } from './profile.ts'

/** What an assertion may call itself, in any case; a JWT made for something else is none, a request object above all (RFC 9101 §10.8). */
const ASSERTION_TYPES: readonly unknown[] = [
  undefined,
  'jwt',
  'client-authentication+jwt',
  'application/client-authentication+jwt',
]

/** The issuer alone as audience, and a short life: an assertion for us is good nowhere else and not for long (security.md OP-8). */
export function assertClientAssertion(
  claims: Record<string, unknown>,
  header: Record<string, unknown>,
  client: Record<string, unknown>,
  { issuer, clock }: Pick<IssuerParts, 'issuer' | 'clock'>,
): void {
  assertAssertionAlgorithm(client, header.alg)
  const typ = typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ
  if (!ASSERTION_TYPES.includes(typ)) throw new errors.InvalidClientAuth('typ must be client-authentication+jwt')
  // RFC 7797 §7: the payload of a JWT is always encoded; the engine does not look.
  if (header.b64 !== undefined) throw new errors.InvalidClientAuth('b64 must not be used')
  if (claims.aud !== issuer.origin)
    throw new errors.InvalidClientAuth('aud must be the issuer identifier, as a single string')
  if (typeof claims.exp !== 'number' || claims.exp > clock() + MINUTE + CLOCK_TOLERANCE)
    throw new errors.InvalidClientAuth('exp must be at most 60 seconds ahead')
  // The engine looks at nbf alone (FAPI 2.0 Security Profile §5.3.2.1-13 wants both looked at).
  if (typeof claims.iat === 'number' && claims.iat > clock() + CLOCK_TOLERANCE)
    throw new errors.InvalidClientAuth('iat must not be in the future')
}
