import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { getGlobalDispatcher } from 'undici'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { digiLockerSettings } from '../../../src/rails/digilocker/settings.ts'
import {
  type Answerer,
  CANARY,
  error,
  failureOf,
  html,
  json,
  type Named,
  need,
  PAN_URI,
  type Received,
  type Reply,
  rig,
  summary,
  tokenBody,
  travel,
  Upstream,
  userBody,
  xml,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => upstream.reset())
afterAll(() => upstream.close())

const { timeoutsMs } = digiLockerSettings()
/** Short for the call that is kept waiting, usual for the others: a busy machine must not decide a test. */
const hurried = (slow: 'token' | 'user' | 'issued' | 'document' | 'revoke', ms = 150) => ({
  timeoutsMs: { ...timeoutsMs, [slow]: ms },
})

/** Headers at once, then a body without end. */
const endless: Answerer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write('x'.repeat(4096)), 1)
  response.on('close', () => clearInterval(timer))
  return undefined
}
/** A byte now and then: no single wait is long, the whole is. */
const dripping: Answerer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(timer))
  return undefined
}
const silent: Answerer = () => undefined
const cut: Answerer = (_request, response) => {
  response.destroy()
  return undefined
}
const cutShort: Answerer = (_request, response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"digilockerid":')
  setTimeout(() => response.destroy(), 10)
  return undefined
}

