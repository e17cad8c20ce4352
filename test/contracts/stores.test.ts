import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { DwarEvent } from '../../src/privacy/event.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import {
  aClient,
  aConsent,
  anAttempt,
  grantedPart,
  insertAccount,
  insertConsent,
  type Kit,
  makeGrant,
  makeInteraction,
  makeToken,
  NOW,
  openKit,
} from './kit.ts'

const added = { body: { type: 'client.added' }, clientId: 'any' } as const

describeOnEachDatabase('AccountStore', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })

  it('finds an account by its id and by its key', async () => {
    const key = randomBytes(32)
    await insertAccount(kit, 'acct-known', key)
    expect(await kit.storage.accounts.find('acct-known')).toEqual({ id: 'acct-known' })
    expect(await kit.storage.accounts.findByKey(key)).toEqual({ id: 'acct-known' })
  })

  it('finds no account that was not made', async () => {
    expect(await kit.storage.accounts.find('nobody')).toBeUndefined()
    expect(await kit.storage.accounts.findByKey(randomBytes(32))).toBeUndefined()
  })
})

describeOnEachDatabase('AttemptStore', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })
  const started = (attemptId: string) =>
    ({ body: { type: 'rail.started', rail: 'digilocker', attemptId, doctypes: [] as string[] } }) satisfies DwarEvent
  const opened = async (more: Parameters<typeof anAttempt>[0] = {}) => {
    const attempt = anAttempt({ ...more, interactionUid: more.interactionUid ?? (await makeInteraction(kit)) })
    await kit.storage.attempts.open(attempt, { ...started(attempt.id), interactionUid: attempt.interactionUid })
    return attempt
  }

  it('opens with its event in one statement', async () => {
    const interactionUid = await makeInteraction(kit)
    kit.statements()
    const attempt = await opened({ interactionUid })
    expect(kit.statements()).toHaveLength(1)
    const [event] = await kit.storage.events.history({ interactionUid: attempt.interactionUid })
    expect(event).toMatchObject({ body: started(attempt.id).body, clientId: 'shop', at: NOW })
  })

  it.each([
    ['is none', async () => 'nobody'],
    ['has ended', async () => makeInteraction(kit, undefined, { exp: NOW - 16 })],
  ])('does not open, and tells of nothing, where the interaction %s', async (_case, uid) => {
    const attempt = anAttempt({ interactionUid: await uid() })
    expect(await kit.storage.attempts.open(attempt, started(attempt.id))).toBe(false)
    expect(await kit.storage.attempts.findByInteraction(attempt.interactionUid)).toBeUndefined()
    const events = await kit.storage.events.history({})
    expect(events.filter(({ body }) => 'attemptId' in body && body.attemptId === attempt.id)).toEqual([])
  })

  describe('begun anew', () => {
    const session = { rail: 'digilocker', sealed: Buffer.from('sealed'), accessEndsAt: NOW + 3600, endsAt: NOW + 1200 }
    const sessionOf = (id: string) =>
      kit.storage.attempts.settle(
        id,
        { sealedOutcome: Buffer.from('outcome'), expiresAt: NOW + 1200, accountKey: undefined, session },
        [],
      )
    const isOpen = async (id: string) => (await kit.storage.upstreamSessions.find(id, NOW)) !== undefined

    it('ends the upstream sessions of the same interaction at once, in its own statement, and no others', async () => {
      const { interactionUid, id } = await opened()
      const stranger = await opened()
      await sessionOf(id)
      await sessionOf(stranger.id)
      kit.statements()
      await opened({ interactionUid })
      expect(kit.statements()).toHaveLength(1)
      expect([await isOpen(id), await isOpen(stranger.id)]).toEqual([false, true])
      const ended = await kit.storage.upstreamSessions.takeEnded(NOW, NOW + 30, 100)
      expect(ended.map((session) => session.id)).toContain(id)
    })

    it('leaves a session alone that lives with a grant', async () => {
      const { interactionUid, id } = await opened()
      await sessionOf(id)
      await kit.database.db().updateTable('upstream_session').set({ grant_id: 'hers' }).where('id', '=', id).execute()
      await opened({ interactionUid })
      expect(await isOpen(id)).toBe(true)
    })

    it('lets the former one, when it comes back late, open nothing that lasts', async () => {
      const former = await opened({ id: kit.database.newId() })
      const latter = await opened({ id: kit.database.newId(), interactionUid: former.interactionUid })
      await sessionOf(former.id)
      await sessionOf(latter.id)
      expect([await isOpen(former.id), await isOpen(latter.id)]).toEqual([false, true])
    })
  })

  it('is claimed by exactly one of twenty racing returns', async () => {
    const attempt = await opened()
    const claims = await Promise.all(
      Array.from({ length: 20 }, () => kit.storage.attempts.claim(attempt.stateHash, attempt.browserHash, NOW + 1)),
    )
    expect(claims.filter((claim) => 'attempt' in claim)).toHaveLength(1)
    expect(claims.filter((claim) => 'refused' in claim && claim.refused === 'used')).toHaveLength(19)
  })

  it('gives back what was kept', async () => {
    const { stateHash, browserHash, ...attempt } = await opened()
    const claim = await kit.storage.attempts.claim(stateHash, browserHash, NOW + 1)
    expect(claim).toEqual({ attempt: { ...attempt, usedAt: NOW + 1, sealedOutcome: undefined } })
  })

  it.each([
    ['an unknown state', 'unknown', { state: true }],
    ['another browser', 'browser', { browser: Buffer.alloc(32, 9) }],
    ['no browser at all', 'browser', { browser: undefined }],
    ['a return at the very end of its life', 'expired', { now: NOW + 600 }],
  ] as const)('refuses %s', async (_case, refused, change) => {
    const attempt = await opened()
    const state = 'state' in change ? randomBytes(32) : attempt.stateHash
    const browser = 'browser' in change ? change.browser : attempt.browserHash
    const now = 'now' in change ? change.now : NOW + 599
    expect(await kit.storage.attempts.claim(state, browser, now)).toMatchObject({ refused })
    // and was not used up by the refusal
    expect(await kit.storage.attempts.claim(attempt.stateHash, attempt.browserHash, NOW + 599)).toHaveProperty(
      'attempt',
    )
  })

  it('does not tell another browser that the attempt was used', async () => {
    const attempt = await opened()
    await kit.storage.attempts.claim(attempt.stateHash, attempt.browserHash, NOW)
    expect(await kit.storage.attempts.claim(attempt.stateHash, Buffer.alloc(32, 9), NOW)).toMatchObject({
      refused: 'browser',
    })
  })

  it('is settled once, with its events in the same statement', async () => {
    const attempt = await opened()
    kit.statements()
    const returned = {
      body: { type: 'rail.returned', rail: 'digilocker', attemptId: attempt.id },
      interactionUid: attempt.interactionUid,
    } as const
    const session = { rail: 'digilocker', sealed: Buffer.from('tokens'), accessEndsAt: NOW + 5, endsAt: NOW + 9 }
    const settled = { sealedOutcome: Buffer.from('outcome'), expiresAt: NOW + 1200, accountKey: undefined, session }
    await kit.storage.attempts.settle(attempt.id, settled, [returned])
    expect(kit.statements()).toHaveLength(1)
    expect(await kit.storage.upstreamSessions.find(attempt.id, NOW)).toMatchObject({ ...session, generation: 0 })
    const again = kit.storage.attempts.settle(attempt.id, { ...settled, session: undefined }, [returned])
    await expect(again).rejects.toMatchObject({ code: 'STORE_INPUT_REFUSED' })
    const found = await kit.storage.attempts.findByInteraction(attempt.interactionUid)
    expect(found?.sealedOutcome).toEqual(Buffer.from('outcome'))
    const history = await kit.storage.events.history({ interactionUid: attempt.interactionUid })
    expect(history.map((event) => event.body.type)).toEqual(['rail.started', 'rail.returned'])
  })

  it('keeps the upstream session of a journey that is gone: its tokens must be given back', async () => {
    const id = randomUUID()
    const session = { rail: 'digilocker', sealed: Buffer.from('tokens'), accessEndsAt: NOW + 5, endsAt: NOW + 9 }
    const settled = { sealedOutcome: Buffer.from('outcome'), expiresAt: NOW, accountKey: undefined, session }
    await expect(kit.storage.attempts.settle(id, settled, [])).rejects.toMatchObject({ code: 'STORE_INPUT_REFUSED' })
    expect(await kit.storage.upstreamSessions.find(id, NOW)).toMatchObject(session)
  })

  it('finds the newest of an interaction, and of a browser unless it has expired', async () => {
    const browserHash = randomBytes(32)
    const interactionUid = await makeInteraction(kit)
    const first = await opened({ id: kit.database.newId(), browserHash, interactionUid })
    const second = await opened({ id: kit.database.newId(), browserHash, interactionUid, expiresAt: NOW + 10 })
    expect((await kit.storage.attempts.findByInteraction(interactionUid))?.id).toBe(second.id)
    expect((await kit.storage.attempts.findByBrowser(browserHash, NOW + 9))?.id).toBe(second.id)
    expect((await kit.storage.attempts.findByBrowser(browserHash, NOW + 10))?.id).toBe(first.id)
  })
})

