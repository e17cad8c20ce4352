import type { Database } from './database.ts'
import { hashId } from './oidc-parts.ts'
import { INSERT_REPLAY } from './oidc-sql.ts'

/**
 * Remembers a client assertion's or DPoP proof's `jti`, for `provider.ReplayDetection.unique` (RFC 7523 §3, RFC 9449
 * §11.1). Of simultaneous uses exactly one gets true.
 * @param expiresAt epoch seconds; kept until the sweep after it, so a late replay is refused too
 */
export type InsertReplay = (issuer: string, jti: string, expiresAt: number) => Promise<boolean>

export function createReplayStore(database: Database): InsertReplay {
  return async (issuer, jti, expiresAt) => {
    const id = hashId(JSON.stringify([issuer, jti])) // no two pairs give the same text
    const rows = await database.hot(INSERT_REPLAY.name, INSERT_REPLAY.text, [id, expiresAt])
    return rows.length === 1
  }
}
