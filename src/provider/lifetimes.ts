export const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long things live, in seconds. A grant outlives every token it carries (oidc-provider.md §3). */
export const ttl = {
  Interaction: 15 * MINUTE,
  AuthorizationCode: MINUTE,
  AccessToken: 10 * MINUTE,
  IdToken: 10 * MINUTE,
  RefreshToken: 14 * DAY,
  Session: HOUR,
  Grant: 90 * DAY,
} as const

/** Seconds that another machine's clock may be off (security.md OP-15). */
export const CLOCK_TOLERANCE = 10