describeOnEachDatabase('ConsentStore', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })

  it('gives a consent back as it was given, values sealed', async () => {
    const consent = aConsent('grant-1')
    await insertConsent(kit, consent, Buffer.from('sealed'))
    expect(await kit.storage.consents.findByGrant('grant-1')).toEqual({
      ...grantedPart(consent),
      sealedValues: Buffer.from('sealed'),
    })
  })

  it('answers with the newest consent of a grant', async () => {
    const older = aConsent('grant-2', { id: kit.database.newId() })
    const newer = aConsent('grant-2', { id: kit.database.newId(), requestDigest: 'cd'.repeat(32) })
    await insertConsent(kit, older, Buffer.from('1'))
    await insertConsent(kit, newer, Buffer.from('2'))
    expect(await kit.storage.consents.findByGrant('grant-2')).toMatchObject({
      id: newer.id,
      requestDigest: newer.requestDigest,
    })
    expect(await kit.storage.consents.findByGrant('grant-none')).toBeUndefined()
  })

  it('gives no values out once their retention is over, swept or not', async () => {
    await insertConsent(kit, aConsent('grant-3', { retainUntil: NOW + 100 }), Buffer.from('sealed'))
    kit.travelTo(NOW + 99)
    expect((await kit.storage.consents.findByGrant('grant-3'))?.sealedValues).toBeDefined()
    kit.travelTo(NOW + 100)
    expect((await kit.storage.consents.findByGrant('grant-3'))?.sealedValues).toBeUndefined()
    kit.travelTo(NOW)
  })

  it('deletes values past their retention in batches, an event each, and keeps the consent', async () => {
    for (const grant of ['d1', 'd2', 'd3'])
      await insertConsent(kit, aConsent(grant, { retainUntil: NOW + 50 }), Buffer.from('v'))
    expect(await kit.storage.consents.deleteExpiredValues(NOW + 49, 10)).toBe(0)
    expect(await kit.storage.consents.deleteExpiredValues(NOW + 50, 2)).toBe(2)
    expect(await kit.storage.consents.deleteExpiredValues(NOW + 50, 2)).toBe(1)
    expect(await kit.storage.consents.deleteExpiredValues(NOW + 50, 2)).toBe(0)
    expect(await kit.storage.events.history({ type: 'values.expired' })).toHaveLength(3)
    expect(await kit.storage.consents.findByGrant('d1')).toMatchObject({ accountId: 'acct-1', sealedValues: undefined })
  })
})

