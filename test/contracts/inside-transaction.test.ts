import { randomBytes, randomUUID } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { sweep } from '../../adapters/sweep.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { aClient, anAttempt, type Kit, makeGrant, makeInteraction, makeToken, NOW, newBearer, openKit } from './kit.ts'

const event = { body: { type: 'client.changed' }, clientId: 'shop' } as const
const bytes = Buffer.from('x')
const place = { table: 't', column: 'c', row: 'r' }

/** Every method that reaches the database. On PGlite one that used the outer connection would wait for ever. */
const METHODS: [string, (kit: Kit) => Promise<unknown>][] = [
  [
    'accounts',
    async ({ storage: { accounts } }) => {
      await accounts.findByKey(randomBytes(32))
      await accounts.find('nobody')
    },
  ],
  [
    'attempts',
    async (kit) => {
      const { attempts } = kit.storage
      const attempt = anAttempt({ interactionUid: await makeInteraction(kit) })
      await attempts.open(attempt, event)
      await attempts.claim(attempt.stateHash, attempt.browserHash, NOW)
      const settled = { sealedOutcome: bytes, expiresAt: NOW, accountKey: undefined, session: undefined }
      await attempts.settle(attempt.id, settled, [event])
      await attempts.amend(attempt.id, bytes, bytes, [event])
      await attempts.findByInteraction(attempt.interactionUid)
      await attempts.findByBrowser(attempt.browserHash, NOW)
    },
  ],
  [
    'upstreamSessions',
    async ({ storage: { upstreamSessions } }) => {
      const id = randomUUID()
      await upstreamSessions.find(id, NOW)
      await upstreamSessions.lease(id, 0, NOW, NOW + 1)
      await upstreamSessions.release(id, 0)
      await upstreamSessions.replace(id, 0, { sealed: bytes, accessEndsAt: NOW })
      await upstreamSessions.end(id, NOW)
      await upstreamSessions.takeEnded(NOW, NOW + 1, 5)
      await upstreamSessions.remove(id)
    },
  ],
  [
    'clients',
    async ({ storage: { clients, clientCache } }) => {
      await clients.put(aClient('shop'), event)
      await clients.find('shop')
      await clients.list()
      await clients.version()
      await clientCache.find('shop')
      await clients.remove('shop', event)
    },
  ],
  [
    'consents',
    async ({ storage: { consents } }) => {
      await consents.findByGrant('g')
      await consents.deleteExpiredValues(NOW + 1000, 10)
    },
  ],
  [
    'sharings',
    async ({ storage: { sharings } }) => {
      await sharings.list('acct-1', NOW, 10)
      await sharings.withdraw('acct-1', 'shop')
    },
  ],
  [
    'postedRequests',
    async ({ storage: { postedRequests } }) => {
      await postedRequests.put('handle', bytes, NOW)
      await postedRequests.take('handle', NOW)
    },
  ],
  [
    'logouts',
    async ({ storage: { logouts } }) => {
      const delivery = { id: randomUUID(), clientId: 'shop', accountId: 'acct-1', sid: undefined, attempts: 1 }
      await logouts.takeDue(NOW, NOW + 1, 5, 5, {})
      await logouts.postpone(delivery, NOW)
      await logouts.settle(delivery, event)
      await logouts.findEnded(NOW, 5)
    },
  ],
  [
    'events',
    async ({ storage: { events } }) => {
      await events.append([event])
      await events.history({})
    },
  ],
  [
    'signing keys',
    async ({ storage: { signingKeys } }) => {
      await signingKeys.insertIfNone(
        {
          kid: randomUUID(),
          alg: 'EdDSA',
          state: 'current',
          holder: 'sealed',
          publicJwk: undefined,
          sealedPrivateJwk: bytes,
          createdAt: NOW,
        },
        event,
      )
      await signingKeys.list()
      await signingKeys.usedKids('EdDSA')
    },
  ],
  [
    'rate counts',
    async ({ storage: { rateCounts } }) => {
      await rateCounts.add([{ key: 'k', endsAt: NOW, hits: 1 }])
      await rateCounts.removeEnded(NOW)
    },
  ],
  [
    'rail credentials',
    async ({ storage: { railCredentials } }) => {
      await railCredentials.put({
        rail: 'r',
        clientId: 'c',
        sealedSecret: bytes,
        sealedPreviousSecret: undefined,
        configuredHash: undefined,
        changedAt: NOW,
      })
      await railCredentials.find('r')
    },
  ],
  [
    'data keys',
    async ({ storage: { dataKeys } }) => {
      const key = { id: randomUUID(), owner: `account:${randomUUID()}`, kekId: 'k', wrapped: bytes } as const
      await dataKeys.insertOrFind(key)
      await dataKeys.findById(key.id)
      await dataKeys.findByOwner(key.owner)
      await dataKeys.listNotUnder('other', 10)
      await dataKeys.rewrap(key.id, 'k', 'k2', bytes)
      await dataKeys.deleteByOwner(key.owner)
    },
  ],
  [
    'vault',
    async ({ vault }) => {
      const owner = `account:${randomUUID()}` as const
      await vault.open(owner, place, await vault.seal(owner, place, 'value'))
      await vault.destroyOwner(owner)
    },
  ],
  [
    'engine adapter',
    async (kit) => {
      const grantId = await makeGrant(kit)
      const code = await makeToken(kit, 'AuthorizationCode', grantId)
      await kit.adapter('AuthorizationCode').find(code)
      await kit.adapter('AuthorizationCode').consume(code)
      await kit.adapter('AuthorizationCode').destroy(code)
      const id = newBearer()
      await kit.adapter('Session').upsert(id, { uid: id, exp: NOW + 60 }, 60)
      await kit.adapter('Session').find(id)
      await kit.adapter('Session').findByUid(id)
      await kit.adapter('Session').destroy(id)
      await kit.adapter('DeviceCode').upsert(id, { userCode: id, exp: NOW + 60 }, 60)
      await kit.adapter('DeviceCode').findByUserCode(id)
      await kit.adapter('Grant').find(grantId)
      await kit.adapter('AccessToken').revokeByGrantId(grantId)
      await kit.adapter('Client').find('none')
    },
  ],
  [
    'replay and sweep',
    async ({ storage, database }) => {
      await storage.insertReplay('i', randomUUID(), NOW)
      await sweep(database, NOW + 10_000, 10)
    },
  ],
]

