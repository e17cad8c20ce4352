import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../adapters/database.ts'
import { TAKE_DUE } from '../../adapters/logout-store.ts'
import { FIND_TOKENS } from '../../adapters/oidc-sql.ts'
import { freshPostgresUrl } from '../support/databases.ts'

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

const ROWS = 2_000

/** Prepared statements keep the plan of the day they were first used, which may be the day the tables were empty. */
describe('plans that are made while tables are empty (PostgreSQL)', () => {
  const makeUrl = freshPostgresUrl()

  it('read a token, its grant, session and consent by index once the tables are full', async () => {
    const database = await openDatabase({ url: await makeUrl(), poolSize: 1 })
    try {
      const db = database.db()
      const execute = (id: string) => sql.raw(`execute tokens('${id}', 0, 0)`)
      await sql.raw(`prepare tokens as ${FIND_TOKENS.text}`).execute(db)
      await execute('00'.repeat(32)).execute(db)
      const numbered = sql.raw(`from generate_series(1, ${ROWS}) n`)
      const later = sql.raw(`now() + interval '1 day'`)
      await sql`insert into oidc_grant (id, account_id, client_id, payload, expires_at)
        select 'g' || n, 'a' || n, 'c', '{}', ${later} ${numbered}`.execute(db)
      await sql`insert into oidc_model (model, id, payload, uid, account_id, expires_at)
        select 'Session', sha256(('s' || n)::bytea), '{"authorizations":{}}', 'u' || n, 'a' || n, ${later} ${numbered}`.execute(
        db,
      )
      await sql`insert into oidc_model (model, id, sealed_payload, grant_id, session_uid, expires_at)
        select 'AccessToken', sha256(('t' || n)::bytea), 'x', 'g' || n, 'u' || n, ${later} ${numbered}`.execute(db)
      const found = await sql<{ id: string }>`select encode(sha256('t7'), 'hex') as id`.execute(db)
      const explained = await sql<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>`explain (analyze, format json) ${execute(
        found.rows[0]?.id ?? '',
      )}`.execute(db)
      const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan
      expect(plan?.['Actual Rows']).toBe(1)
      const readInVain = nodesOf(plan).filter((node) => rowsOf(node) > 10)
      expect(readInVain).toEqual([])
    } finally {
      await database.close()
    }
  })

  it('take deliveries of each app by index, however many one of them is owed', async () => {
    const database = await openDatabase({ url: await makeUrl(), poolSize: 1 })
    try {
      const db = database.db()
      const execute = sql.raw(`execute due(100, 130, 16, 4, '{}')`)
      await sql.raw(`prepare due as ${TAKE_DUE}`).execute(db)
      for (let times = 0; times < 6; times += 1) await execute.execute(db) // from the sixth on the plan is kept
      await sql`insert into logout_delivery (id, client_id, account_id, due_at, ends_at)
        select gen_random_uuid(), case when n > 10 then 'dead' else 'app-' || n end, 'a', to_timestamp(n / 1000), to_timestamp(200)
        from generate_series(1, ${ROWS}) n`.execute(db)
      const explained = await sql<{
        'QUERY PLAN': [{ Plan: PlanNode }]
      }>`explain (analyze, format json) ${execute}`.execute(db)
      const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan
      expect(plan?.['Actual Rows']).toBe(14)
      expect(nodesOf(plan).filter((node) => rowsOf(node) > 20)).toEqual([])
    } finally {
      await database.close()
    }
  })
})

const nodesOf = (node: PlanNode | undefined): PlanNode[] => (node ? [node, ...(node.Plans ?? []).flatMap(nodesOf)] : [])

const rowsOf = (node: PlanNode): number =>
  (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)
