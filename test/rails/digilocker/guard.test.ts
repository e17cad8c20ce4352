import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createGuard, type PauseEvent } from '../../../src/rails/digilocker/guard.ts'
import type { Call } from '../../../src/rails/digilocker/http.ts'
import type { DigiLockerSettings } from '../../../src/rails/digilocker/settings.ts'
import {
  CANARY,
  error,
  json,
  need,
  REQUEST,
  type Received,
  type Reply,
  rig,
  summary,
  Upstream,
  userBody,
  xml,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
/** The clock by which a pause ends stands still: however slow the machine, none ends before a test says so. */
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }))
beforeEach(() => upstream.reset())
afterAll(async () => {
  vi.useRealTimers()
  await upstream.close()
})

const PAUSE_MS = 60_000
const passPause = () => vi.setSystemTime(Date.now() + PAUSE_MS)
const down = error(503, 'unexpected_error')

/** One rail for many journeys. */
function open(settings: Partial<DigiLockerSettings> = {}) {
  const pauses: PauseEvent[] = []
  const breaker = { calls: 8, threshold: 0.5, pauseMs: PAUSE_MS }
  const { rail, told } = rig(upstream, {
    settings: { breaker, ...settings },
    deps: { onPause: (event) => pauses.push(event) },
  })
  const go = async (...doctypes: string[]) => {
    const begun = await rail.begin({ ...REQUEST, needs: doctypes.map((doctype) => need(doctype)) })
    if (begun.kind !== 'redirect') throw new Error('no redirect')
    const query = new URLSearchParams({ code: CANARY.code, state: REQUEST.correlation })
    const done = await rail.advance(JSON.parse(JSON.stringify(begun.state)) as typeof begun.state, { query })
    if (done.kind !== 'done') throw new Error('not done')
    return summary(done.identity.documents)
  }
  const fail = (...doctypes: string[]) =>
    go(...doctypes).then(
      () => 'none',
      ({ code }: { code: string }) => code,
    )
  return { go, fail, told, pauses, [Symbol.asyncDispose]: () => rail.close() }
}

describe('an upstream that fails — security.md UP-9', () => {
  it('is left alone after a while, and no code is spent on it meanwhile', async () => {
    upstream.on('token', down)
    await using rail = open()
    for (let i = 0; i < 10; i++) expect(await rail.fail()).toBe('RAIL_UNAVAILABLE')
    expect(upstream.count('token')).toBe(4)
    expect(rail.pauses).toEqual([{ paused: true }])
    expect(rail.told.events.filter((event) => (event as { outcome: string }).outcome === 'not-sent')).toHaveLength(6)
  })

  it('is tried by one call after the pause, and left alone again while that fails', async () => {
    upstream.on('token', down)
    await using rail = open()
    for (let i = 0; i < 5; i++) await rail.fail()
    passPause()
    await Promise.all(Array.from({ length: 5 }, () => rail.fail()))
    expect(upstream.count('token')).toBe(5)
  })

  it('serves everybody again once it is well', async () => {
    upstream.on('token', down)
    await using rail = open()
    for (let i = 0; i < 5; i++) await rail.fail()
    upstream.reset()
    passPause()
    expect(await rail.go('PANCR')).toEqual(['verified PANCR'])
    expect(await rail.go()).toEqual([])
    expect(rail.pauses).toEqual([{ paused: true }, { paused: false }])
  })

  it.each([
    ['a code that it does not know', error(400, 'invalid_grant')],
    ['a wrong secret', error(401, 'invalid_client')],
    ['too many calls', { status: 429 }],
    ['an answer that cannot be read', json([])],
  ])('is not what answers with %s', async (_case, answer) => {
    upstream.on('token', answer)
    await using rail = open()
    for (let i = 0; i < 10; i++) await rail.fail()
    expect(upstream.count('token')).toBe(10)
    expect(rail.pauses).toEqual([])
  })

  it('counts what is too slow', async () => {
    upstream.on('token', () => undefined)
    const timeoutsMs = { connect: 5000, token: 60, user: 5000, issued: 5000, document: 5000, revoke: 5000, pull: 5000 }
    await using rail = open({ timeoutsMs })
    const codes = await Promise.all(Array.from({ length: 4 }, () => rail.fail()))
    expect(codes).toEqual(Array(4).fill('RAIL_TIMEOUT'))
    expect(await rail.fail()).toBe('RAIL_UNAVAILABLE')
    const outcomes = rail.told.events.map((event) => (event as { outcome: string }).outcome)
    expect(outcomes).toEqual([...Array(4).fill('RAIL_TIMEOUT'), 'not-sent'])
  })
})

