import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { pendingMigrations } from '../../adapters/migrator.ts'
import { describeOnEachDatabase } from '../support/databases.ts'

describeOnEachDatabase('Database', (open) => {
  it('has no pending migration after the template was migrated', async () => {
    const database = await open()
    expect(await pendingMigrations(database)).toEqual([])
  })
  it('hands int8, bytea, date and timestamptz over alike', async () => {
    const database = await open()
    const { rows } = await sql<Record<string, unknown>>`select 1::int8 as int8, '\\x0aff'::bytea as bytea,
      '1990-01-31'::date as date, '2026-01-01T00:00:00+05:30'::timestamptz as at, count(*) as n,
      current_setting('timezone') as zone, '{"a":[1]}'::jsonb as json`.execute(database.db())
    expect(rows[0]).toEqual({
      int8: '1',
      bytea: Buffer.from('0aff', 'hex'),
      date: '1990-01-31',
      at: new Date('2025-12-31T18:30:00Z'),
      n: '1',
      zone: expect.stringMatching(/^(UTC|GMT)$/),
      json: { a: [1] },
    })
    expect(Buffer.isBuffer(rows[0]?.bytea)).toBe(true)
  })
})
