import { sql } from 'kysely'
import type { Database } from './database.ts'

/** How long an expired row stays: longer than any clock tolerance, so that the engine never misses one it could use. */
const GRACE_SECONDS = 60

export interface Swept {
  readonly models: number
  readonly grants: number
  readonly attempts: number
}

/**
 * Deletes what has expired, `batch` rows a statement. Consumed codes and tokens stay until they expire: they are how a
 * replay is noticed. Two sweeps at once do no harm.
 * @param now epoch seconds
 */
export async function sweep(database: Database, now: number, batch: number): Promise<Swept> {
  const before = now - GRACE_SECONDS
  // Models first, so that few are left for a grant's cascade to take.
  const models = await inBatches(batch, () => deleteModels(database, before, batch))
  const grants = await inBatches(batch, () => deleteById(database, 'oidc_grant', before, batch))
  const attempts = await inBatches(batch, () => deleteById(database, 'rail_attempt', before, batch))
  await inBatches(batch, () => deleteEnded(database, 'posted_request', now, batch))
  return { models, grants, attempts }
}

async function inBatches(batch: number, deleteSome: () => Promise<number>): Promise<number> {
  let total = 0
  for (;;) {
    const deleted = await deleteSome()
    total += deleted
    if (deleted < batch) return total
  }
}

async function deleteModels(database: Database, before: number, batch: number): Promise<number> {
  const { numAffectedRows } = await sql`delete from oidc_model where (model, id) in (
    select model, id from oidc_model where expires_at < to_timestamp(${before}) order by expires_at limit ${batch}
  )`.execute(database.db())
  return Number(numAffectedRows ?? 0n)
}

async function deleteById(
  database: Database,
  table: 'oidc_grant' | 'rail_attempt',
  before: number,
  batch: number,
): Promise<number> {
  const { numAffectedRows } = await sql`delete from ${sql.table(table)} where id in (
    select id from ${sql.table(table)} where expires_at < to_timestamp(${before}) order by expires_at limit ${batch}
  )`.execute(database.db())
  return Number(numAffectedRows ?? 0n)
}

/** Deletes the answers of refreshes that can no longer be repeated, at the very end of their window. @param now epoch seconds */
export async function sweepRepeats(database: Database, now: number, batch: number): Promise<number> {
  return inBatches(batch, () => deleteEnded(database, 'refresh_repeat', now, batch))
}

async function deleteEnded(
  database: Database,
  table: 'refresh_repeat' | 'posted_request',
  now: number,
  batch: number,
): Promise<number> {
  const { numAffectedRows } = await sql`delete from ${sql.table(table)} where id in (
    select id from ${sql.table(table)} where ends_at <= to_timestamp(${now}) order by ends_at limit ${batch}
  )`.execute(database.db())
  return Number(numAffectedRows ?? 0n)
}
