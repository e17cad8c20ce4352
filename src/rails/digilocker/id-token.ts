import { createHash } from 'node:crypto'
import {
  compactVerify,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTVerifyGetKey,
} from 'jose'
import { z } from 'zod'
import { RailError } from '../../errors.ts'
import type { AssertedProfile } from '../rail.ts'
import { toProfile } from './profile.ts'
import type { IdTokenKeys } from './settings.ts'
import { seconds } from './wire.ts'

/** Clocks of two houses differ; a minute is what most OpenID Connect clients forgive. */
const SKEW_SECONDS = 60

export interface Expected {
  readonly clientId: string
  readonly issuers: readonly string[]
  readonly nonce: string | undefined
  readonly accessToken: string
  /** epoch seconds */
  readonly now: number
}

/** Says what is wrong with an id_token, or what it asserts about the person. */
export type CheckIdToken = (idToken: string, expected: Expected) => Promise<AssertedProfile>

/**
 * A checker with the configured keys. A configured key set is binding: a token under a key that is not in it is refused.
 * @param fetchKeySet reads `jwks-uri` under our own transport rules
 */
export function createCheckIdToken(keys: IdTokenKeys, fetchKeySet: (url: URL) => Promise<Uint8Array>): CheckIdToken {
  const keySet = toKeySet(keys, fetchKeySet)
  return async (idToken, expected) => {
    const claims = idTokenClaims.safeParse(await open(idToken, keySet))
    if (!claims.success) throw refuse('its claims cannot be read')
    checkClaims(claims.data, expected)
    return toProfile({
      name: claims.data.given_name, // holds the whole name; there is no `name` (digilocker-api.md §7)
      birthdate: claims.data.birthdate,
      gender: claims.data.gender,
      phone: claims.data.phone_number,
      email: claims.data.email,
    })
  }
}

function toKeySet(keys: IdTokenKeys, fetchKeySet: (url: URL) => Promise<Uint8Array>): JWTVerifyGetKey | undefined {
  if (keys.mode === 'tls-only') return undefined
  if (keys.mode === 'keys') return createLocalJWKSet(keys.jwks)
  return createRemoteJWKSet(keys.url, {
    [customFetch]: async () => new Response(Buffer.from(await fetchKeySet(keys.url)), { status: 200 }),
  })
}

/** RS256 and nothing else, so that neither `none` nor an HMAC under a public key can pass (security.md UP-5). */
async function open(idToken: string, keySet: JWTVerifyGetKey | undefined): Promise<unknown> {
  try {
    const { alg, crit } = decodeProtectedHeader(idToken)
    if (alg !== 'RS256' || crit !== undefined) throw refuse('its header is not plain RS256')
    if (keySet === undefined) return decodeJwt(idToken) // OIDC Core §3.1.3.7 point 6: the TLS connection vouches for it
    const { payload } = await compactVerify(idToken, keySet, { algorithms: ['RS256'] })
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (error) {
    if (error instanceof RailError) throw error
    // jose's errors carry the claims, so only their code is taken along
    throw refuse(error instanceof errors.JOSEError ? error.code : 'it cannot be read')
  }
}

const text = z.string().optional().catch(undefined)
const idTokenClaims = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string()).min(1)]),
  exp: seconds,
  iat: seconds,
  azp: z.string().optional(),
  nonce: z.string().optional(),
  at_hash: z.string().optional(),
  given_name: text,
  birthdate: text,
  gender: text,
  phone_number: text,
  email: text,
})
type IdTokenClaims = z.output<typeof idTokenClaims>

/** OIDC Core §3.1.3.7. `azp`, `nonce` and `at_hash` are not in DigiLocker's sample, but bind when they come. */
function checkClaims(claims: IdTokenClaims, expected: Expected): void {
  const { clientId, issuers, nonce, accessToken, now } = expected
  if (!issuers.includes(claims.iss)) throw refuse('iss is not allowed')
  if (![claims.aud].flat().every((audience) => audience === clientId)) throw refuse('aud is not us alone')
  if (claims.azp !== undefined && claims.azp !== clientId) throw refuse('azp is not us')
  if (claims.exp === undefined || claims.exp + SKEW_SECONDS <= now) throw refuse('it has expired')
  if (claims.iat === undefined || claims.iat - SKEW_SECONDS > now) throw refuse('iat is missing or in the future')
  if (nonce !== undefined && claims.nonce !== nonce) throw refuse('nonce is not ours')
  if (claims.at_hash !== undefined && claims.at_hash !== halfHash(accessToken))
    throw refuse('at_hash is of another token')
}

/** OIDC Core §3.1.3.6 */
const halfHash = (token: string): string =>
  createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')

const refuse = (rule: string): RailError => new RailError('RAIL_RESPONSE_INVALID', `id_token: ${rule}`)
