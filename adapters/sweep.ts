import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'

/** How long an expired row stays: longer than any clock tolerance, so that the engine never misses one it could use. */
const GRACE_SECONDS = 60

export interface Swept {
  readonly models: number
  readonly grants: number
  readonly attempts: number
}

/**
 * Deletes what has expired, `batch` rows a statement. Consumed codes and tokens stay until they expire, a code with what came
 * of it: they are how a replay is noticed. What another holds is left for the next time: who ends a family while its rows expire takes them in
 * an order of his own, and one of the two would lose a deadlock.
 * @param now epoch seconds
 */
export async function sweep(database: Database, now: number, batch: number): Promise<Swept> {
  const before = now - GRACE_SECONDS
  // Models first, so that few are left for a grant's cascade to take.
  const models = await inBatches(batch, () => deleteModels(database, before, batch))
  const grants = await inBatches(batch, () => deleteExpired(database, 'oidc_grant', before, batch))
  const attempts = await inBatches(batch, () => deleteExpired(database, 'rail_attempt', before, batch))
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
  const { numAffectedRows } = await sql`with old as (
    select model, id from oidc_model where expires_at < to_timestamp(${before}) order by expires_at limit ${batch}
    for update skip locked
  ) delete from oidc_model using old where oidc_model.model = old.model and oidc_model.id = old.id`.execute(
    database.db(),
  )
  return Number(numAffectedRows ?? 0n)
}

async function deleteExpired(
  database: Database,
  table: 'oidc_grant' | 'rail_attempt',
  before: number,
  batch: number,
): Promise<number> {
  return deleteById(database, table, sql`expires_at < to_timestamp(${before}) order by expires_at limit ${batch}`)
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
  return deleteById(database, table, sql`ends_at <= to_timestamp(${now}) order by ends_at limit ${batch}`)
}

/** A CTE that locks is run once, whatever the plan: a list of ids might be made anew for each row. */
async function deleteById(database: Database, table: string, which: RawBuilder<unknown>): Promise<number> {
  const from = sql.table(table)
  const { numAffectedRows } = await sql`with old as (select id from ${from} where ${which} for update skip locked)
    delete from ${from} using old where ${from}.id = old.id`.execute(database.db())
  return Number(numAffectedRows ?? 0n)
}