describeOnEachDatabase('Every store inside a transaction', (open) => {
  let kit: Kit
  beforeAll(async () => {
    kit = await openKit(open)
  })

  it.each(METHODS)('joins it: %s', async (_name, use) => {
    kit.statements()
    await kit.database.transact(() => use(kit))
    expect(kit.statements().filter((text) => text === 'begin')).toHaveLength(1)
  })

  it('covers every store there is', () => {
    const uncovered = Object.keys(kit.storage).filter(
      (name) => !['memo', 'clientCache', 'insertReplay', 'tokenBatch', 'versions'].includes(name),
    )
    expect(uncovered).toEqual([
      'events',
      'clients',
      'dataKeys',
      'accounts',
      'attempts',
      'consents',
      'sharings',
      'upstreamSessions',
      'logouts',
      'postedRequests',
      'signingKeys',
      'railCredentials',
      'rateCounts',
    ])
  })
})

describeOnEachDatabase('Vault and transactions', (open) => {
  it('does not remember a data key that was rolled back', async () => {
    const { vault, database } = await openKit(open)
    const owner = 'account:rolled-back'
    const undone = database.transact(async () => {
      await vault.open(owner, place, await vault.seal(owner, place, 'never'))
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    const sealed = await vault.seal(owner, place, 'kept')
    expect((await vault.open(owner, place, sealed)).toString()).toBe('kept')
    expect(await database.db().selectFrom('data_key').select('owner').execute()).toEqual([{ owner }])
  })

  it('does not wait inside a transaction for a key that somebody outside is making', async () => {
    const { vault, database } = await openKit(open)
    const work = database.transact(async () => {
      await database.ping()
      return vault.seal('account:other', place, 'inside')
    })
    const outside = vault.seal('account:other', place, 'outside')
    const [inner, outer] = await Promise.all([work, outside])
    expect((await vault.open('account:other', place, inner)).toString()).toBe('inside')
    expect((await vault.open('account:other', place, outer)).toString()).toBe('outside')
  })

  it('gives one key to twenty who seal for a new owner at once', async () => {
    const { vault, database } = await openKit(open)
    const sealed = await Promise.all(Array.from({ length: 20 }, (_, n) => vault.seal('system', place, `value ${n}`)))
    for (const [n, value] of sealed.entries())
      expect((await vault.open('system', place, value)).toString()).toBe(`value ${n}`)
    expect(await database.db().selectFrom('data_key').select('owner').execute()).toHaveLength(1)
  })
})
