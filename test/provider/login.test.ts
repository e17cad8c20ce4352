import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AskedInteraction } from '../../src/provider/interactions/asked.ts'
import { createLogin } from '../../src/provider/interactions/login.ts'
import { createUpstream } from '../../src/provider/upstream.ts'
import type { Rail, RailId } from '../../src/rails/rail.ts'
import { createKeyedHasher } from '../../src/vault/keyed-hash.ts'
import { type Kit, makeInteraction, NOW, openKit } from '../contracts/kit.ts'
import { rig, Upstream } from '../rails/digilocker/upstream.ts'
import { freshPGlite } from '../support/databases.ts'

/** What no page can show while there is one rail alone. */
describe('a journey', () => {
  const open = freshPGlite()
  const upstream = new Upstream()
  let kit: Kit
  beforeAll(async () => {
    await upstream.start()
    kit = await openKit(open)
  })
  afterAll(() => upstream.close())

  const asked: AskedInteraction = {
    uid: randomUUID(),
    clientId: 'shop',
    scopes: ['openid', 'profile'],
    resources: [],
    claims: undefined,
    acrValues: undefined,
    optional: [],
    purpose: 'To check',
    purposeInEnglish: 'To check',
    retentionDays: 30,
    freshLogin: false,
  }

  it('cannot be ended at another rail than the one it was begun with', async () => {
    const { rail } = rig(upstream)
    const other: Rail = { ...rail, id: 'other' as RailId }
    const rails = new Map<string, Rail>([
      ['digilocker', rail],
      ['other', other],
    ])
    const { attempts, events, upstreamSessions } = kit.storage
    const clock = () => NOW
    const { vault } = kit
    const login = createLogin({
      rails,
      attempts,
      events,
      vault,
      hash: createKeyedHasher('an index secret of the tests'),
      clock,
      upstream: createUpstream({
        sessions: upstreamSessions,
        vault,
        rails,
        clock,
        keepAfterConsent: false,
        warn: () => undefined,
      }),
      newId: () => kit.database.newId(),
      callbackUrl: (id) => new URL(`https://op.test/callback/${id}`),
      serviceName: 'Dwar',
    })
    await makeInteraction(kit, asked.uid)
    const url = await login.begin('digilocker', asked, 'browser-secret')
    const query = new URLSearchParams({ code: 'a-code', state: url.searchParams.get('state') ?? '' })
    const returned = login.takeReturn('other' as RailId, query, 'browser-secret')
    await expect(returned).rejects.toMatchObject({ code: 'RAIL_STATE_MISMATCH' })
    expect(upstream.requests).toEqual([])
    await rail.close()
  })
})
