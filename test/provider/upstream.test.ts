import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RailError } from '../../src/errors.ts'
import type { RailAttempt } from '../../src/provider/stores.ts'
import { createUpstream, type Upstream as Keeper } from '../../src/provider/upstream.ts'
import type { DigiLockerRail } from '../../src/rails/digilocker/rail.ts'
import type { RailSession } from '../../src/rails/rail.ts'
import { anAcceptance, insertAccount, type Kit, makeReturn, NOW, openKit } from '../contracts/kit.ts'
import { error, html, json, rig, Upstream } from '../rails/digilocker/upstream.ts'
import { describeOnEachDatabase } from '../support/databases.ts'

const upstream = new Upstream()
await upstream.start()
afterAll(() => upstream.close())

/** Upstream sessions over a real database, and a DigiLocker that answers over HTTP. */
describeOnEachDatabase('what an upstream let us have', (open) => {
  let kit: Kit
  let rail: DigiLockerRail
  let now: number
  let warnings: string[]

  beforeAll(async () => {
    kit = await openKit(open)
    rail = rig(upstream, { deps: { clock: () => now } }).rail
  })
  afterAll(() => rail.close())
  beforeEach(() => {
    upstream.reset()
    now = NOW
    warnings = []
  })

  const keeper = (keepAfterConsent = false): Keeper =>
    createUpstream({
      sessions: kit.storage.upstreamSessions,
      vault: kit.vault,
      rails: new Map([['digilocker', rail]]),
      clock: () => now,
      keepAfterConsent,
      warn: (code) => warnings.push(code),
    })
  const tokens = (expiresAt: number) => ({ accessToken: `access-${randomUUID()}`, refreshToken: 'first', expiresAt })
  async function opened(expiresAt: number, more: Partial<RailSession> = {}): Promise<string> {
    return (await returned(expiresAt, more)).id
  }
  async function returned(expiresAt: number, more: Partial<RailSession> = {}): Promise<RailAttempt> {
    const given: RailSession = { tokens: tokens(expiresAt), memory: {}, ...more }
    return makeReturn(kit, (id) => keeper().draft(id, 'digilocker', given, NOW + 1200))
  }
  /** She agrees to the end of what is offered. */
  async function agreed(keep: boolean): Promise<string> {
    const attempt = await returned(NOW + 3600)
    const key = randomBytes(32)
    const account = { id: attempt.id, key, dataKey: undefined }
    await insertAccount(kit, account.id, key)
    const acceptance = anAcceptance(attempt, { account, keepSessionUntil: keeper(keep).keepUntil(NOW + 9000) })
    expect(await kit.decisions.accept(acceptance)).toBe('accepted')
    return acceptance.grant.id
  }
  const access = (one: Keeper, id: string) => one.use(id, async (_rail, session) => session.tokens.accessToken)
  const rows = () => kit.database.db().selectFrom('upstream_session').select(['id', 'sealed']).execute()

  describe('renewal', () => {
    it('does not renew a token that is good', async () => {
      const id = await opened(NOW + 3600)
      expect(await access(keeper(), id)).toMatch(/^access-/)
      expect(upstream.requests).toEqual([])
    })

    it('renews before the end, with a margin for a slow upstream', async () => {
      const id = await opened(NOW + 60)
      expect(await access(keeper(), id)).toBe('renewed-access')
      expect(upstream.count('refresh')).toBe(1)
    })

    it('makes one refresh of 20 calls in two processes that need one', async () => {
      const id = await opened(NOW + 1)
      const processes = [keeper(), keeper()]
      const calls = Array.from({ length: 20 }, (_, index) => access(processes[index % 2] as Keeper, id))
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['renewed-access']))
      expect(upstream.count('refresh')).toBe(1)
    })

    it('makes one refresh of 20 calls whose token the upstream took back, and repeats each once', async () => {
      const id = await opened(NOW + 3600)
      const one = keeper()
      let refused = 0
      const all = Promise.withResolvers<void>()
      const call = () =>
        one.use(id, async (_rail, session) => {
          if (session.tokens.accessToken === 'renewed-access') return 'done'
          refused += 1
          if (refused === 20) all.resolve()
          await all.promise // none is so late that it finds the token renewed
          throw new RailError('RAIL_UNAUTHORIZED', 'taken back')
        })
      expect(await Promise.all(Array.from({ length: 20 }, call))).toEqual(Array(20).fill('done'))
      expect([upstream.count('refresh'), refused]).toEqual([1, 20])
    })

    it('honours rotation: the next refresh carries the new token', async () => {
      const id = await opened(NOW + 1)
      await access(keeper(), id)
      now = NOW + 3600
      // the session itself must still last
      await kit.database
        .db()
        .updateTable('upstream_session')
        .set({ ends_at: new Date((NOW + 9000) * 1000) })
        .execute()
      await access(keeper(), id)
      expect(upstream.requests.map(({ form }) => form.get('refresh_token'))).toEqual(['first', 'renewed-refresh'])
    })

    it('asks the person again when the refresh token is good no longer, and forgets the session', async () => {
      const id = await opened(NOW + 1)
      upstream.on('refresh', error(400, 'invalid_grant'))
      await expect(access(keeper(), id)).rejects.toMatchObject({ code: 'RAIL_UNAUTHORIZED' })
      await expect(access(keeper(), id)).rejects.toMatchObject({ code: 'RAIL_EXPIRED' })
      expect(upstream.count('refresh')).toBe(1)
    })

    it('lets the next call try again after an upstream that was away', async () => {
      const id = await opened(NOW + 1)
      upstream.on('refresh', html(530), json({ access_token: 'renewed-access' }))
      await expect(access(keeper(), id)).rejects.toMatchObject({ code: 'RAIL_UNAVAILABLE' })
      expect(await access(keeper(), id)).toBe('renewed-access')
    })

    it('takes over from an instance that died while renewing', async () => {
      const id = await opened(NOW + 1)
      await kit.storage.upstreamSessions.lease(id, 0, NOW, NOW + 30)
      now = NOW + 31
      expect(await access(keeper(), id)).toBe('renewed-access')
    })

    it('repeats a call once, not for ever', async () => {
      const id = await opened(NOW + 3600)
      const call = keeper().use(id, async () => Promise.reject(new RailError('RAIL_UNAUTHORIZED', 'no')))
      await expect(call).rejects.toMatchObject({ code: 'RAIL_UNAUTHORIZED' })
      expect(upstream.count('refresh')).toBe(1)
    })
  })

  describe('the end', () => {
    /** Gives back what other tests left behind. */
    beforeEach(async () => {
      now = NOW + 10_000_000
      await keeper().giveBackEnded(1000)
      now = NOW
      upstream.reset()
    })

    it('comes with the upstream’s consent, however long we would keep it', async () => {
      const id = await opened(NOW + 3600, { endsAt: NOW + 100 })
      now = NOW + 100
      await expect(access(keeper(), id)).rejects.toMatchObject({ code: 'RAIL_EXPIRED' })
      expect([await keeper().giveBackEnded(8), upstream.count('revoke'), await rows()]).toEqual([1, 1, []])
    })

    it('comes when nobody decides', async () => {
      await opened(NOW + 3600)
      expect(await keeper().giveBackEnded(8)).toBe(0)
      now = NOW + 1200
      expect([await keeper().giveBackEnded(8), upstream.count('revoke')]).toEqual([1, 1])
    })

    it('comes with her decision, unless the operator keeps tokens', async () => {
      await agreed(false)
      expect([await keeper().giveBackEnded(8), upstream.count('revoke')]).toEqual([1, 1])
    })

    it('comes with the grant, where the operator keeps tokens', async () => {
      const grant = await agreed(true)
      expect(await keeper(true).giveBackEnded(8)).toBe(0)
      await kit.adapter('Grant').destroy(grant)
      expect([await keeper(true).giveBackEnded(8), upstream.count('revoke')]).toEqual([1, 1])
    })

    it('is reached once by two workers', async () => {
      const id = await opened(NOW + 3600)
      await keeper().end(id)
      const taken = await Promise.all([keeper().giveBackEnded(8), keeper().giveBackEnded(8)])
      expect([taken.toSorted(), upstream.count('revoke')]).toEqual([[0, 1], 1])
    })

    it('is tried again while the upstream is away, for a day', async () => {
      const id = await opened(NOW + 3600)
      await keeper().end(id)
      upstream.on('revoke', html(530))
      await keeper().giveBackEnded(8)
      expect([warnings, (await rows()).length]).toEqual([['RAIL_UNAVAILABLE'], 1])
      now = NOW + 31
      await keeper().giveBackEnded(8)
      expect((await rows()).length).toBe(1)
      now = NOW + 86_401
      await keeper().giveBackEnded(8)
      expect((await rows()).length).toBe(0)
    })

    it('needs no second try with a token that the upstream no longer knows', async () => {
      const id = await opened(NOW + 3600)
      await keeper().end(id)
      upstream.on('revoke', error(400, 'invalid_token'))
      await keeper().giveBackEnded(8)
      expect(await rows()).toEqual([])
    })
  })

  it('stands sealed: no token is in the table', async () => {
    const id = await opened(NOW + 3600)
    const row = (await rows()).find((one) => one.id === id)
    expect(row?.sealed.toString('latin1')).not.toContain('access-')
  })
})
