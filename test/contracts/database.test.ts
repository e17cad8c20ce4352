import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { migrate, pendingMigrations } from '../../adapters/migrator.ts'
import { findLockHolder, lockFolder } from '../../adapters/pglite-lock.ts'
import { describeOnEachDatabase, freshPostgres } from '../support/databases.ts'

const MIGRATIONS = readdirSync('migrations').filter((file) => file.endsWith('.ts')).length

const LONG = { timeout: 15_000 }

const insertKey = (database: Database, owner: string) =>
  database
    .db()
    .insertInto('data_key')
    .values({ id: randomUUID(), owner, kek_id: 'k1', wrapped: Buffer.from('w') })
    .execute()

const owners = async (database: Database) =>
  (await database.db().selectFrom('data_key').select('owner').orderBy('owner').execute()).map((row) => row.owner)

describeOnEachDatabase('Database', (open) => {
  let database: Database
  let sent: string[] = []
  let logged: string[] = []
  beforeAll(async () => {
    database = await open({ onStatement: (text) => sent.push(text), logQuery: (text) => logged.push(text) })
  })
  beforeEach(async () => {
    await database.db().deleteFrom('data_key').execute()
    sent = []
    logged = []
  })

  it('has every migration, and runs none twice', async () => {
    expect(await pendingMigrations(database)).toEqual([])
    expect(await migrate(database)).toEqual([])
  })

  it('runs every migration again after a crash that lost its record', async () => {
    await sql`delete from kysely_migration`.execute(database.db())
    expect(await migrate(database)).toHaveLength(MIGRATIONS)
  })

  it('refuses to migrate inside a transaction', async () => {
    await expect(database.transact(() => migrate(database))).rejects.toMatchObject({ code: 'UNEXPECTED' })
  })

  it('hands int8, bytea, date, count and times over alike', async () => {
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

  it('joins nested transactions, and undoes all of them together', async () => {
    const work = database.transact(async () => {
      await insertKey(database, 'account:outer')
      await database.transact(() => insertKey(database, 'account:inner'))
      expect(await owners(database)).toEqual(['account:inner', 'account:outer'])
      throw new Error('undo')
    })
    await expect(work).rejects.toThrow('undo')
    expect(await owners(database)).toEqual([])
  })

  it('knows whether it is inside a transaction', async () => {
    expect(database.inTransaction()).toBe(false)
    await database.transact(async () => expect(database.inTransaction()).toBe(true))
    expect(database.inTransaction()).toBe(false)
  })

  it('keeps a transaction to the calls that it made', async () => {
    const inside = database.transact(async () => {
      await insertKey(database, 'account:a')
      throw new Error('undo')
    })
    const outside = insertKey(database, 'account:b')
    await expect(inside).rejects.toThrow('undo')
    await outside
    expect(await owners(database)).toEqual(['account:b'])
  })

  it('runs a hot statement outside a transaction, again, and inside one', async () => {
    const count = () =>
      database.hot<{ n: number }>('test_count', 'select count(*)::int as n from data_key where owner = $1', [
        'account:x',
      ])
    expect(await count()).toEqual([{ n: 0 }])
    await database
      .transact(async () => {
        await insertKey(database, 'account:x')
        expect(await count()).toEqual([{ n: 1 }])
        throw new Error('undo')
      })
      .catch((error: Error) => expect(error.message).toBe('undo'))
    expect(await count()).toEqual([{ n: 0 }])
  })

  it('tells of every statement sent, the ends of a transaction included', async () => {
    await database.transact(() => database.hot('test_one', 'select $1::text as one', ['1']))
    await database.hot('test_one', 'select $1::text as one', ['1'])
    expect(sent).toEqual(['begin', 'select $1::text as one', 'commit', 'select $1::text as one'])
    expect(logged).toContain('select $1::text as one')
  })

  it.each([
    ['a string', 'a\0b'],
    ['JSON text', JSON.stringify({ deep: ['a\0b'] })],
    ['an object', { deep: ['a\0b'] }],
  ])('refuses a null byte in %s before it is sent', async (_case, value) => {
    await expect(database.hot('test_json', 'select $1::text', [value])).rejects.toMatchObject({
      code: 'STORE_INPUT_REFUSED',
    })
    await expect(sql`select ${value}::text`.execute(database.db())).rejects.toMatchObject({
      code: 'STORE_INPUT_REFUSED',
    })
    expect(sent).toEqual([])
  })

  it('lets an escaped backslash before u0000 pass, which is no null byte', async () => {
    const text = JSON.stringify({ path: 'C:\\u0000' })
    expect(await database.hot('test_jsonb', 'select $1::jsonb as json', [text])).toEqual([
      { json: { path: 'C:\\u0000' } },
    ])
  })

  it.each(['40001', '40P01'])('runs a transaction again after %s, and gives up in the end', async (state) => {
    let tries = 0
    const failUntil = (good: number) =>
      database.transact(async () => {
        tries += 1
        await insertKey(database, `account:${tries} of ${good}`)
        if (tries < good)
          await sql
            .raw(`do $$ begin raise exception 'conflict' using errcode = '${state}'; end $$`)
            .execute(database.db())
      })
    await failUntil(3)
    expect(tries).toBe(3)
    expect(await owners(database)).toEqual(['account:3 of 3'])
    tries = 0
    await expect(failUntil(Number.POSITIVE_INFINITY)).rejects.toMatchObject({ code: state })
    expect(tries).toBe(5)
  })

  it('does not run a transaction again for any other failure', async () => {
    let tries = 0
    const work = database.transact(async () => {
      tries += 1
      await insertKey(database, 'account:same')
      await insertKey(database, 'account:same')
    })
    await expect(work).rejects.toMatchObject({ code: '23505' })
    expect(tries).toBe(1)
  })

  it.each(['update event set type = type', 'delete from event', 'truncate event'])(
    'refuses to change history: %s',
    async (change) => {
      await expect(sql.raw(change).execute(database.db())).rejects.toThrow('append-only')
    },
  )

  it('makes ids that rise', async () => {
    const ids = Array.from({ length: 10_000 }, () => database.newId())
    expect(ids).toEqual([...new Set(ids)].sort())
  })
})

describe('Database url', () => {
  it.each(['mysql://localhost/x', 'pglite:', ''])('refuses %j', async (url) => {
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('A PostgreSQL server that goes away', () => {
  const open = freshPostgres()

  it('is STORE_UNAVAILABLE when nothing listens', async () => {
    await using database = await openDatabase({ url: 'postgres://nobody@localhost/x?host=%2Fnonexistent' })
    await expect(database.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(database.hot('test_one', 'select 1', [])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(database.transact(() => database.ping())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('fails the statements under way, and works again once it has heard of the loss', async () => {
    const database = await open({ poolSize: 3 })
    const ended = sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
    await Promise.all([database.ping(), database.ping(), database.ping()])
    const sleeping = expect(database.hot('test_sleep', 'select pg_sleep(20)', [])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    const held = expect(
      database.transact(async () => {
        await sql`select pg_sleep(20)`.execute(database.db())
      }),
    ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const asleep = sql`select from pg_stat_activity
      where datname = current_database() and state = 'active' and query like '%pg_sleep(20)%' and pid <> pg_backend_pid()`
    await vi.waitFor(async () => expect((await asleep.execute(database.db())).rows).toHaveLength(2), LONG)
    await ended.execute(database.db())
    await Promise.all([sleeping, held])
    await vi.waitFor(() => database.ping(), LONG)
    await database.hot('test_one', 'select 1', [])
  })

  it.each([
    { state: '40001', tries: 5 },
    { state: '40P01', tries: 5 },
    { state: '23505', tries: 1 },
  ])(
    'runs a statement outside a transaction $tries times in all where it fails with $state',
    async ({ state, tries }) => {
      const database = await open()
      await sql`create sequence tries`.execute(database.db()) // what a sequence counts no rollback takes back
      await sql
        .raw(
          `create function fail_until(good int) returns bigint language plpgsql as $$ begin
           if nextval('tries') < good then raise exception 'conflict' using errcode = '${state}'; end if;
           return currval('tries'); end $$`,
        )
        .execute(database.db())
      const failUntil = (good: number) => database.hot('test_fail', 'select fail_until($1) as tries', [good])
      if (tries > 1) expect(await failUntil(3)).toEqual([{ tries: '3' }])
      await sql`alter sequence tries restart`.execute(database.db())
      await expect(failUntil(100)).rejects.toMatchObject({ code: state })
      const { rows } = await sql`select last_value::int as tried from tries`.execute(database.db())
      expect(rows).toEqual([{ tried: tries }])
    },
  )

  it('gets out of a real deadlock by running one side again', async () => {
    const database = await open()
    await insertKey(database, 'account:a')
    await insertKey(database, 'account:b')
    let locked = 0
    const lock = async (first: string, second: string) =>
      database.transact(async () => {
        await database.db().updateTable('data_key').set({ kek_id: first }).where('owner', '=', first).execute()
        locked += 1
        while (locked < 2) await new Promise((resolve) => setTimeout(resolve, 5))
        await database.db().updateTable('data_key').set({ kek_id: first }).where('owner', '=', second).execute()
      })
    await Promise.all([lock('account:a', 'account:b'), lock('account:b', 'account:a')])
    expect(locked).toBe(3)
  })
})

describe('The lock of a PGlite folder', () => {
  const folders: string[] = []
  const newFolder = () => {
    const tmp = mkdtempSync(path.join(tmpdir(), 'dwar-lock-'))
    folders.push(tmp)
    return path.join(tmp, 'deep', 'data')
  }
  const lockIn = (folder: string) => path.join(path.dirname(folder), 'dwar.lock')
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true })
  })

  it('is taken while the database is open and gone after, folders made as needed', async () => {
    const folder = newFolder()
    const database = await openDatabase({ url: `pglite:${folder}`, controlSocket: '/run/dwar.sock' })
    expect(findLockHolder(folder)).toMatchObject({ pid: process.pid, socket: '/run/dwar.sock' })
    await expect(openDatabase({ url: `pglite:${folder}` })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await database.close()
    expect(existsSync(lockIn(folder))).toBe(false)
    expect(findLockHolder(folder)).toBeUndefined()
  })

  const lockAt = () => {
    const tmp = mkdtempSync(path.join(tmpdir(), 'dwar-lock-'))
    folders.push(tmp)
    return path.join(tmp, 'data')
  }

  it('refuses while another process lives, and is taken over when it is gone', async () => {
    const folder = lockAt()
    const other = spawn('sleep', ['60'])
    writeFileSync(lockIn(folder), JSON.stringify({ pid: other.pid }))
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }))
    other.kill('SIGKILL')
    await once(other, 'exit')
    const release = lockFolder(folder)
    expect(JSON.parse(readFileSync(lockIn(folder), 'utf8'))).toMatchObject({ pid: process.pid })
    release()
  })

  it.runIf(existsSync('/proc/self/stat'))(
    'is taken over when its pid belongs to a later process, as in a restarted container',
    () => {
      const folder = lockAt()
      writeFileSync(lockIn(folder), JSON.stringify({ pid: process.pid, startedAt: '1' }))
      lockFolder(folder)()
      expect(existsSync(lockIn(folder))).toBe(false)
    },
  )

  it('is taken over when nothing in it can be read', () => {
    const folder = lockAt()
    writeFileSync(lockIn(folder), 'not a lock')
    lockFolder(folder)()
    expect(existsSync(lockIn(folder))).toBe(false)
  })

  it('is left alone by one who no longer holds it', () => {
    const folder = lockAt()
    const release = lockFolder(folder)
    writeFileSync(lockIn(folder), JSON.stringify({ pid: 1 }))
    release()
    expect(existsSync(lockIn(folder))).toBe(true)
  })
})
