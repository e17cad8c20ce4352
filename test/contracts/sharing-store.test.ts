import { sql } from 'kysely'
import { errors } from 'oidc-provider'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeOnEachDatabase } from '../support/databases.ts'
import { aConsent, insertConsent, type Kit, makeToken, NOW, newBearer, openKit } from './kit.ts'

describeOnEachDatabase('what a person shared', (open, kind) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })
  beforeEach(async () => {
    kit.travelTo(NOW)
    await sql`delete from consent`.execute(kit.database.db())
  })

  async function share(change: { accountId?: string; clientId?: string } = {}) {
    const { accountId = 'acct-1', clientId = 'shop' } = change
    const grantId = newBearer()
    const payload = { accountId, clientId, iat: NOW, exp: NOW + 500, jti: grantId, kind: 'Grant' }
    await kit.adapter('Grant').upsert(grantId, payload, 500)
    const consent = aConsent(grantId, { accountId, clientId, id: kit.database.newId() })
    await insertConsent(kit, consent, Buffer.from('sealed values'))
    return { grantId, id: consent.id }
  }

  const list = (now = NOW, accountId = 'acct-1') => kit.storage.sharings.list(accountId, now, 100)
  const withdraw = (accountId = 'acct-1', clientId = 'shop') => kit.storage.sharings.withdraw(accountId, clientId)

  async function valuesLeft(): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`select consent_id as id from consent_value`.execute(kit.database.db())
    return rows.map(({ id }) => id)
  }

  describe('list', () => {
    it('gives her own consents, the newest first, active until their grant ends', async () => {
      const [one, two] = [await share(), await share({ clientId: 'bank' })]
      await share({ accountId: 'acct-2' })
      expect(await list()).toMatchObject([
        { consentId: two.id, clientId: 'bank', active: true, givenAt: NOW, retainUntil: NOW + 500 },
        { consentId: one.id, clientId: 'shop', active: true, items: [{ claim: 'name', shared: true }] },
      ])
      expect((await list(NOW + 500)).map(({ active }) => active)).toEqual([false, false])
      expect(await kit.storage.sharings.list('acct-1', NOW, 1)).toHaveLength(1)
    })

    it('tells why and when a grant ended before its time', async () => {
      const { grantId } = await share()
      const token = await makeToken(kit, 'RefreshToken', grantId)
      kit.travelTo(NOW + 7)
      await kit.adapter('RefreshToken').consume(token)
      await expect(kit.adapter('RefreshToken').consume(token)).rejects.toBeInstanceOf(errors.InvalidGrant)
      expect(await list()).toMatchObject([{ active: false, ending: { reason: 'reuse', at: NOW + 7 } }])
    })

    it('is found by indexes: her consents, their grants, their endings', async () => {
      if (kind === 'pglite') return expect(await list()).toEqual([]) // the same planner, and tables of a row each
      await share()
      await sql`insert into event (id, at, type, account_id, grant_id, data)
        select gen_random_uuid(), now(), 'access_token.issued', 'acct-1', 'grant-' || n, '{}'
        from generate_series(1, 3000) n`.execute(kit.database.db())
      await sql`analyze event`.execute(kit.database.db())
      kit.statements()
      await list()
      const [text = ''] = kit.statements()
      const plan = await kit.database.transact(async () => {
        await sql`set local enable_seqscan = off`.execute(kit.database.db())
        await sql.raw(`prepare sharing_plan as ${text}`).execute(kit.database.db())
        const { rows } = await sql
          .raw<Record<string, string>>(`explain execute sharing_plan('acct-1', ${NOW}, 100)`)
          .execute(kit.database.db())
        return rows.map((row) => row['QUERY PLAN']).join('\n')
      })
      for (const index of ['consent_account', 'oidc_grant_pkey', 'event_ending']) expect(plan).toContain(index)
      expect(plan).not.toContain('Seq Scan')
    })
  })

  describe('withdraw — DPDP Act 2023 §6(4), (6)', () => {
    it('ends every grant for that app with its tokens, deletes the values and tells it of each consent', async () => {
      const [one, two] = [await share(), await share()]
      const token = await makeToken(kit, 'RefreshToken', one.grantId)
      kit.travelTo(NOW + 5)
      expect(await withdraw()).toBe(2)
      for (const { grantId } of [one, two]) expect(await kit.adapter('Grant').find(grantId)).toBeUndefined()
      expect(await kit.adapter('RefreshToken').find(token)).toBeUndefined()
      expect(await valuesLeft()).not.toContain(one.id)
      expect(await list()).toMatchObject([
        { active: false, ending: { reason: 'withdrawn', at: NOW + 5 } },
        { active: false, ending: { reason: 'withdrawn', at: NOW + 5 } },
      ])
      const history = await kit.storage.events.history({ accountId: 'acct-1', type: 'consent.withdrawn' })
      expect(history.slice(-2)).toMatchObject([
        { body: { consentId: one.id }, clientId: 'shop', grantId: one.grantId },
        { body: { consentId: two.id }, clientId: 'shop', grantId: two.grantId },
      ])
    })

    it('leaves other apps and other people alone, and a second time does nothing', async () => {
      const [own, bank, other] = [
        await share(),
        await share({ clientId: 'bank' }),
        await share({ accountId: 'acct-2' }),
      ]
      await withdraw()
      expect(await withdraw()).toBe(0)
      expect(await kit.adapter('Grant').find(own.grantId)).toBeUndefined()
      for (const { grantId } of [bank, other]) expect(await kit.adapter('Grant').find(grantId)).toBeDefined()
      expect(await valuesLeft()).toEqual(expect.arrayContaining([bank.id, other.id]))
    })

    it('deletes the values of a consent whose grant ended before', async () => {
      const { grantId, id } = await share()
      await kit.adapter('Grant').destroy(grantId)
      expect(await withdraw()).toBe(1)
      expect(await valuesLeft()).not.toContain(id)
    })

    it('does all of it or nothing', async () => {
      const { grantId, id } = await share()
      const failed = kit.database.transact(async () => {
        await withdraw()
        throw new Error('the transaction around it failed')
      })
      await expect(failed).rejects.toThrow('the transaction around it failed')
      expect(await kit.adapter('Grant').find(grantId)).toBeDefined()
      expect(await valuesLeft()).toContain(id)
    })

    it('refuses tokens that are being issued meanwhile', async () => {
      const { grantId } = await share()
      await withdraw()
      await expect(makeToken(kit, 'AccessToken', grantId)).rejects.toBeInstanceOf(errors.InvalidGrant)
    })
  })
})
