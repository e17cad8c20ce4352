import { CLOCK_TOLERANCE, ttl } from '../lifetimes.ts'

export interface KeySchedule {
  /** how long a key signs */
  readonly rotateEverySeconds: number
  /** how long a key is published before it signs */
  readonly leadSeconds: number
}

/** Every instance knows of a change within a second; this is that with a clock's error. Nobody signs sooner with a new key. */
export const PROPAGATION_SECONDS = 5

const HIGHEST_MAX_AGE = 300

/**
 * How long others may keep our JWK Set: at most half of the lead, so that whoever fetched it just before a key was
 * published has fetched it again before that key signs.
 */
export const jwksMaxAge = ({ leadSeconds }: KeySchedule): number =>
  Math.min(HIGHEST_MAX_AGE, Math.floor(leadSeconds / 2))

/**
 * How long a key stays published after it signed last. Not only until its tokens expire: an app may hand back an expired
 * ID token as `id_token_hint` (OpenID Connect Core §3.1.2.2, RP-Initiated Logout §2). Each refresh brings a newer one, so
 * the newest is as old as a refresh token that lay unused, which a client may have set; but none outlives its grant. A
 * session, a JWT access token and a logout token live shorter than that.
 */
export const retirementSeconds: number =
  Math.max(ttl.IdToken, ttl.AccessToken, ttl.Grant) + HIGHEST_MAX_AGE + CLOCK_TOLERANCE
