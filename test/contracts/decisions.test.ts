import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { hashId } from '../../adapters/oidc-parts.ts'
import { STORE_REQUEST } from '../../adapters/oidc-sql.ts'
import { createEntry } from '../../src/provider/interactions/entry.ts'
import type { Acceptance, EarlierAcceptance, RailAttempt } from '../../src/provider/stores.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import {
  anAcceptance,
  anAttempt,
  grantedPart,
  insertAccount,
  type Kit,
  makeInteraction,
  makeReturn,
  NOW,
  newBearer,
  openKit,
} from './kit.ts'

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
    const refuse = () => kit.decisions.close({ interaction: refusal, attemptId: attempt.id, event })
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

  it('opens her own page once for a journey, and none for who is not known', async () => {
    const [attempt, account] = [await makeReturn(kit), await known()]
    const { interaction } = anAcceptance(attempt)
    const enter = (key: Buffer) => {
      const { accounts } = kit.storage
      const identity = { rail: 'digilocker', subject: 'x', asserted: {}, documents: [] } as const
      const returned = { attemptId: attempt.id, identity, sessionOpen: false }
      const asked = { uid: attempt.interactionUid, clientId: 'dwar-account', acrValues: undefined, claims: undefined }
      return createEntry({ accounts, decisions: kit.decisions, hash: () => key }).enter(
        asked,
        returned,
        async (result) => ({
          ...interaction,
          payload: { ...interaction.payload, result },
        }),
      )
    }
    const stranger = async () => expect(enter(randomBytes(32))).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
    expect(await added(stranger)).toEqual(nothing)
    expect(await added(() => enter(account.key))).toEqual({ ...nothing, event: 1, rail_attempt: -1 })
    expect(await resultOf(attempt)).toMatchObject({ login: { accountId: account.id } })
    const again = async () => expect(enter(account.key)).rejects.toMatchObject({ code: 'INTERACTION_OUT_OF_ORDER' })
    expect(await added(again)).toEqual(nothing)
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
    const late = async () => expect(await kit.decisions.leave(interaction, event)).toBe(false)
    expect(await added(late)).toEqual(nothing)
    expect(await kit.adapter('Interaction').find(attempt.interactionUid)).toBeUndefined()
  })

  it('begins no journey once she has decided', async () => {
    const { interactionUid, id } = await makeReturn(kit)
    const { interaction, event } = anAcceptance({ ...(await makeReturn(kit)), interactionUid, id })
    expect(await kit.decisions.leave(interaction, event)).toBe(true)
    expect(await kit.storage.attempts.open(anAttempt({ interactionUid }), event)).toBe(false)
  })

  describe('on the strength of an earlier consent', () => {
    const agreed = { ...nothing, oidc_grant: 1, consent: 1, consent_value: 1, event: 1 }

    interface EarlierYes extends EarlierAcceptance {
      readonly earlierGrant: string
    }

    /** Her yes to what she shared before. */
    async function anEarlierYes(interactionUid?: string): Promise<EarlierYes> {
      const account = await known()
      const earlier = anAcceptance(await makeReturn(kit), { account })
      expect(await kit.decisions.accept(earlier)).toBe('accepted')
      const uid = interactionUid ?? (await makeInteraction(kit))
      const { interaction, grant, sealedValues, ...yes } = anAcceptance(
        { ...(await makeReturn(kit)), interactionUid: uid },
        { account },
      )
      const consent = { ...yes.consent, id: randomUUID() }
      const [basedOn, earlierGrant] = [earlier.consent.id, earlier.grant.id]
      return { interaction, grant, consent, sealedValues, event: yes.event, basedOn, earlierGrant }
    }
    const anew = (yes: EarlierAcceptance): EarlierAcceptance => {
      const id = newBearer()
      const consent = { ...yes.consent, id: randomUUID(), grantId: id }
      return { ...yes, grant: { ...yes.grant, id }, consent }
    }
    const attemptOf = async (yes: EarlierAcceptance) => {
      const attempt = anAttempt({ id: kit.database.newId(), interactionUid: yes.interaction.id })
      expect(await kit.storage.attempts.open(attempt, yes.event)).toBe(true)
      return { ...attempt, usedAt: undefined, sealedOutcome: undefined }
    }
    /** As the request that resumes it does: with its code, of which there is none here. */
    const resume = (uid: string) => {
      const hash = hashId(uid)
      const rows = JSON.stringify([{ model: 'Interaction', id: hash.toString('hex'), expires_at: 0 }])
      const values = [rows, '[]', 1, '{}', '[]', '{}', hash, null, null, null, null, null, null, false]
      return kit.database.hot(STORE_REQUEST.name, STORE_REQUEST.text, values)
    }
    const storedFor = async ({ interaction }: EarlierAcceptance) => kit.adapter('Interaction').find(interaction.id)

    it('writes her yes in one statement, with its result, and forgets journeys begun meanwhile', async () => {
      const yes = await anEarlierYes()
      await attemptOf(yes)
      const change = await added(async () => {
        kit.statements()
        expect(await kit.decisions.acceptEarlier(yes)).toBe('accepted')
        expect(kit.statements()).toHaveLength(1)
      })
      expect(change).toEqual({ ...agreed, rail_attempt: -1 })
      expect((await storedFor(yes))?.result).toEqual(yes.interaction.payload.result)
    })

    it('takes the first of twenty answers', async () => {
      const yes = await anEarlierYes()
      const change = await added(async () => {
        const answers = Array.from({ length: 20 }, () => kit.decisions.acceptEarlier(anew(yes)))
        expect((await Promise.all(answers)).sort()).toEqual(['accepted', ...Array(19).fill('decided')])
      })
      expect(change).toEqual(agreed)
    })

    it('counts one of ten yes and ten no at once', async () => {
      const yes = await anEarlierYes()
      const change = await added(async () => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, async (_, index) =>
            index % 2 === 0
              ? (await kit.decisions.acceptEarlier(anew(yes))) === 'accepted'
              : kit.decisions.leave(yes.interaction, yes.event),
          ),
        )
        expect(answers.filter(Boolean)).toHaveLength(1)
      })
      expect(change.event).toBe(1)
      expect([0, 1]).toContain(change.oidc_grant)
    })

    it('counts one of a yes to it and a yes to a new journey', async () => {
      const yes = await anEarlierYes()
      const journey = anAcceptance(await attemptOf(yes), { account: await known() })
      const change = await added(async () => {
        const answers = await Promise.all([kit.decisions.acceptEarlier(yes), kit.decisions.accept(journey)])
        expect(answers.sort()).toEqual(['accepted', 'decided'])
      })
      expect(change).toEqual({ ...agreed, rail_attempt: -1 })
    })

    it.each<[string, (yes: EarlierAcceptance) => Promise<unknown>]>([
      ['she said no', (yes) => kit.decisions.leave(yes.interaction, yes.event)],
      ['the login went on', (yes) => resume(yes.interaction.id)],
    ])('writes nothing once %s', async (_case, end) => {
      const yes = await anEarlierYes()
      await end(yes)
      const late = async () => expect(await kit.decisions.acceptEarlier(yes)).toBe('decided')
      expect(await added(late)).toEqual(nothing)
    })

    it('writes nothing for an interaction that never was', async () => {
      const yes = await anEarlierYes(newBearer())
      expect(await added(async () => expect(await kit.decisions.acceptEarlier(yes)).toBe('decided'))).toEqual(nothing)
    })

    it.each<[string, (yes: EarlierYes) => Promise<unknown>]>([
      ['withdrawn', (yes) => kit.storage.sharings.withdraw(yes.consent.accountId, 'shop')],
      ['past its retention', () => kit.storage.consents.deleteExpiredValues(NOW + 501, 1000)],
      ['revoked', (yes) => kit.adapter('Grant').destroy(yes.earlierGrant)],
      ["another person's", async (yes) => Object.assign(yes, { basedOn: (await anEarlierYes()).basedOn })],
    ])('writes nothing when the earlier consent is %s meanwhile, and she may be asked anew', async (_case, end) => {
      const yes = await anEarlierYes()
      await attemptOf(yes)
      await end(yes)
      expect(await added(async () => expect(await kit.decisions.acceptEarlier(yes)).toBe('outdated'))).toEqual(nothing)
      expect((await storedFor(yes))?.result).toBeUndefined()
    })
  })
})
