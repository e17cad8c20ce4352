import { describe, expect, it } from 'vitest'
import { createClientCache } from '../../adapters/client-cache.ts'
import { openDatabase } from '../../adapters/database.ts'
import type { ClientStore, StoredClient } from '../../src/provider/stores.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import { aClient, assembleKit, NOW } from './kit.ts'

const changed = (clientId: string) => ({ body: { type: 'client.changed' }, clientId }) as const

describe('Client cache of two instances over one PostgreSQL', () => {
  const freshUrl = freshPostgresUrl()

  it('serves a new client at once, and a changed or removed one within a second', async () => {
    const url = await freshUrl()
    await using first = await openDatabase({ url })
    await using second = await openDatabase({ url })
    const [here, there] = [assembleKit(first), assembleKit(second)]
    expect(await there.adapter('Client').find('shop')).toBeUndefined()
    await here.storage.clients.put(aClient('shop', { metadata: { client_name: 'One' } }), changed('shop'))
    expect(await there.adapter('Client').find('shop')).toMatchObject({ client_name: 'One' })
    await here.storage.clients.put(aClient('shop', { metadata: { client_name: 'Two' } }), changed('shop'))
    there.travelTo(NOW + 1)
    expect(await there.adapter('Client').find('shop')).toMatchObject({ client_name: 'Two' })
    await here.storage.clients.remove('shop', changed('shop'))
    there.travelTo(NOW + 2)
    expect(await there.adapter('Client').find('shop')).toBeUndefined()
  })
})

describe('Client cache', () => {
  function counted(clients: Map<string, StoredClient>) {
    const calls = { version: 0, find: 0 }
    let version = 1
    const store: Pick<ClientStore, 'find' | 'version'> = {
      async version() {
        calls.version += 1
        return version
      },
      async find(id) {
        calls.find += 1
        return clients.get(id)
      },
    }
    return { calls, store: store as ClientStore, raise: () => (version += 1) }
  }

  it('asks for the version once a second and for a client once, however many ask at once', async () => {
    let now = NOW
    const { calls, store } = counted(new Map([['shop', aClient('shop')]]))
    const cache = createClientCache(store, () => now)
    await cache.find('shop')
    await Promise.all(Array.from({ length: 50 }, () => cache.find('shop')))
    expect(calls).toEqual({ version: 1, find: 1 })
    now += 1
    await Promise.all(Array.from({ length: 50 }, () => cache.find('shop')))
    expect(calls).toEqual({ version: 2, find: 1 })
  })

  it('never remembers that a client was missing', async () => {
    const clients = new Map<string, StoredClient>()
    const cache = createClientCache(counted(clients).store, () => NOW)
    expect(await cache.find('shop')).toBeUndefined()
    clients.set('shop', aClient('shop'))
    expect(await cache.find('shop')).toBeDefined()
  })

  it('does not keep an answer that a change overtook', async () => {
    let now = NOW
    const clients = new Map([['shop', aClient('shop', { updatedAt: 1 })]])
    const { store, raise } = counted(clients)
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow: ClientStore = {
      ...store,
      async find(id) {
        const found = await store.find(id)
        if (found?.updatedAt === 1) await held // the old answer is on its way for long
        return found
      },
    }
    const cache = createClientCache(slow, () => now)
    const late = cache.find('shop')
    await new Promise((resolve) => setImmediate(resolve))
    clients.set('shop', aClient('shop', { updatedAt: 2 }))
    raise()
    now += 1
    expect(await cache.find('shop')).toMatchObject({ updatedAt: 2 })
    release()
    expect(await late).toMatchObject({ updatedAt: 1 })
    expect(await cache.find('shop')).toMatchObject({ updatedAt: 2 })
  })

  it('asks again after the version could not be read', async () => {
    const { store } = counted(new Map([['shop', aClient('shop')]]))
    let down = true
    const cache = createClientCache(
      {
        ...store,
        version: async () => {
          if (down) throw new Error('down')
          return 1
        },
      },
      () => NOW,
    )
    await expect(cache.find('shop')).rejects.toThrow('down')
    down = false
    expect(await cache.find('shop')).toBeDefined()
  })
})
