import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import type { Acceptance, RailAttempt } from '../../src/provider/stores.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { anAcceptance, grantedPart, insertAccount, type Kit, makeReturn, NOW, openKit } from './kit.ts'

const TABLES = ['account', 'data_key', 'oidc_grant', 'consent', 'consent_value', 'event', 'rail_attempt'] as const

describeOnEachDatabase('DecisionStore', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
    await kit.vault.seal('system', { table: 't', column: 'c', row: 'r' }, 'the key of the system is made')
  })

  const newcomer = () => ({ id: `acct-${randomUUID()}`, key: randomBytes(32) })
  const withKey = async (account: ReturnType<typeof newcomer>) => ({
    ...account,
    dataKey: (await kit.vault.draw(`account:${account.id}`)).wrapped,
  })
  const known = async () => {
    const account = newcomer()
    await insertAccount(kit, account.id, account.key)
    return { ...account, dataKey: undefined }
  }
  const sizes = async () => {
    const rows: Record<string, number> = {}
    for (const table of TABLES) {
      const { n } = await kit.database
        .db()
        .selectFrom(table)
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
      rows[table] = Number(n)
    }
    return rows
  }
  const added = async (work: () => Promise<unknown>) => {
    const before = await sizes()
    await work()
    const after = await sizes()
    return Object.fromEntries(TABLES.map((table) => [table, (after[table] ?? 0) - (before[table] ?? 0)]))
  }
  const nothing = Object.fromEntries(TABLES.map((table) => [table, 0]))
  const resultOf = async ({ interactionUid }: RailAttempt) =>
    (await kit.adapter('Interaction').find(interactionUid))?.result

  it('writes the yes of a new person in one statement', async () => {
    const attempt = await makeReturn(kit)
    const account = await withKey(newcomer())
    const acceptance = anAcceptance(attempt, { account })
    kit.statements()
    const change = await added(async () => {
      kit.statements()
      expect(await kit.decisions.accept(acceptance)).toBe('accepted')
      expect(kit.statements()).toHaveLength(1)
    })
    expect(change).toEqual({
      ...nothing,
      account: 1,
      data_key: 1,
      oidc_grant: 1,
      consent: 1,
      consent_value: 1,
      event: 1,
      rail_attempt: -1,
    })
    const values = { sealedValues: Buffer.from('values') }
    expect(await kit.storage.consents.findLive(account.id, 'shop', NOW)).toEqual({ ...acceptance.consent, ...values })
    expect(await kit.storage.consents.findByGrant(acceptance.grant.id)).toEqual({
      ...grantedPart(acceptance.consent),
      ...values,
    })
    expect(await kit.adapter('Grant').find(acceptance.grant.id)).toMatchObject({
      accountId: account.id,
      clientId: 'shop',
    })
    expect(await kit.storage.accounts.findByKey(account.key)).toEqual({ id: account.id })
    expect(await kit.storage.dataKeys.findByOwner(`account:${account.id}`)).toEqual(account.dataKey)
    expect(await resultOf(attempt)).toEqual({ login: { accountId: account.id } })
    const [event] = (await kit.storage.events.history({ interactionUid: attempt.interactionUid })).slice(-1)
    expect(event).toMatchObject({ accountId: account.id, grantId: acceptance.grant.id, clientId: 'shop' })
  })

  it('writes the yes of a known person, and no account', async () => {
    const attempt = await makeReturn(kit)
    const account = await known()
    const change = await added(() => kit.decisions.accept(anAcceptance(attempt, { account })))
    expect(change).toEqual({ ...nothing, oidc_grant: 1, consent: 1, consent_value: 1, event: 1, rail_attempt: -1 })
  })

  it.each<[string, () => Promise<Acceptance['account']>]>([
    ['was made meanwhile', async () => withKey({ ...newcomer(), key: (await known()).key })],
    ['was erased meanwhile', async () => ({ ...newcomer(), dataKey: undefined })],
  ])('writes nothing when the account %s', async (_case, account) => {
    const attempt = await makeReturn(kit)
    const acceptance = anAcceptance(attempt, { account: await account() })
    expect(await added(async () => expect(await kit.decisions.accept(acceptance)).toBe('outdated'))).toEqual(nothing)
    expect(await resultOf(attempt)).toBeUndefined()
  })

  it('takes the first of twenty answers', async () => {
    const attempt = await makeReturn(kit)
    const account = await known()
    const change = await added(async () => {
      const answers = Array.from({ length: 20 }, () => kit.decisions.accept(anAcceptance(attempt, { account })))
      expect((await Promise.all(answers)).sort()).toEqual(['accepted', ...Array(19).fill('decided')])
    })
    expect(change).toMatchObject({ oidc_grant: 1, consent: 1, event: 1 })
  })

  it('makes one account of twenty first logins at once', async () => {
    const person = newcomer()
    const attempts = await Promise.all(Array.from({ length: 20 }, () => makeReturn(kit)))
    const change = await added(async () => {
      const logins = attempts.map(async (attempt) => {
        const account = await withKey({ ...person, id: `acct-${randomUUID()}` })
        return kit.decisions.accept(anAcceptance(attempt, { account }))
      })
      expect((await Promise.all(logins)).sort()).toEqual(['accepted', ...Array(19).fill('outdated')])
    })
    expect(change).toMatchObject({ account: 1, data_key: 1, oidc_grant: 1, consent: 1, rail_attempt: -1 })
  })

  it('lets no yes follow a no', async () => {
    const attempt = await makeReturn(kit)
    const { interaction, event } = anAcceptance(attempt)
    const refusal = { ...interaction, payload: { ...interaction.payload, result: { error: 'access_denied' } } }
    const refuse = () => kit.decisions.refuse({ interaction: refusal, attemptId: attempt.id, event })
    expect(await added(async () => expect(await refuse()).toBe(true))).toEqual({
      ...nothing,
      event: 1,
      rail_attempt: -1,
    })
    expect(await resultOf(attempt)).toEqual({ error: 'access_denied' })
    expect(await added(async () => expect(await refuse()).toBe(false))).toEqual(nothing)
    const acceptance = anAcceptance(attempt, { account: await known() })
    expect(await added(async () => expect(await kit.decisions.accept(acceptance)).toBe('decided'))).toEqual(nothing)
  })

  it('makes no account for a journey that is over', async () => {
    const attempt = await makeReturn(kit)
    const account = await withKey(newcomer())
    const gone = anAcceptance({ ...attempt, id: randomUUID() }, { account })
    expect(await added(() => kit.decisions.accept(gone))).toEqual(nothing)
  })

  it('does not bring back an interaction that is over', async () => {
    const attempt = await makeReturn(kit)
    const { interaction, event } = anAcceptance(attempt)
    await kit.adapter('Interaction').destroy(attempt.interactionUid)
    expect(await added(() => kit.decisions.leave(interaction, event))).toEqual(nothing)
    expect(await kit.adapter('Interaction').find(attempt.interactionUid)).toBeUndefined()
  })
})
