import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { ClientPolicy } from './clients.ts'

type RefreshToken = InstanceType<Provider['RefreshToken']>
type Client = NonNullable<KoaContextWithOIDC['oidc']['client']>

/** How long refresh tokens live where a client has no lifetimes of its own, in days. */
export interface RefreshLifetimes {
  readonly idleDays: number
  readonly absoluteDays: number
}

const DAY = 86_400

/**
 * Seconds that a new refresh token lives: until it has lain unused for too long, until the family is too old, or until
 * the consent ends, whichever is first (security.md OP-5). The engine asks synchronously, with the grant already read.
 * What runs in a browser and is bound to no key never outlives its first token's end: rotation extends nothing there
 * (RFC 9700 §4.14.2).
 */
export function createRefreshTtl(lifetimes: RefreshLifetimes, clock: Clock) {
  return ({ oidc }: KoaContextWithOIDC, token: RefreshToken, client: Client): number => {
    const policy = client.dwar as ClientPolicy | undefined
    const now = clock()
    const { Grant: grant, RotatedRefreshToken: rotated } = oidc.entities
    const ends = [
      now + (policy?.refreshIdleDays ?? lifetimes.idleDays) * DAY,
      (token.iiat ?? now) + (policy?.refreshAbsoluteDays ?? lifetimes.absoluteDays) * DAY,
      grant?.exp,
      isUnbound(token, client) ? rotated?.exp : undefined,
    ]
    return Math.max(1, Math.min(...ends.filter((end) => end !== undefined)) - now)
  }
}

const isUnbound = (token: RefreshToken, client: Client): boolean =>
  client.applicationType === 'web' && client.clientAuthMethod === 'none' && !token.isSenderConstrained()

/** Seconds that a session lives on after it was used: an hour, and never beyond a day from the sign-in (security.md BR-1). */
export function sessionTtl(clock: Clock) {
  return (_ctx: KoaContextWithOIDC, { loginTs }: { loginTs?: number | undefined }): number =>
    loginTs === undefined ? DAY / 24 : Math.max(1, Math.min(DAY / 24, loginTs + DAY - clock()))
}
