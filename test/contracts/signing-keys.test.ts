import { beforeEach, describe, expect, it } from 'vitest'
import { createKeyKeeper } from '../../src/provider/keys/keeper.ts'
import type { KeyHolder } from '../../src/provider/keys/key-holder.ts'
import { createKeySet } from '../../src/provider/keys/key-set.ts'
import { jwksMaxAge, PROPAGATION_SECONDS, retirementSeconds } from '../../src/provider/keys/schedule.ts'
import { createSealedHolder } from '../../src/provider/keys/sealed-holder.ts'
import { ttl } from '../../src/provider/lifetimes.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { aKey, type Kit, NOW, openKit } from './kit.ts'

const DAY = 86_400
const SCHEDULE = { rotateEverySeconds: 365 * DAY, leadSeconds: DAY }
const event = (kid: string) => ({ body: { type: 'signing_key.created', kid, alg: 'ES256' } }) as const

describeOnEachDatabase('SigningKeyStore', (open) => {
  let kit: Kit
  beforeEach(async () => {
    kit = await openKit(open)
  })

  it.each(['current', 'next'] as const)(
    'keeps the first %s key of an algorithm, with its event, and no second',
    async (state) => {
      const { signingKeys, events } = kit.storage
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          signingKeys.insertIfNone(aKey(`k${n}`, 'ES256', { state }), event(`k${n}`)),
        ),
      )
      expect(made.filter(Boolean)).toHaveLength(1)
      expect(await signingKeys.list()).toHaveLength(1)
      expect(await events.history({ type: 'signing_key.created' })).toHaveLength(1)
    },
  )

  it('raises the version with every change, and not without one', async () => {
    const { signingKeys } = kit.storage
    const versions = [await signingKeys.version()]
    const note = async () => versions.push(await signingKeys.version())
    await signingKeys.insertIfNone(aKey('a', 'ES256', { state: 'current' }), event('a'))
    await note()
    await signingKeys.insertIfNone(aKey('b', 'ES256', { state: 'current' }), event('b'))
    await note()
    await signingKeys.insertIfNone(aKey('c', 'ES256'), event('c'))
    await note()
    await signingKeys.schedule('c', NOW + 5)
    await note()
    await signingKeys.activate({ current: 'a', next: 'c', at: NOW, endsAt: NOW + 10 }, [event('c')])
    await note()
    await signingKeys.removeEnded('a', NOW + 9, event('a'))
    await note()
    await signingKeys.removeEnded('a', NOW + 10, event('a'))
    await note()
    const first = versions[0] ?? 0
    expect(versions.map((version) => version - first)).toEqual([0, 1, 1, 2, 3, 4, 4, 5])
  })

  it('lets one of ten racing rotations through, with its events once', async () => {
    const { signingKeys, events } = kit.storage
    await signingKeys.insertIfNone(aKey('old', 'ES256', { state: 'current' }), event('old'))
    await signingKeys.insertIfNone(aKey('new', 'ES256'), event('new'))
    const change = { current: 'old', next: 'new', at: NOW, endsAt: NOW + 10 }
    const activated = { body: { type: 'signing_key.activated', kid: 'new', alg: 'ES256', by: 'schedule' } } as const
    const won = await Promise.all(Array.from({ length: 10 }, () => signingKeys.activate(change, [activated])))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await events.history({ type: 'signing_key.activated' })).toHaveLength(1)
    expect(await signingKeys.list()).toMatchObject([
      { kid: 'new', state: 'current', activatedAt: NOW },
      { kid: 'old', state: 'retired', retiredAt: NOW, endsAt: NOW + 10 },
    ])
  })

  it('leaves the current key where it is when the next one has gone', async () => {
    const { signingKeys } = kit.storage
    await signingKeys.insertIfNone(aKey('old', 'ES256', { state: 'current' }), event('old'))
    expect(await signingKeys.activate({ current: 'old', next: 'gone', at: NOW, endsAt: NOW }, [event('x')])).toBe(false)
    expect(await signingKeys.list()).toMatchObject([{ kid: 'old', state: 'current' }])
  })
})