describeOnEachDatabase('ClientStore', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })

  it('keeps, replaces, lists and removes, raising the version each time', async () => {
    const { clients } = kit.storage
    const versions = [await clients.version()]
    const client = aClient('one', { sealedSecret: Buffer.from('sealed') })
    await clients.put(client, { ...added, clientId: 'one' })
    versions.push(await clients.version())
    expect(await clients.find('one')).toEqual(client)
    await clients.put(
      { ...client, sealedSecret: undefined, updatedAt: NOW + 5 },
      { body: { type: 'client.changed' }, clientId: 'one' },
    )
    versions.push(await clients.version())
    expect(await clients.find('one')).toEqual({ ...client, sealedSecret: undefined, updatedAt: NOW + 5 })
    expect((await clients.list()).map((each) => each.id)).toEqual(['one'])
    expect(await clients.remove('one', { body: { type: 'client.removed' }, clientId: 'one' })).toBe(true)
    versions.push(await clients.version())
    expect(await clients.find('one')).toBeUndefined()
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b))
    expect((await kit.storage.events.history({ clientId: 'one' })).map((event) => event.body.type)).toEqual([
      'client.added',
      'client.changed',
      'client.removed',
    ])
  })

  it('changes nothing when the event cannot be kept', async () => {
    const before = await kit.storage.clients.version()
    await expect(kit.storage.clients.put(aClient('half'), { ...added, clientId: 'a\0b' })).rejects.toMatchObject({
      code: 'STORE_INPUT_REFUSED',
    })
    expect(await kit.storage.clients.find('half')).toBeUndefined()
    expect(await kit.storage.clients.version()).toBe(before)
  })

  it('gives metadata in one order of keys, whatever the order it was kept in', async () => {
    await kit.storage.clients.put(aClient('order', { metadata: { b: 1, aa: 2, c: 3, a: 4 } }), added)
    expect(JSON.stringify((await kit.storage.clients.find('order'))?.metadata)).toBe('{"a":4,"aa":2,"b":1,"c":3}')
  })

  it('revokes the grants of a removed client, and says that there was none to remove', async () => {
    await kit.storage.clients.put(aClient('shop'), added)
    const grantId = await makeGrant(kit)
    const token = await makeToken(kit, 'AccessToken', grantId)
    expect(await kit.storage.clients.remove('shop', { body: { type: 'client.removed' }, clientId: 'shop' })).toBe(true)
    expect(await kit.adapter('AccessToken').find(token)).toBeUndefined()
    expect(await kit.storage.events.history({ type: 'grant.revoked' })).toMatchObject([
      { grantId, clientId: 'shop', accountId: 'acct-1' },
    ])
    expect(await kit.storage.clients.remove('shop', { body: { type: 'client.removed' }, clientId: 'shop' })).toBe(false)
  })
})

