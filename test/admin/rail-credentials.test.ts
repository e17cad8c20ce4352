import { beforeEach, expect, it } from 'vitest'
import { createRailCredentials } from '../../src/admin/rail-credentials.ts'
import { createKeyedHasher } from '../../src/vault/keyed-hash.ts'
import { type Kit, NOW, openKit } from '../contracts/kit.ts'
import { describeOnEachDatabase } from '../support/databases.ts'

const RAIL = 'digilocker'
const first = { clientId: 'ABCDEFGH', clientSecret: 'first-secret-0001' }
const second = { clientId: 'ABCDEFGH', clientSecret: 'second-secret-002' }

describeOnEachDatabase('credentials of a rail', (open) => {
  let kit: Kit
  let now: number
  const instance = () =>
    createRailCredentials({
      store: kit.storage.railCredentials,
      events: kit.storage.events,
      vault: kit.vault,
      hash: createKeyedHasher('i'.repeat(32)),
      clock: () => now,
    })
  beforeEach(async () => {
    kit = await openKit(open)
    now = NOW
  })

  it('come from the environment at the first start', async () => {
    await instance().configure(RAIL, first)
    expect(await instance().reader(RAIL)()).toEqual(first)
  })

  it('changed by an operator, are used by another running instance within seconds', async () => {
    await instance().configure(RAIL, first)
    const read = instance().reader(RAIL)
    await read()
    await instance().set(RAIL, second)
    expect(await read()).toEqual(first)
    now += 5
    expect(await read()).toEqual({ ...second, previousClientSecret: first.clientSecret })
  })

  it('stay changed when a restart still has the old environment', async () => {
    await instance().configure(RAIL, first)
    await instance().set(RAIL, second)
    await instance().configure(RAIL, first)
    expect((await instance().reader(RAIL)()).clientSecret).toBe(second.clientSecret)
  })

  it('follow the environment when that says something new', async () => {
    await instance().configure(RAIL, first)
    await instance().configure(RAIL, second)
    expect(await instance().reader(RAIL)()).toEqual({ ...second, previousClientSecret: first.clientSecret })
  })

  it('end a rotation on demand', async () => {
    await instance().configure(RAIL, first)
    await instance().set(RAIL, second)
    await instance().dropPrevious(RAIL)
    expect(await instance().reader(RAIL)()).toEqual(second)
    expect(await instance().show(RAIL)).toMatchObject({ clientId: 'ABCDEFGH', previousKept: false })
  })

  it('keep the previous secret when the same is set again', async () => {
    await instance().set(RAIL, first)
    await instance().set(RAIL, second)
    await instance().set(RAIL, second)
    expect((await instance().reader(RAIL)()).previousClientSecret).toBe(first.clientSecret)
  })

  it('are told in the history, and shown, without any secret', async () => {
    await instance().configure(RAIL, first)
    await instance().set(RAIL, second)
    const history = await kit.storage.events.history({ type: 'rail.credentials_changed' })
    expect(history.map(({ body }) => body)).toEqual([
      { type: 'rail.credentials_changed', rail: RAIL, by: 'configuration', previousKept: false },
      { type: 'rail.credentials_changed', rail: RAIL, by: 'operator', previousKept: true },
    ])
    const shown = JSON.stringify([await instance().show(RAIL), history, await kit.storage.railCredentials.find(RAIL)])
    expect(shown).not.toMatch(/-secret-/)
  })

  it('are missing until somebody puts them', async () => {
    await expect(instance().reader(RAIL)()).rejects.toMatchObject({ code: 'RAIL_MISCONFIGURED' })
    await expect(instance().show(RAIL)).rejects.toMatchObject({ code: 'RAIL_MISCONFIGURED' })
  })
})
