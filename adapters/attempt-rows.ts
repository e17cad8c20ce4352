import type { RailAttempt } from '../src/provider/stores.ts'

/** A journey as {@link ATTEMPT_COLUMNS} selects it. */
export interface AttemptRow {
  readonly attempt_id: string
  readonly rail: string
  readonly interaction_uid: string
  readonly client_id: string
  readonly browser_hash: Buffer
  readonly sealed_state: Buffer
  readonly sealed_outcome: Buffer | null
  readonly expires: number
  readonly used: number | null
}

export const ATTEMPT_COLUMNS = `id as attempt_id, rail, interaction_uid, client_id, browser_hash, sealed_state, sealed_outcome,
  extract(epoch from expires_at)::float8 as expires, extract(epoch from used_at)::float8 as used`

export function toAttempt(row: AttemptRow): RailAttempt {
  return {
    id: row.attempt_id,
    rail: row.rail,
    interactionUid: row.interaction_uid,
    clientId: row.client_id,
    sealedState: row.sealed_state,
    sealedOutcome: row.sealed_outcome ?? undefined,
    expiresAt: row.expires,
    usedAt: row.used ?? undefined,
  }
}
