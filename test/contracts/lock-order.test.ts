import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/database.ts'
import { hashId } from '../../adapters/oidc-parts.ts'
import { STORE_REQUEST } from '../../adapters/oidc-sql.ts'
import { sweep, sweepRepeats } from '../../adapters/sweep.ts'
import { freshPostgresUrl, untilSomebodyWaits } from '../support/databases.ts'
import {
  aClient,
  aConsent,
  anAcceptance,
  anAttempt,
  assembleKit,
  insertAccount,
  insertConsent,
  type Kit,
  makeGrant,
  makeInteraction,
  makeReturn,
  makeToken,
  NOW,
  newBearer,
} from './kit.ts'

/** When all that is made here has expired. */
const LATER = NOW + 5000

/**
 * Acts that meet take their rows in one order (adapters/README.md), so that none is ever given up to end a deadlock. Seen
 * from outside: while one statement waits for what another holds, nothing that comes later in the order is taken yet.
 */
describe('the order in which rows are locked (PostgreSQL)', () => {
  const makeUrl = freshPostgresUrl()
  let kit: Kit
  /** a process of its own, as far as the database can tell */
  let other: Database
  /** one that is refused rather than wait for a lock */
  let hasty: Kit

  beforeAll(async () => {
    const url = await makeUrl()
    kit = assembleKit(await openDatabase({ url }))
    other = await openDatabase({ url })
    hasty = assembleKit(await openDatabase({ url: `${url}&options=${encodeURIComponent('-c lock_timeout=1s')}` }))
  })
  afterAll(async () => {
    await other?.close()
    await hasty?.database.close()
    await kit?.database.close()
  })

  /** Runs `late` while `hold` holds what it will wait for, looks around, and lets go. */
  async function whileWaiting<T>(hold: () => Promise<unknown>, late: () => Promise<T>, look = async () => undefined) {
    let waiting: Promise<T> | undefined
    await other.transact(async () => {
      await hold()
      waiting = late()
      waiting.catch(() => undefined) // heard of below
      await untilSomebodyWaits(kit.database)
      await look()
    })
    return waiting as Promise<T>
  }

  const isFree = async (model: string, id: string): Promise<boolean> => {
    const { rows } = await sql`select from oidc_model where model = ${model} and id = ${hashId(id)}
      for update skip locked`.execute(kit.database.db())
    return rows.length === 1
  }

  it.each([
    { what: 'a code that is exchanged', model: 'AuthorizationCode' },
    { what: 'an interaction that goes on', model: 'Interaction' },
  ])('a grant comes before $what', async ({ model }) => {
    const grantId = await makeGrant(kit)
    const id = model === 'Interaction' ? await makeInteraction(kit) : await makeToken(kit, model, grantId)
    const hash = hashId(id)
    const ended = model === 'Interaction' ? hash : null
    const token = { model: 'AccessToken', id: randomBytes(32).toString('hex'), grant_id: grantId }
    const row = {
      model,
      id: hash.toString('hex'),
      ...(ended ? { expires_at: 0 } : { consumed_at: 1, grant_id: grantId }),
    }
    const spent = ended ? [null, null] : [model, hash]
    const values = [
      JSON.stringify([row, token]),
      '[]',
      2,
      '{}',
      '[]',
      '{}',
      ended,
      ...spent,
      null,
      null,
      null,
      null,
      false,
    ]
    const stored = await whileWaiting(
      () => sql`select from oidc_grant where id = ${grantId} for update`.execute(other.db()),
      () => kit.database.hot(STORE_REQUEST.name, STORE_REQUEST.text, values),
      async () => void expect(await isFree(model, id)).toBe(true),
    )
    expect(stored).toHaveLength(2)
  })

  it('an account comes before an interaction that is decided', async () => {
    const attempt = await makeReturn(kit)
    const account = { id: `acct-${newBearer()}`, key: randomBytes(32), dataKey: undefined }
    await insertAccount(kit, account.id, account.key)
    const accepted = await whileWaiting(
      () => sql`select from account where id = ${account.id} for update`.execute(other.db()),
      () => kit.decisions.accept(anAcceptance(attempt, { account })),
      async () => void expect(await isFree('Interaction', attempt.interactionUid)).toBe(true),
    )
    expect(accepted).toBe('accepted')
  })

  /** Two expired rows of each table that is swept: what hangs on the first grant is held by `other`. */
  const expired = async () => {
    const grants = [await makeGrant(kit), await makeGrant(kit)]
    for (const grantId of grants) {
      const token = hashId(await makeToken(kit, 'AccessToken', grantId))
      await sql`insert into refresh_repeat (id, grant_id, successor, request_hash, sealed_answer, ends_at)
        values (${token}, ${grantId}, '', '', '', to_timestamp(${NOW}))`.execute(kit.database.db())
      await insertConsent(kit, aConsent(grantId), Buffer.from('values'))
      const attempt = anAttempt({ id: kit.database.newId(), interactionUid: await makeInteraction(kit) })
      await kit.storage.attempts.open(
        { ...attempt, sealedState: Buffer.from(grantId) },
        { body: { type: 'client.changed' } },
      )
      await kit.storage.postedRequests.put(grantId, Buffer.from(grantId), NOW)
    }
    return grants
  }

  it.each([
    { table: 'oidc_grant', of: sql`id`, run: (at: Kit) => sweep(at.database, LATER, 100) },
    { table: 'oidc_model', of: sql`grant_id`, run: (at: Kit) => sweep(at.database, NOW + 700, 100) },
    {
      table: 'rail_attempt',
      of: sql`convert_from(sealed_state, 'UTF8')`,
      run: (at: Kit) => sweep(at.database, LATER, 100),
    },
    {
      table: 'posted_request',
      of: sql`convert_from(sealed, 'UTF8')`,
      run: (at: Kit) => sweep(at.database, LATER, 100),
    },
    { table: 'refresh_repeat', of: sql`grant_id`, run: (at: Kit) => sweepRepeats(at.database, LATER, 100) },
    {
      table: 'consent_value',
      of: sql`(select grant_id from consent where id = consent_id)`,
      run: (at: Kit) => at.storage.consents.deleteExpiredValues(LATER, 100),
    },
  ])('a job passes by what another holds of $table, and ends the rest', async ({ table, of, run }) => {
    const [held, free] = await expired()
    const rowsOf = (grantId: string | undefined) => sql`select from ${sql.table(table)} where ${of} = ${grantId}`
    await other.transact(async () => {
      const { rows } = await sql`${rowsOf(held)} for update`.execute(other.db())
      expect(rows).toHaveLength(1)
      await run(hasty)
      expect((await rowsOf(held).execute(kit.database.db())).rows).toHaveLength(1)
      expect((await rowsOf(free).execute(kit.database.db())).rows).toEqual([])
    })
    await run(hasty)
    expect((await rowsOf(held).execute(kit.database.db())).rows).toEqual([])
  })

  it.each([
    {
      who: 'who withdraws',
      act: (accountId: string, clientId: string): Promise<unknown> =>
        kit.storage.sharings.withdraw(accountId, clientId),
    },
    {
      who: 'who removes an app',
      act: async (_accountId: string, clientId: string): Promise<unknown> => {
        await kit.storage.clients.put(aClient(clientId), { body: { type: 'client.added' }, clientId })
        return kit.storage.clients.remove(clientId, { body: { type: 'client.removed' }, clientId })
      },
    },
  ])('grants that end together are taken by their id: $who', async ({ act }) => {
    const [accountId, clientId] = [`acct-${newBearer()}`, `app-${newBearer()}`]
    await insertAccount(kit, accountId, randomBytes(32))
    const [first = '', second = ''] = [newBearer(), newBearer()].sort()
    for (const id of [second, first])
      await kit.adapter('Grant').upsert(id, { accountId, clientId, exp: NOW + 1000, jti: id }, 1000)
    await whileWaiting(
      () => sql`select from oidc_grant where id = ${first} for update`.execute(other.db()),
      () => act(accountId, clientId),
      async () => {
        const later = sql`select from oidc_grant where id = ${second} for update skip locked`
        expect((await later.execute(kit.database.db())).rows).toHaveLength(1)
      },
    )
    expect(await kit.adapter('Grant').find(second)).toBeUndefined()
  })

  it('an account comes before its grants: who withdraws takes a yes that is being written with her, whole', async () => {
    const account = `acct-${newBearer()}`
    await insertAccount(kit, account, randomBytes(32))
    const grantId = newBearer()
    const withdrawn = await whileWaiting(
      async () => {
        await sql`select from account where id = ${account} for key share`.execute(other.db())
        await sql`insert into oidc_grant (id, account_id, client_id, payload, expires_at)
          values (${grantId}, ${account}, 'shop', '{}', now() + interval '1 day')`.execute(other.db())
        await insertConsent({ database: other }, aConsent(grantId, { accountId: account }), Buffer.from('values'))
      },
      () => kit.storage.sharings.withdraw(account, 'shop'),
    )
    expect(withdrawn).toBe(1)
    const left = sql`select from oidc_grant where id = ${grantId} union all
      select from consent_value join consent on consent.id = consent_id where grant_id = ${grantId}`
    expect((await left.execute(kit.database.db())).rows).toEqual([])
  })
})
