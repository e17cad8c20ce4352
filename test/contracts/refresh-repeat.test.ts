import { AsyncLocalStorage } from 'node:async_hooks'
import { sql } from 'kysely'
import { errors } from 'oidc-provider'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOidcAdapter } from '../../adapters/oidc-adapter.ts'
import { createRequestMemo } from '../../adapters/request-memo.ts'
import { sweepRepeats } from '../../adapters/sweep.ts'
import { createTokenBatch } from '../../adapters/token-batch.ts'
import type { RepeatTerms } from '../../src/provider/refresh.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { type Kit, makeGrant, makeToken, NOW, newBearer, openKit } from './kit.ts'

const GRACE = 10

interface Answer {
  status: number
  body: Record<string, unknown> | undefined
}

/** A request as the engine would serve it, over the real adapter and the real batch. */
interface Request extends Answer {
  readonly oidc: { readonly route: 'token' }
  readonly terms: RepeatTerms | undefined
}

interface SecondUse {
  readonly seconds?: number
  readonly terms?: RepeatTerms | 'none'
  readonly successorUsed?: boolean
}

const termsOf = (request: string): RepeatTerms => ({ graceSeconds: GRACE, requestHash: Buffer.alloc(32, request) })

describeOnEachDatabase('a refresh that may be repeated — security.md OP-6, RFC 9700 §4.14.2', (open) => {
  const requests = new AsyncLocalStorage<Request>()
  let kit: Kit
  let now = NOW
  let adapter: ReturnType<typeof createOidcAdapter>
  let batch: ReturnType<typeof createTokenBatch>

  beforeAll(async () => {
    kit = await openKit(open)
    const clock = () => now
    const memo = createRequestMemo(() => requests.getStore())
    adapter = createOidcAdapter({
      database: kit.database,
      vault: kit.vault,
      clock,
      memo,
      clients: kit.storage.clientCache,
      repeatTerms: async () => requests.getStore()?.terms,
      clockToleranceSeconds: 15,
    })
    batch = createTokenBatch({ database: kit.database, clock, memo })
  })
  beforeEach(() => {
    now = NOW
  })

  /** What the engine does at its token endpoint, in its order; `between` runs after the token was spent. */
  async function refresh(
    token: string,
    terms: RepeatTerms | 'none' = termsOf('same'),
    between: () => Promise<void> = async () => undefined,
  ): Promise<Answer> {
    const given = terms === 'none' ? undefined : terms
    const request: Request = { status: 404, body: undefined, oidc: { route: 'token' }, terms: given }
    await requests.run(request, () =>
      batch(request, async () => {
        try {
          request.body = await serve(token, between)
          request.status = 200
        } catch (error) {
          if (!(error instanceof errors.InvalidGrant)) throw error
          request.status = 400
          request.body = { error: error.error }
        }
      }),
    )
    return { status: request.status, body: request.body }
  }

  async function serve(token: string, between: () => Promise<void>): Promise<Record<string, unknown>> {
    const tokens = adapter('RefreshToken')
    const found = await tokens.find(token)
    if (!found?.grantId || !(await adapter('Grant').find(found.grantId))) throw new errors.InvalidGrant('not found')
    if (found.consumed) {
      await tokens.revokeByGrantId(found.grantId)
      throw new errors.InvalidGrant('refresh token already used')
    }
    await tokens.consume(token)
    await between()
    const [refreshToken, accessToken] = [newBearer(), newBearer()]
    const { grantId, accountId, clientId } = found
    const shared = { grantId, accountId, clientId, iat: now }
    await tokens.upsert(refreshToken, { ...shared, jti: refreshToken, exp: NOW + 900 }, 900)
    await adapter('AccessToken').upsert(accessToken, { ...shared, jti: accessToken, exp: now + 600 }, 600)
    return { access_token: accessToken, expires_in: 600, refresh_token: refreshToken, token_type: 'Bearer' }
  }

  async function newFamily() {
    const grantId = await makeGrant(kit)
    return { grantId, token: await makeToken(kit, 'RefreshToken', grantId) }
  }

  /** A first use that has spent the token and issues nothing until it is released. */
  async function heldUp(token: string) {
    const [spent, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const first = refresh(token, undefined, () => {
      spent.resolve()
      return release.promise
    })
    await spent.promise
    return { first, release }
  }

  const eventsOf = async (grantId: string) =>
    (await kit.storage.events.history({ accountId: 'acct-1' }))
      .filter((event) => event.grantId === grantId)
      .map(({ body }) => body.type)

  async function rowsOf(grantId: string) {
    const { rows } = await sql<{ model: string; used: boolean }>`select model, consumed_at is not null as used
      from oidc_model where grant_id = ${grantId} order by model, used`.execute(kit.database.db())
    return rows.map(({ model, used }) => `${model}${used ? ' (used)' : ''}`)
  }

  const isDead = async (grantId: string) => (await adapter('Grant').find(grantId)) === undefined

  it('gives twenty parallel uses one and the same answer, and keeps one branch', async () => {
    const { grantId, token } = await newFamily()
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(token)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(new Set(answers.map(({ body }) => body?.refresh_token)).size).toBe(1)
    expect(new Set(answers.map(({ body }) => body?.access_token)).size).toBe(1)
    expect(await rowsOf(grantId)).toEqual(['AccessToken', 'RefreshToken', 'RefreshToken (used)'])
    const events = await eventsOf(grantId)
    expect(events.filter((type) => type === 'refresh_token.repeated')).toHaveLength(19)
    expect(events.filter((type) => type === 'refresh_token.rotated')).toHaveLength(1)
    expect(events).not.toContain('token.reused')
  })

  it('gives the answer of the first use again, with the seconds that are left', async () => {
    const { grantId, token } = await newFamily()
    const first = await refresh(token)
    now = NOW + GRACE - 1
    const again = await refresh(token)
    expect(again).toEqual({ status: 200, body: { ...first.body, expires_in: 600 - GRACE + 1 } })
    expect((await refresh(String(again.body?.refresh_token))).status).toBe(200)
    expect(await isDead(grantId)).toBe(false)
  })

  it.each([
    ['when the window has ended, to the second', { seconds: GRACE }],
    ['of another request: other scope, resource or key', { terms: termsOf('other') }],
    ['of a client that has no window any more', { terms: 'none' as const }],
    ['after the successor was used: the client has it', { successorUsed: true }],
  ])('ends the family at a second use %s', async (_case, { seconds = 0, terms, successorUsed }: SecondUse) => {
    const { grantId, token } = await newFamily()
    const first = await refresh(token)
    now = NOW + seconds
    if (successorUsed) expect((await refresh(String(first.body?.refresh_token))).status).toBe(200)
    expect(await refresh(token, terms)).toEqual({ status: 400, body: { error: 'invalid_grant' } })
    expect(await isDead(grantId)).toBe(true)
    expect(await rowsOf(grantId)).toEqual([])
    const events = await eventsOf(grantId)
    expect(events).not.toContain('refresh_token.repeated')
    expect(events.filter((type) => type === 'grant.revoked')).toHaveLength(1)
  })

  it('gives a use that was overtaken the answer of the one that overtook it, and stores nothing for it', async () => {
    const { grantId, token } = await newFamily()
    const { first, release } = await heldUp(token)
    const second = await refresh(token)
    const stored = await rowsOf(grantId)
    release.resolve()
    expect(second.status).toBe(200)
    expect(await first).toEqual(second)
    expect(await rowsOf(grantId)).toEqual(stored)
    expect(await isDead(grantId)).toBe(false)
  })

  it('asks for patience when the first use has spent the token and got no answer, and ends nothing', async () => {
    const { grantId, token } = await newFamily()
    const failed = await refresh(token, undefined, () => Promise.reject(new errors.InvalidGrant('after it was spent')))
    expect(failed.status).toBe(400)
    expect(await refresh(token)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect(await isDead(grantId)).toBe(false)
  })

  it('leaves nothing alive when the family is revoked between finding and issuing', async () => {
    const { grantId, token } = await newFamily()
    const { first, release } = await heldUp(token)
    const second = refresh(token)
    await adapter('Grant').destroy(grantId)
    release.resolve()
    expect([await first, await second]).toMatchObject([
      { status: 400, body: { error: 'invalid_grant' } },
      { status: 400, body: { error: 'invalid_grant' } },
    ])
    expect(await rowsOf(grantId)).toEqual([])
  })

  describe('what is kept', () => {
    const kept = async () =>
      (await sql<{ row: string }>`select r::text as row from refresh_repeat r`.execute(kit.database.db())).rows

    it('is sealed, ends with the family, and is deleted at the end of the window', async () => {
      await sql`delete from refresh_repeat`.execute(kit.database.db())
      const [one, other] = [await newFamily(), await newFamily()]
      const answer = await refresh(one.token)
      await refresh(other.token)
      const text = (await kept()).map(({ row }) => row).join()
      for (const value of [answer.body?.refresh_token, answer.body?.access_token, one.token])
        expect(text).not.toContain(String(value))
      await adapter('Grant').destroy(one.grantId)
      expect(await kept()).toHaveLength(1)
      expect(await sweepRepeats(kit.database, NOW + GRACE - 1, 10)).toBe(0)
      expect(await sweepRepeats(kit.database, NOW + GRACE, 10)).toBe(1)
      expect(await kept()).toEqual([])
    })

    it('is nothing for a client without a window', async () => {
      await sql`delete from refresh_repeat`.execute(kit.database.db())
      const { token } = await newFamily()
      expect((await refresh(token, 'none')).status).toBe(200)
      expect(await kept()).toEqual([])
    })

    it('costs no statement: found, then spent and stored at once', async () => {
      const { token } = await newFamily()
      await refresh((await newFamily()).token) // the system key is in the cache
      kit.statements()
      expect((await refresh(token)).status).toBe(200)
      expect(kit.statements()).toHaveLength(2)
    })
  })
})
