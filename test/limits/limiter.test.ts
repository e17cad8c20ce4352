import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { limitedAddress } from '../../src/limits/address.ts'
import { type CountStore, createLimiter } from '../../src/limits/limiter.ts'
import { createKeyedHasher } from '../../src/vault/keyed-hash.ts'
import { NOW, openKit } from '../contracts/kit.ts'
import { describeOnEachDatabase } from '../support/databases.ts'

/** The beginning of a minute. */
const MINUTE = NOW - (NOW % 60)
const hash = (subject: string) => createHash('sha256').update(subject).digest('base64url').slice(0, 22)

describeOnEachDatabase('Limits of two instances over one store', (open) => {
  let now: number
  let store: CountStore
  beforeEach(async () => {
    now = MINUTE
    store = (await openKit(open)).storage.rateCounts
  })
  const instance = () => createLimiter({ store, hash, clock: () => now, onStore: () => undefined })

  it('share one limit from the next exchange on', async () => {
    const [here, there] = [instance(), instance()]
    for (let n = 0; n < 6; n += 1) here.count('a')
    for (let n = 0; n < 4; n += 1) there.count('a')
    expect([here.wait('a', 10), there.wait('a', 10)]).toEqual([undefined, undefined])
    await here.flush()
    await there.flush()
    expect(there.wait('a', 10)).toBe(60)
    here.count('a') // whoever counts on hears of the others at its next exchange
    await here.flush()
    now += 15
    expect(here.wait('a', 10)).toBe(45)
    expect(here.wait('b', 10)).toBeUndefined()
  })

  it('lose no count when both exchange at once, again and again', async () => {
    const instances = [instance(), instance(), instance()]
    for (let round = 0; round < 5; round += 1) {
      for (const one of instances) for (const subject of ['a', 'b', 'c']) one.count(subject)
      await Promise.all(instances.map((one) => one.flush()))
    }
    for (const one of instances) one.count('a')
    for (const one of instances) await one.flush()
    expect(instances.at(-1)?.wait('a', 18)).toBe(60)
    expect(instances.at(-1)?.wait('a', 19)).toBeUndefined()
  })

  it('begin anew each minute, and forget the minutes before', async () => {
    const one = instance()
    one.count('a')
    await one.flush()
    expect(one.wait('a', 1)).toBe(60)
    now += 60
    expect(one.wait('a', 1)).toBeUndefined()
    one.count('a')
    await one.flush()
    expect(await store.add([{ key: hash('a'), endsAt: MINUTE + 60, hits: 0 }])).toEqual([1])
    now += 120
    await one.removeEnded()
    expect(await store.add([{ key: hash('a'), endsAt: MINUTE + 60, hits: 0 }])).toEqual([0])
  })
})

describe('A limit', () => {
  it('stays open while the store is away, says so once, and hands over what it counted afterwards', async () => {
    const said: string[] = []
    const added: number[] = []
    let down = true
    const store: CountStore = {
      async add(counts) {
        if (down) throw new Error('down')
        added.push(...counts.map(({ hits }) => hits))
        return counts.map(({ hits }) => hits)
      },
      removeEnded: async () => undefined,
    }
    const one = createLimiter({ store, hash, clock: () => MINUTE, onStore: (state) => said.push(state) })
    one.count('a')
    await one.flush()
    one.count('a')
    await one.flush()
    expect(one.wait('a', 3)).toBeUndefined()
    expect(one.wait('a', 2)).toBe(60) // its own count still counts
    down = false
    await one.flush()
    expect([said, added]).toEqual([['away', 'back'], [2]])
  })

  it('asks the store for nothing when nothing was counted', async () => {
    let calls = 0
    const store: CountStore = {
      add: async () => {
        calls += 1
        return []
      },
      removeEnded: async () => undefined,
    }
    await createLimiter({ store, hash, clock: () => MINUTE, onStore: () => undefined }).flush()
    expect(calls).toBe(0)
  })

  it('keeps no address: a keyed hash that differs with the secret', () => {
    const [one, other] = ['a', 'b'].map((secret) => createKeyedHasher(secret.repeat(32)))
    expect(one?.('limit', 'address token 203.0.113.7')).not.toEqual(other?.('limit', 'address token 203.0.113.7'))
  })
})

describe('The address that is limited (RFC 4291 §2.5.5.2)', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::1', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['not an address', 'not an address'],
  ])('of %s is %s', (address, limited) => {
    expect(limitedAddress(address)).toBe(limited)
  })
})