describe('HTTP towards DigiLocker — security.md UP-9', () => {
  it.each([
    ['token', 301],
    ['token', 307],
    ['user', 302],
    ['issued', 303],
    ['revoke', 308],
  ] as const)('follows no redirect: %s answered %i', async (endpoint, status) => {
    const elsewhere = { status, headers: { location: `${upstream.url.origin}/elsewhere` } }
    upstream.on(endpoint, elsewhere)
    const outcome = await travel(upstream, { needs: [need('PANCR')] }).then(
      ({ told }) => told.warnings,
      (caught: { code: string }) => [caught.code],
    )
    expect(outcome).toEqual(['RAIL_UNAVAILABLE'])
    expect(upstream.requests.filter(({ path }) => path === '/elsewhere')).toEqual([])
    expect(upstream.count(endpoint)).toBe(1)
  })

  it('follows no redirect of a document', async () => {
    upstream.on('xml', { status: 302, headers: { location: '/elsewhere' } })
    const { identity } = await travel(upstream, { needs: [need('PANCR')] })
    expect(summary(identity.documents)).toEqual(['absent PANCR unavailable RAIL_UNAVAILABLE'])
    expect(upstream.requests.filter(({ path }) => path === '/elsewhere')).toEqual([])
  })

  it('asks for no compression, and refuses what is compressed all the same', async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000, 0x20))
    upstream.on('user', { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: bomb })
    expect(await failureOf(upstream)).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
    expect(upstream.last('user').headers['accept-encoding']).toBe('identity')
  })

  it.each(['gzip', 'br', 'identity, gzip', 'x-unknown'])(
    'refuses what is called %s, readable or not',
    async (encoding) => {
      upstream.on('user', json(userBody, 200, { 'content-encoding': encoding }))
      upstream.on('xml', xml('PANCR', 'application/xml', { 'content-encoding': encoding }))
      expect(await failureOf(upstream)).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
      upstream.on('user', json(userBody))
      const { identity } = await travel(upstream, { needs: [need('PANCR')] })
      expect(summary(identity.documents)).toEqual(['absent PANCR unavailable RAIL_RESPONSE_INVALID'])
    },
  )

  it('takes an identity encoding', async () => {
    upstream.on('user', json(userBody, 200, { 'content-encoding': 'Identity' }))
    expect((await travel(upstream)).identity.rail).toBe('digilocker')
  })

  it.each(['token', 'user', 'issued'] as const)(
    'stops reading a %s answer without end at its cap',
    async (endpoint) => {
      upstream.on(endpoint, endless)
      const settings = { bodyCaps: { json: 50_000, document: 50_000, file: 50_000 } }
      const failure = await failureOf(upstream, { settings, needs: [need('PANCR')] })
      expect(failure).toMatchObject({ code: 'RAIL_RESPONSE_INVALID', message: expect.stringContaining('50000 bytes') })
    },
  )

  it('takes an answer of exactly the cap', async () => {
    const body = JSON.stringify(userBody)
    upstream.on('user', { body })
    const at = (json: number) => ({ settings: { bodyCaps: { json, document: 50_000, file: 50_000 } } })
    upstream.on('token', json({ access_token: 'a' }))
    expect((await travel(upstream, at(body.length))).identity.rail).toBe('digilocker')
    expect(await failureOf(upstream, at(body.length - 1))).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it.each([
    ['token', 'is silent', silent],
    ['token', 'drips', dripping],
    ['user', 'is silent', silent],
    ['user', 'drips', dripping],
    ['issued', 'is silent', silent],
    ['issued', 'drips', dripping],
  ] as const)('waits no longer than its time when %s %s, and not twice', async (endpoint, _case, answer) => {
    upstream.on(endpoint, answer)
    const settings = hurried(endpoint)
    let code: string | undefined
    // On a machine that stood still the time was over before the call had left it: then once more.
    for (let tries = 0; tries < 20 && upstream.count(endpoint) === 0; tries++)
      code = await travel(upstream, { settings, needs: [need('PANCR')] }).then(
        ({ told }) => told.warnings[0],
        (caught: { code: string }) => caught.code,
      )
    expect([code, upstream.count(endpoint)]).toEqual(['RAIL_TIMEOUT', 1])
  })

  it('lets one slow issuer cost its own document only', async () => {
    upstream.on('xml', (request: Received): Reply | undefined =>
      request.path.includes('PANCR') ? undefined : xml('DRVLC'),
    )
    const settings = hurried('document', 1000)
    const needs = [need('PANCR'), need('DRVLC')]
    let documents: string[] = []
    // The other one has as little time; a machine that stood still for all of it is asked again.
    for (let tries = 0; tries < 10 && !documents.includes('verified DRVLC'); tries++)
      documents = summary((await travel(upstream, { settings, needs })).identity.documents)
    expect(documents).toEqual(['absent PANCR unavailable RAIL_TIMEOUT', 'verified DRVLC'])
  })

  it('lets a slow revocation cost nothing but its own time', async () => {
    upstream.on('revoke', silent)
    expect((await travel(upstream, { settings: hurried('revoke') })).told.warnings).toEqual(['RAIL_TIMEOUT'])
  })

  it('calls an upstream that nobody listens for unavailable', async () => {
    const gone = new Upstream()
    const url = await gone.start()
    await gone.close()
    const failure = await failureOf(upstream, { settings: { baseUrl: url } })
    expect(failure).toMatchObject({ code: 'RAIL_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('calls an answer that is no HTTP unavailable, and quotes none of it', async () => {
    const server = createServer((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${CANARY.name}\r\n\r\n`)),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const failure = await failureOf(upstream, { settings: { baseUrl: new URL(`http://127.0.0.1:${port}`) } })
    server.close()
    expect(failure).toMatchObject({ code: 'RAIL_UNAVAILABLE', message: expect.stringContaining('HTTPParserError') })
    expect(JSON.stringify([{ ...failure }, failure.message, failure.stack, failure.cause])).not.toContain('Devi')
  })

  it('leaves the global dispatcher alone', async () => {
    const before = getGlobalDispatcher()
    await travel(upstream)
    expect(getGlobalDispatcher()).toBe(before)
  })
})

describe('one more try of a GET — digilocker-api.md §12', () => {
  it.each([
    ['user', 'a 530', error(530, 'unexpected_error')],
    ['user', 'a 500', error(500, 'unexpected_error')],
    ['user', 'a 502 page', html(502)],
    ['user', 'a 429', { status: 429 }],
    ['user', 'a broken connection', cut],
    ['user', 'an answer cut short', cutShort],
    ['issued', 'a 503', error(503, 'unexpected_error')],
    ['xml', 'a 530', error(530, 'repository_service_unresponsive')],
  ] as const)('saves %s from %s', async (endpoint: Named, _case, answer) => {
    const healthy = { user: json(userBody), issued: json({ items: [] }), xml: xml('PANCR') }
    upstream.on(endpoint, answer, healthy[endpoint as 'user'])
    const { identity, told } = await travel(upstream, { needs: [need('PANCR')] })
    expect(summary(identity.documents)).toEqual(['verified PANCR'])
    expect([upstream.count(endpoint), told.waits.length]).toEqual([2, 1])
  })

  it('ends after two tries', async () => {
    upstream.on('user', error(530, 'unexpected_error'))
    await failureOf(upstream)
    expect(upstream.count('user')).toBe(2)
  })

  it.each([
    ['a 400', error(400, 'x')],
    ['a 401', error(401, 'invalid_token')],
    ['a 403', error(403, 'insufficient_scope')],
    ['a 404', error(404, 'x')],
    ['an answer that it cannot read', json([])],
  ])('is not made after %s', async (_case, answer) => {
    upstream.on('user', answer)
    await failureOf(upstream)
    expect(upstream.count('user')).toBe(1)
  })

  it.each(['token', 'revoke'] as const)('is never made of %s', async (endpoint) => {
    upstream.on(endpoint, error(503, 'unexpected_error', { 'retry-after': '0' }))
    await travel(upstream).catch((caught: unknown) => caught)
    expect(upstream.count(endpoint)).toBe(1)
  })

  it.each([
    ['no Retry-After', {}, 2, 250],
    ['a Retry-After of no time', { 'retry-after': '0' }, 2, 250],
    ['a small Retry-After', { 'retry-after': '3' }, 2, 3000],
    ['a date soon', { 'retry-after': new Date((1_768_000_000 + 2) * 1000).toUTCString() }, 2, 2000],
    ['a date that is over', { 'retry-after': new Date(0).toUTCString() }, 2, 250],
    ['a Retry-After that cannot be read', { 'retry-after': 'soon' }, 2, 250],
    ['a long Retry-After', { 'retry-after': '4' }, 1, undefined],
    ['a date far off', { 'retry-after': new Date((1_768_000_000 + 60) * 1000).toUTCString() }, 1, undefined],
  ])('honours %s', async (_case, headers, tries, waited) => {
    upstream.on('user', error(429, 'slow_down', headers as Record<string, string>))
    const waits: number[] = []
    const deps = {
      sleep: async (ms: number) => waits.push(ms),
      randomBytes: (size: number) => new Uint8Array(size).fill(64),
    }
    expect(await failureOf(upstream, { deps })).toMatchObject({ code: 'RAIL_RATE_LIMITED' })
    expect([upstream.count('user'), waits]).toEqual([tries, waited === undefined ? [] : [waited]])
  })
})

describe('secrets stay inside — security.md UP-8', () => {
  const faults: [Named, string, Answerer][] = (['token', 'user', 'issued', 'revoke', 'xml'] as const).flatMap(
    (endpoint): [Named, string, Answerer][] => [
      [endpoint, 'an error with a talkative description', error(400, `${CANARY.pan} ${CANARY.name}`)],
      [endpoint, 'an error word that is personal', error(401, CANARY.pan)],
      [endpoint, 'a page', html(530)],
      [endpoint, 'broken JSON', { body: `{"a": ${JSON.stringify(tokenBody)}` }],
      [endpoint, 'a wrong shape', json({ [CANARY.pan]: CANARY.name, items: CANARY.name, access_token: [CANARY.name] })],
      [endpoint, 'a broken connection', cut],
      [endpoint, 'compressed bytes', { headers: { 'content-encoding': CANARY.pan }, body: CANARY.name }],
      [endpoint, 'a redirect', { status: 302, headers: { location: `/?token=${CANARY.accessToken}` } }],
    ],
  )

  it.each(faults)('says nothing of them when %s answers with %s', async (endpoint, _case, answer) => {
    upstream.on(endpoint, answer)
    const { rail, told } = rig(upstream)
    const begun = await rail.begin({
      correlation: 'state-canary',
      returnTo: new URL('https://op.test/callback/digilocker'),
      needs: [need('PANCR')],
      purpose: 'Age',
      serviceName: 'Shop',
      freshLogin: false,
    })
    if (begun.kind !== 'redirect') throw new Error('no redirect')
    const query = new URLSearchParams({ code: CANARY.code, state: 'state-canary' })
    const caught = await rail.advance(begun.state, { query }).catch((failure: unknown) => failure)
    const said = caught instanceof Error ? [caught.message, caught.stack, { ...caught }, caught.cause] : []
    const heard = JSON.stringify([said, told])
    const secrets = [...Object.values(CANARY), String(begun.state.codeVerifier), 'state-canary', PAN_URI, 'CANRY']
    expect(secrets.filter((secret) => heard.includes(secret))).toEqual([])
    expect(told.events.length).toBeGreaterThan(0)
  })

  it('tells of each call its name and status, and nothing else', async () => {
    const { told } = await travel(upstream, { needs: [need('PANCR')] })
    expect(told.events).toEqual(
      ['token', 'user', 'issued', 'xml', 'revoke'].map((operation) => ({
        operation,
        outcome: 'answered',
        status: 200,
      })),
    )
  })

  it('puts no secret and no token into an address', async () => {
    await travel(upstream, { needs: [need('PANCR')] })
    const paths = upstream.requests.map(({ path }) => path).join(' ')
    expect(
      [CANARY.accessToken, CANARY.refreshToken, CANARY.clientSecret, CANARY.code].filter((one) => paths.includes(one)),
    ).toEqual([])
  })
})
