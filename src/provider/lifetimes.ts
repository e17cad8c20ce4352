export const MINUTE = 60
export const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A token that the other side checks by itself and nobody can take back (RFC 9068 §4). */
export const JWT_ACCESS_TOKEN_LIFETIME = 5 * MINUTE

/** Seconds by which the date of a DPoP proof may be off; the engine's (RFC 9449 §11.1). */
export const DPOP_WINDOW = 5 * MINUTE

/** How long things live, in seconds. A grant outlives every token it carries (oidc-provider.md §3). */
export const ttl = {
  Interaction: 15 * MINUTE,
  AuthorizationCode: MINUTE,
  AccessToken: 10 * MINUTE,
  IdToken: 10 * MINUTE,
  Grant: 90 * DAY,
} as const

/** Seconds that another machine's clock may be off (security.md OP-15). */
export const CLOCK_TOLERANCE = 10