describe('a repository that fails — digilocker-api.md §12', () => {
  const panIsDown = ({ path }: Received): Reply => (path.includes('PANCR') ? error(530, 'down') : xml('DRVLC'))

  it('is left alone, and costs its own documents only', async () => {
    upstream.on('xml', panIsDown)
    await using rail = open()
    for (let i = 0; i < 6; i++)
      expect(await rail.go('PANCR', 'DRVLC')).toEqual(['absent PANCR unavailable RAIL_UNAVAILABLE', 'verified DRVLC'])
    const asked = upstream.requests.filter(({ path }) => path.includes('PANCR'))
    expect(asked).toHaveLength(4)
    expect(rail.pauses).toEqual([{ repository: 'in.gov.pan', paused: true }])
  })

  it('is not asked while DigiLocker itself is left alone', async () => {
    const { ask, asked } = guarded()
    for (let i = 0; i < 4; i++) await ask(undefined, 503)
    expect(await ask('in.gov.pan')).toBe('RAIL_UNAVAILABLE')
    expect(asked).toHaveLength(4)
  })

  it('says nothing about DigiLocker itself', async () => {
    const { ask } = guarded()
    for (let i = 0; i < 6; i++) await ask('in.gov.pan', 530)
    expect(await ask(undefined)).toBe(200)
  })

  it.each(['CANRY0000A', 'in.gov.CANRY0000A', 'x', `in.${'a'.repeat(70)}`])(
    'is not told by a name that may be a number: %s',
    async (name) => {
      const { ask, pauses } = guarded()
      for (let i = 0; i < 4; i++) await ask(name, 530)
      expect(pauses).toEqual([{ repository: 'others', paused: true }])
    },
  )

  it('shares a breaker with others once somebody makes up too many names', async () => {
    const { ask, pauses } = guarded()
    const letters = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
    for (let i = 0; i < 256; i++) await ask(`in.made.up.${letters(i)}`)
    for (let i = 300; i < 304; i++) await ask(`in.made.up.${letters(i)}`, 530)
    expect(pauses).toEqual([{ repository: 'others', paused: true }])
    expect(await ask('in.made.up.a')).toBe(200)
  })
})

/** A guard before an upstream that is played: how often it was asked, and what came of each call. */
function guarded() {
  const pauses: PauseEvent[] = []
  const asked: Call[] = []
  const breaker = { calls: 8, threshold: 0.5, pauseMs: PAUSE_MS }
  const guard = createGuard({ breaker, concurrency: { calls: 4, waiting: 4 } }, (event) => pauses.push(event))
  const ask = (repository: string | undefined, status = 200) => {
    const call: Call = {
      operation: repository === undefined ? 'user' : 'xml',
      url: upstream.url,
      timeoutMs: 1,
      maxBytes: 1,
      ...(repository !== undefined && { repository }),
    }
    const answer = { status, contentType: '', hmac: undefined, retryAfter: undefined, body: new Uint8Array() }
    const sent = guard(call, async () => {
      asked.push(call)
      return answer
    })
    return sent.then(
      (given) => given.status,
      ({ code }: { code: string }) => code,
    )
  }
  return { ask, asked, pauses }
}

describe('calls at once', () => {
  it('are so many and no more; the others wait, or are not sent', async () => {
    let under = 0
    let most = 0
    upstream.on('user', (_request, response) => {
      most = Math.max(most, ++under)
      setTimeout(() => {
        under--
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(userBody))
      }, 30)
      return undefined
    })
    await using rail = open({ concurrency: { calls: 2, waiting: 3 } })
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => rail.fail()))
    expect(most).toBeLessThanOrEqual(2)
    expect(new Set(outcomes)).toEqual(new Set(['none', 'RAIL_UNAVAILABLE']))
    expect(outcomes.filter((code) => code === 'none').length).toBeGreaterThanOrEqual(5)
  })
})

describe('retries', () => {
  it('are few among many calls', async () => {
    upstream.on('user', error(429, 'slow_down'))
    await using rail = open({ retry: { delayMs: 1, maxRetryAfterMs: 3000, share: 0.1, burst: 3 } })
    for (let i = 0; i < 20; i++) expect(await rail.fail()).toBe('RAIL_RATE_LIMITED')
    // Three at once, then one for every ten calls.
    expect(upstream.count('user') - 20).toBeGreaterThanOrEqual(3)
    expect(upstream.count('user') - 20).toBeLessThanOrEqual(5)
  })
})