describeOnEachDatabase('The life of a signing key', (open) => {
  let kit: Kit
  let now: number
  let paused: number[]
  beforeEach(async () => {
    kit = await openKit(open)
    now = NOW
    paused = []
  })

  const instance = (holder: KeyHolder = createSealedHolder(kit.vault)) =>
    createKeyKeeper({
      store: kit.storage.signingKeys,
      holder,
      schedule: SCHEDULE,
      clock: () => now,
      pause: async (seconds) => {
        paused.push(seconds)
        now += seconds
      },
      onChange: () => undefined,
    })
  const states = async (alg = 'ES256') =>
    (await kit.storage.signingKeys.list()).filter((key) => key.alg === alg).map(({ state }) => state)
  const kidOf = async (state: string, alg = 'ES256') =>
    (await kit.storage.signingKeys.list()).find((key) => key.alg === alg && key.state === state)?.kid
  const travel = (to: number) => {
    now = to
    kit.travelTo(to)
  }

  it('goes next, current, retired, gone, on a schedule that several instances follow at once', async () => {
    const instances = [instance(), instance(), instance()]
    const all = (work: (one: ReturnType<typeof instance>) => Promise<unknown>) => Promise.all(instances.map(work))
    await all((one) => one.ensureCurrent())
    expect(await states()).toEqual(['current'])
    await all((one) => one.turn())
    expect((await states()).toSorted()).toEqual(['current', 'next'])
    const [first, second] = [await kidOf('current'), await kidOf('next')]

    travel(NOW + SCHEDULE.rotateEverySeconds - 1)
    await all((one) => one.turn())
    expect(await kidOf('current')).toBe(first)
    travel(NOW + SCHEDULE.rotateEverySeconds)
    await all((one) => one.turn())
    expect(await kidOf('current')).toBe(second)
    expect(await kidOf('retired')).toBe(first)
    expect((await states()).toSorted()).toEqual(['current', 'next', 'retired'])

    travel(NOW + SCHEDULE.rotateEverySeconds + retirementSeconds - 1)
    await all((one) => one.turn())
    expect(await kidOf('retired')).toBe(first)
    travel(NOW + SCHEDULE.rotateEverySeconds + retirementSeconds)
    await all((one) => one.turn())
    expect(await kidOf('retired')).toBeUndefined()
    const types = (await kit.storage.events.history({})).filter(({ body }) => 'alg' in body && body.alg === 'ES256')
    expect(types.map(({ body }) => body.type)).toEqual([
      'signing_key.created',
      'signing_key.created',
      'signing_key.retired',
      'signing_key.activated',
      'signing_key.created',
      'signing_key.removed',
    ])
  })

  it('never lets a key sign before it was published for the whole lead, whoever asks', async () => {
    const keeper = instance()
    await keeper.ensureCurrent()
    await keeper.turn()
    const [first, second] = [await kidOf('current'), await kidOf('next')]
    await keeper.rotate({ alg: 'ES256' })
    expect(await kidOf('current')).toBe(first)
    travel(NOW + SCHEDULE.leadSeconds - 1)
    await keeper.turn()
    expect(await kidOf('current')).toBe(first)
    travel(NOW + SCHEDULE.leadSeconds)
    await keeper.turn()
    expect(await kidOf('current')).toBe(second)
    expect((await states('RS256')).toSorted()).toEqual(['current', 'next'])
  })

  it('gives a next key its lead even when the current one is overdue', async () => {
    const keeper = instance()
    await keeper.ensureCurrent()
    const first = await kidOf('current')
    travel(NOW + 2 * SCHEDULE.rotateEverySeconds) // everything stood still for two years
    await keeper.turn()
    await keeper.turn()
    expect(await kidOf('current')).toBe(first)
    travel(now + SCHEDULE.leadSeconds)
    await keeper.turn()
    expect(await kidOf('current')).not.toBe(first)
  })

  it('withdraws a current key at once, for one that every instance publishes', async () => {
    const keeper = instance()
    await keeper.ensureCurrent()
    const first = await kidOf('current')
    await keeper.rotate({ alg: 'ES256', now: true })
    expect(paused).toEqual([PROPAGATION_SECONDS])
    expect(await kidOf('current')).not.toBe(first)
    expect((await states()).toSorted()).toEqual(['current', 'next'])
    expect(await kit.storage.events.history({ type: 'signing_key.removed' })).toMatchObject([
      { body: { kid: first, reason: 'withdrawn' } },
    ])
    now += PROPAGATION_SECONDS
    await keeper.rotate({ alg: 'ES256', now: true })
    expect(paused).toHaveLength(1)
  })

  it('shows keys without anything of their private half', async () => {
    const keeper = instance()
    await keeper.ensureCurrent()
    await keeper.turn()
    const shown = await keeper.list()
    expect(shown).toHaveLength(6)
    expect(JSON.stringify(shown)).not.toMatch(/"(d|p|q|sealedPrivateJwk)"/)
    expect(shown.find(({ state }) => state === 'next')).toMatchObject({
      signsFrom: new Date((NOW + SCHEDULE.rotateEverySeconds) * 1000).toISOString(),
    })
  })

  it('does not begin without a key: a holder may have none that was not used before', async () => {
    const holder = { ...createSealedHolder(kit.vault), make: async () => undefined }
    await expect(instance(holder).ensureCurrent()).rejects.toMatchObject({ code: 'KEY_HOLDER_UNAVAILABLE' })
  })

  it('knows every kid that ever was, withdrawn ones too', async () => {
    const one = instance()
    await one.ensureCurrent()
    await one.turn()
    const kids = [await kidOf('current'), await kidOf('next')]
    await one.rotate({ alg: 'ES256', now: true })
    const known = await kit.storage.signingKeys.usedKids('ES256')
    expect(known).toEqual(expect.arrayContaining(kids))
    expect(known).toHaveLength(3)
  })

  it('refuses an algorithm that there is none of', async () => {
    await expect(instance().rotate({ alg: 'HS256' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })
})

describeOnEachDatabase('Keys of the first release', (open) => {
  it('still sign, though nothing but the sealed private half is known of them', async () => {
    const kit = await openKit(open)
    const made = await createSealedHolder(kit.vault).make('ES256', [])
    const key = aKey(made?.kid ?? '', 'ES256', { state: 'current', sealedPrivateJwk: made?.sealedPrivateJwk })
    await kit.storage.signingKeys.insertIfNone(key, event(key.kid))
    const keys = await createKeySet({
      store: kit.storage.signingKeys,
      holders: { sealed: createSealedHolder(kit.vault) },
      clock: () => NOW,
      warn: (_kid, error) => expect(error).toBeUndefined(),
    }).load()
    expect(keys).toMatchObject([{ kid: key.kid, alg: 'ES256', ...made?.publicJwk }])
  })
})

describe('The times of signing keys', () => {
  it.each([6, 60, 600, 86_400])('let nobody keep our JWK Set as long as a lead of %i s', (leadSeconds) => {
    const maxAge = jwksMaxAge({ ...SCHEDULE, leadSeconds })
    expect(maxAge).toBeGreaterThan(0)
    expect(maxAge).toBeLessThan(leadSeconds)
    expect(maxAge).toBeLessThanOrEqual(300)
  })

  it('keep a key published for longer than anything lives that it has signed', () => {
    expect(retirementSeconds).toBeGreaterThan(Math.max(...Object.values(ttl)))
  })
})