describeOnEachDatabase('RailCredentialStore', (open) => {
  it('keeps the current secret and the previous one', async () => {
    const { railCredentials } = (await openKit(open)).storage
    expect(await railCredentials.find('digilocker')).toBeUndefined()
    const first = {
      rail: 'digilocker',
      clientId: 'c1',
      sealedSecret: Buffer.from('1'),
      sealedPreviousSecret: undefined,
      configuredHash: undefined,
      changedAt: NOW,
    }
    await railCredentials.put(first)
    expect(await railCredentials.find('digilocker')).toEqual(first)
    const second = {
      ...first,
      sealedSecret: Buffer.from('2'),
      sealedPreviousSecret: Buffer.from('1'),
      configuredHash: Buffer.from('h'),
    }
    await railCredentials.put(second)
    expect(await railCredentials.find('digilocker')).toEqual(second)
  })
})

describeOnEachDatabase('EventStore', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })

  it('gives events back whole and in order, by each filter', async () => {
    const events = [
      { body: { type: 'login.started', scopes: ['openid'], claims: [] }, clientId: 'shop', interactionUid: 'i1' },
      { body: { type: 'code.issued' }, clientId: 'shop', accountId: 'a1', grantId: 'g1', incidentId: 'x1' },
    ] as const
    await kit.storage.events.append([events[0] as never, events[1]])
    await kit.storage.events.append([])
    const history = await kit.storage.events.history({ clientId: 'shop' })
    expect(history).toEqual(events.map((event) => expect.objectContaining({ ...event, at: NOW })))
    expect(history[0]?.id.localeCompare(history[1]?.id ?? '')).toBe(-1)
    expect(await kit.storage.events.history({ accountId: 'a1' })).toHaveLength(1)
    expect(await kit.storage.events.history({ interactionUid: 'i1' })).toHaveLength(1)
    expect(await kit.storage.events.history({ type: 'code.issued', clientId: 'shop' })).toHaveLength(1)
    expect(await kit.storage.events.history({ accountId: 'a2' })).toEqual([])
  })

  it('leaves no event of an act that was undone', async () => {
    const undone = kit.database.transact(async () => {
      await kit.storage.events.append([{ body: { type: 'client.changed' }, clientId: 'undone' }])
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    expect(await kit.storage.events.history({ clientId: 'undone' })).toEqual([])
  })
})
