import { createHash, createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { testPki } from '../support/pki.ts'
import { judgeByXmlCrypto } from './support/judges.ts'
import * as walk from './support/walk.ts'

const NOW = Date.parse('2026-11-24T06:30:00Z') / 1000
/** a second client of the same kind: what is one's must not serve the other */
const RIVAL = { ...walk.PLAIN, clientId: 'RIVALAPP', clientSecret: 'rival-test-secret' }
let clock = NOW
let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({
    pki: await testPki(new Date(clock * 1000)),
    clients: [walk.PLAIN, walk.OIDC, RIVAL],
    now: () => clock,
  })
})
beforeEach(() => {
  clock = NOW
  simulator.reset()
})
afterAll(() => simulator.close())

const hmacOf = (body: Buffer, secret: string) => createHmac('sha256', secret).update(body).digest('base64')
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

describe('a whole journey, seen from outside — digilocker-api.md §§4–10', () => {
  it('leads from authorize over the token and the user to signed documents', async () => {
    const callback = await walk.walkToCallback(simulator)
    expect(`${callback.origin}${callback.pathname}`).toBe('https://rp.test/callback')
    expect(callback.searchParams.get('state')).toBe(walk.STATE)
    expect(callback.searchParams.get('code')).toMatch(/^[0-9a-f]{40}$/)

    const token = (await (
      await walk.exchange(simulator, callback.searchParams.get('code') ?? '')
    ).json()) as walk.TokenReply
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600, name: 'Asha Verma', dob: '14031992' })
    expect(token).toMatchObject({ gender: 'F', eaadhaar: 'Y', new_account: 'N', purpose: 'kyc check' })
    expect(token.access_token).toMatch(/^[0-9a-f]{40}$/)
    expect(token.refresh_token).toMatch(/^[0-9a-f]{40}$/)

    const user = (await (await walk.get(simulator, walk.USER, token.access_token)).json()) as Record<string, unknown>
    expect(user).toMatchObject({ digilockerid: token.digilockerid, dob: '14031992', mobile: '9000000001' })

    const list = (await (await walk.get(simulator, walk.ISSUED, token.access_token)).json()) as {
      items: { uri: string; doctype: string; mime: string[] }[]
    }
    expect(list.items.map(({ doctype }) => doctype)).toEqual(['ADHAR', 'PANCR', 'DRVLC'])
    expect(list.items.map(({ uri }) => uri)).toEqual(walk.grantedUris(token.scope))

    for (const doctype of ['PANCR', 'DRVLC']) {
      const reply = await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, doctype)), token.access_token)
      await expectGenuine(reply, `type="${doctype}"`)
    }
    await expectGenuine(await walk.get(simulator, walk.EAADHAAR, token.access_token), 'uid="xxxxxxxx1234"')
  })

  async function expectGenuine(reply: Response, holding: string) {
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('application/xml')
    const body = await bytesOf(reply)
    expect(reply.headers.get('hmac')).toBe(hmacOf(body, walk.PLAIN.clientSecret))
    expect(judgeByXmlCrypto(body, simulator.trust.signers[0]?.certificatePem ?? '')).toContain(holding)
  }

  it('answers at the older paths too: /2/authorize, /1/files/issued with one mime each, /1 and /2 of e-Aadhaar (§3)', async () => {
    const token = await walk.login(simulator, { version: 2 })
    const reply = await walk.get(simulator, '/public/oauth2/1/files/issued', token.access_token)
    const { items } = (await reply.json()) as { items: { mime: unknown }[] }
    expect(items.map(({ mime }) => typeof mime)).toEqual(['string', 'string', 'string'])
    for (const version of [1, 2, 3]) {
      const path = `/public/oauth2/${version}/xml/eaadhaar`
      expect((await walk.get(simulator, path, token.access_token)).status).toBe(200)
    }
  })

  it('serves a file as PDF with its hmac, and none of e-Aadhaar although the list names one', async () => {
    const token = await walk.login(simulator)
    const reply = await walk.get(simulator, walk.filePath(walk.uriOf(token.scope, 'PANCR')), token.access_token)
    const body = await bytesOf(reply)
    expect(body.subarray(0, 5).toString()).toBe('%PDF-')
    expect(reply.headers.get('hmac')).toBe(hmacOf(body, walk.PLAIN.clientSecret))
    const aadhaar = await walk.get(simulator, walk.filePath(walk.uriOf(token.scope, 'ADHAR')), token.access_token)
    expect(aadhaar.status).toBe(404)
  })

  it('gives a client with openid an id_token, and neither profile nor refresh token (§6.3, §7)', async () => {
    const token = await walk.login(simulator, { client: walk.OIDC, change: { acr: 'pan aadhaar' } })
    expect(Object.keys(token).sort()).toEqual(
      ['access_token', 'consent_valid_till', 'expires_in', 'id_token', 'scope', 'token_type'].sort(),
    )
    const [header, payload, signature] = (token.id_token ?? '').split('.')
    const key = createPublicKey({ key: simulator.trust.idToken.jwks.keys[0] as JsonWebKey, format: 'jwk' })
    const signed = Buffer.from(`${header}.${payload}`)
    expect(verify('sha256', signed, key, Buffer.from(signature ?? '', 'base64url'))).toBe(true)
    expect(decode(header)).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(decode(payload)).toMatchObject({
      iss: simulator.trust.idToken.issuer,
      aud: 'OIDCAPP',
      sub: 'asha.verma',
      birthdate: '14/03/1992',
      given_name: 'Asha Verma',
      exp: NOW + 86_400,
      pan_number: 'ZZAPV0000A',
      masked_aadhaar: 'xxxxxxx1234',
    })
    expect(decode(payload)).not.toHaveProperty('driving_licence')
    expect(Buffer.from(payload ?? '', 'base64url').toString()).toContain('14\\/03\\/1992')
  })

  it('ends consent with the Indian day thirty days out: text in version 1, a number in version 2', async () => {
    const end = Date.parse('2026-12-24T23:59:59+05:30') / 1000
    expect((await walk.login(simulator)).consent_valid_till).toBe(String(end))
    expect((await walk.login(simulator, { client: walk.OIDC })).consent_valid_till).toBe(end)
  })

  it('takes the end of consent that was asked for', async () => {
    const till = String(NOW + 600)
    const token = await walk.login(simulator, { change: { consent_valid_till: till } })
    expect(token).toMatchObject({ consent_valid_till: till, expires_in: 600 })
    clock = NOW + 600
    expect((await walk.get(simulator, walk.USER, token.access_token)).status).toBe(401)
  })
})

describe('consent for each document — digilocker-api.md §5', () => {
  it('lists and serves only what was left ticked', async () => {
    const token = await walk.login(simulator, { documents: ['PANCR'] })
    expect(walk.grantedUris(token.scope)).toEqual(['in.gov.pan-PANCR-ZZAPV0000A'])
    const list = (await (await walk.get(simulator, walk.ISSUED, token.access_token)).json()) as { items: unknown[] }
    expect(list.items).toHaveLength(1)
    const licence = await walk.get(
      simulator,
      walk.xmlPath('in.gov.transport-DRVLC-MP0020120000000'),
      token.access_token,
    )
    expect([licence.status, await licence.json()]).toMatchObject([403, { error: 'insufficient_scope' }])
    expect((await walk.get(simulator, walk.EAADHAAR, token.access_token)).status).toBe(403)
  })

  it('lets people agree to nothing', async () => {
    const token = await walk.login(simulator, { documents: [] })
    expect(token.scope).toBe('files.issueddocs userdetails picture')
  })

  it('offers what req_doctype names, and grants file.partners for what is not in the locker yet', async () => {
    const token = await walk.login(simulator, { persona: 'esha', change: { req_doctype: 'ADHAR,DRVLC' } })
    expect(token.scope).toMatch(/ issued\/in\.gov\.uidai-ADHAR-[0-9a-f]{32} file\.partners\/DRVLC$/)
  })

  it('never serves one person a document of another', async () => {
    const token = await walk.login(simulator, { persona: 'bala' })
    expect((await walk.get(simulator, walk.xmlPath('in.gov.pan-PANCR-ZZAPV0000A'), token.access_token)).status).toBe(
      404,
    )
  })

  it('sends a refusal back with access_denied and state', async () => {
    const callback = await walk.walkToCallback(simulator, { decision: 'deny' })
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(callback.searchParams.get('state')).toBe(walk.STATE)
    expect(callback.searchParams.has('code')).toBe(false)
  })

  it('refuses the issued list without files.issueddocs and the user without userdetails', async () => {
    const userOnly = await walk.login(simulator, { change: { scope: 'userdetails' } })
    expect(userOnly.scope).toBe('userdetails') // no document was offered
    expect((await walk.get(simulator, walk.ISSUED, userOnly.access_token)).status).toBe(403)
    const filesOnly = await walk.login(simulator, { change: { scope: 'files.issueddocs' } })
    expect((await walk.get(simulator, walk.USER, filesOnly.access_token)).status).toBe(403)
  })
})

describe('tokens — digilocker-api.md §6', () => {
  const exchangeAgain = async (change: Record<string, string>, client = walk.PLAIN) => {
    const callback = await walk.walkToCallback(simulator, { client })
    const reply = await walk.exchange(simulator, callback.searchParams.get('code') ?? '', client, change)
    return [reply.status, ((await reply.json()) as { error: string }).error]
  }

  it.each([
    ['another verifier', { code_verifier: 'x'.repeat(43) }, 'invalid_grant'],
    ['no verifier', { code_verifier: '' }, 'invalid_grant'],
    ['another redirect_uri', { redirect_uri: 'https://rp.test/other' }, 'invalid_grant'],
    ['another code', { code: '0'.repeat(40) }, 'invalid_grant'],
    ['a wrong secret', { client_secret: 'nope' }, 'invalid_client'],
    ['an unknown client', { client_id: 'NOBODY' }, 'invalid_client'],
    ['another grant type', { grant_type: 'password' }, 'invalid_grant_type'],
  ])('refuses %s', async (_case, change, error) => {
    expect(await exchangeAgain(change)).toEqual([400, error])
  })

  it('refuses a code of another client', async () => {
    const callback = await walk.walkToCallback(simulator)
    const code = callback.searchParams.get('code') ?? ''
    const reply = await walk.exchange(simulator, code, walk.OIDC)
    expect([reply.status, await reply.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })

  it('refuses a code that was used, also one that a failed exchange burnt', async () => {
    const code = (await walk.walkToCallback(simulator)).searchParams.get('code') ?? ''
    expect((await walk.exchange(simulator, code)).status).toBe(200)
    expect((await walk.exchange(simulator, code)).status).toBe(400)
    const other = (await walk.walkToCallback(simulator)).searchParams.get('code') ?? ''
    expect((await walk.exchange(simulator, other, walk.PLAIN, { code_verifier: 'y'.repeat(43) })).status).toBe(400)
    expect((await walk.exchange(simulator, other)).status).toBe(400)
  })

  it.each([
    [29, 200],
    [30, 400],
  ])('answers a code that is %i seconds old with %i', async (age, status) => {
    const code = (await walk.walkToCallback(simulator)).searchParams.get('code') ?? ''
    clock = NOW + age
    expect((await walk.exchange(simulator, code)).status).toBe(status)
  })

  it('refuses a client with openid on version 1 and one without on version 2 (§6.1)', async () => {
    for (const [client, version] of [
      [walk.OIDC, 1],
      [walk.PLAIN, 2],
    ] as const) {
      const form = new URLSearchParams({ grant_type: 'authorization_code', client_id: client.clientId })
      form.set('client_secret', client.clientSecret)
      const reply = await walk.post(simulator, `/public/oauth2/${version}/token`, form)
      expect([reply.status, await reply.json()]).toMatchObject([400, { error: 'invalid_grant_type' }])
    }
  })

  it('takes HTTP Basic instead of the form, but not both', async () => {
    const basic = `Basic ${Buffer.from(`${walk.PLAIN.clientId}:${walk.PLAIN.clientSecret}`).toString('base64')}`
    const form = async (change: Record<string, string>) => {
      const code = (await walk.walkToCallback(simulator)).searchParams.get('code') ?? ''
      const redirectUri = walk.PLAIN.redirectUris[0] ?? ''
      const base = { grant_type: 'authorization_code', code, code_verifier: walk.VERIFIER, redirect_uri: redirectUri }
      const headers = { authorization: basic }
      return walk.post(simulator, '/public/oauth2/1/token', new URLSearchParams({ ...base, ...change }), headers)
    }
    expect((await form({})).status).toBe(200)
    expect((await form({ client_secret: walk.PLAIN.clientSecret })).status).toBe(400)
  })

  it('refuses a token request that is not a form', async () => {
    const url = new URL('/public/oauth2/1/token', simulator.url)
    const reply = await fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    expect([reply.status, await reply.json()]).toMatchObject([400, { error: 'invalid_request' }])
  })

  const refresh = (token: string) => {
    const secret = Buffer.from(`${walk.PLAIN.clientId}:${walk.PLAIN.clientSecret}`).toString('base64')
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token })
    return walk.post(simulator, '/public/oauth2/1/token', form, { authorization: `Basic ${secret}` })
  }

  it('rotates refresh tokens: the old one is spent', async () => {
    const first = await walk.login(simulator)
    const second = (await (await refresh(first.refresh_token ?? '')).json()) as walk.TokenReply
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect((await walk.get(simulator, walk.USER, second.access_token)).status).toBe(200)
    const again = await refresh(first.refresh_token ?? '')
    expect([again.status, await again.json()]).toMatchObject([400, { error: 'invalid_grant' }])
    expect(simulator.requestCounts()).toMatchObject({ token: 1, refresh: 2 })
  })

  it('ends a token after an hour', async () => {
    const token = await walk.login(simulator)
    clock = NOW + 3600
    const reply = await walk.get(simulator, walk.USER, token.access_token)
    expect([reply.status, await reply.json()]).toMatchObject([401, { error: 'invalid_token' }])
  })

  it('ends the whole grant when one of its tokens is revoked', async () => {
    const token = await walk.login(simulator)
    const revoke = (value: string) =>
      walk.post(
        simulator,
        '/public/oauth2/1/revoke',
        new URLSearchParams({
          token: value,
          client_id: walk.PLAIN.clientId,
          client_secret: walk.PLAIN.clientSecret,
        }),
      )
    expect((await revoke('0'.repeat(40))).status).toBe(400)
    expect((await revoke(token.refresh_token ?? '')).status).toBe(200)
    expect((await walk.get(simulator, walk.USER, token.access_token)).status).toBe(401)
    expect((await refresh(token.refresh_token ?? '')).status).toBe(400)
  })
})

describe('tokens of another client, and odd clients — RFC 6749 §§2.3 and 6, RFC 7009 §2.1', () => {
  const asRival = (path: string, fields: Record<string, string>) => {
    const form = new URLSearchParams({ client_id: RIVAL.clientId, client_secret: RIVAL.clientSecret, ...fields })
    return walk.post(simulator, path, form)
  }

  it('refuses to refresh them', async () => {
    const { refresh_token = '' } = await walk.login(simulator)
    const reply = await asRival('/public/oauth2/1/token', { grant_type: 'refresh_token', refresh_token })
    expect([reply.status, await reply.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })

  it('refuses to revoke them, and they stay good', async () => {
    const token = await walk.login(simulator)
    expect((await asRival('/public/oauth2/1/revoke', { token: token.access_token })).status).toBe(400)
    expect((await walk.get(simulator, walk.USER, token.access_token)).status).toBe(200)
  })

  it('refuses HTTP Basic of one client with the client_id of another', async () => {
    const code = (await walk.walkToCallback(simulator)).searchParams.get('code') ?? ''
    const basic = Buffer.from(`${walk.PLAIN.clientId}:${walk.PLAIN.clientSecret}`).toString('base64')
    const form = new URLSearchParams({ grant_type: 'authorization_code', code, client_id: RIVAL.clientId })
    form.set('redirect_uri', walk.PLAIN.redirectUris[0] ?? '')
    form.set('code_verifier', walk.VERIFIER)
    const reply = await walk.post(simulator, '/public/oauth2/1/token', form, { authorization: `Basic ${basic}` })
    expect([reply.status, await reply.json()]).toMatchObject([400, { error: 'invalid_client' }])
  })

  it.each([
    ['42 characters', 'v'.repeat(42)],
    ['129 characters', 'v'.repeat(129)],
    ['a space', `${'v'.repeat(50)} `],
  ])('refuses a verifier of %s even when it fits the challenge (RFC 7636 §4.1)', async (_case, verifier) => {
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const callback = await walk.walkToCallback(simulator, { change: { code_challenge: challenge } })
    const code = callback.searchParams.get('code') ?? ''
    const reply = await walk.exchange(simulator, code, walk.PLAIN, { code_verifier: verifier })
    expect([reply.status, await reply.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  })

  it('serves e-Aadhaar at its own endpoint only', async () => {
    const token = await walk.login(simulator)
    const reply = await walk.get(simulator, walk.xmlPath(walk.uriOf(token.scope, 'ADHAR')), token.access_token)
    expect(reply.status).toBe(404)
  })
})

describe('sign-in and single sign-on — digilocker-api.md §8', () => {
  it('skips sign-in in a browser that signed in, unless prompt=login asks for it', async () => {
    const browser = new walk.Browser()
    await walk.walkToCallback(simulator, { persona: 'bala' }, browser)
    const again = await browser.open(walk.authorizeUrl(simulator))
    expect(again.headers.get('location')).toMatch(/^\/consent\//)
    const asked = await browser.open(walk.authorizeUrl(simulator, { change: { prompt: 'login' } }))
    expect(asked.headers.get('location')).toMatch(/^\/signin\//)
  })

  it('ends that at logout and returns with user_loggedout', async () => {
    const browser = new walk.Browser()
    await walk.walkToCallback(simulator, {}, browser)
    const query = new URLSearchParams({ client_id: 'PLAINAPP', redirect_uri: walk.PLAIN.redirectUris[0] ?? '' })
    const out = await browser.open(new URL(`/signin/logout/Y?${query}`, simulator.url))
    expect(out.headers.get('location')).toBe('https://rp.test/callback?error=user_loggedout&error_description=user')
    const again = await browser.open(walk.authorizeUrl(simulator))
    expect(again.headers.get('location')).toMatch(/^\/signin\//)
    const elsewhere = await browser.open(
      new URL('/signin/logout/Y?client_id=PLAINAPP&redirect_uri=https://x.test', simulator.url),
    )
    expect(elsewhere.status).toBe(400)
  })

  it('forgets the browser at logout even if it keeps its cookie', async () => {
    const browser = new walk.Browser()
    const first = await browser.open(walk.authorizeUrl(simulator))
    const kept = { headers: { cookie: (first.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '' } }
    await walk.walkToCallback(simulator, {}, browser)
    const authorize = async () => {
      const reply = await fetch(walk.authorizeUrl(simulator), { ...kept, redirect: 'manual' })
      return reply.headers.get('location') ?? ''
    }
    expect(await authorize()).toMatch(/^\/consent\//)
    const query = new URLSearchParams({ client_id: 'PLAINAPP', redirect_uri: walk.PLAIN.redirectUris[0] ?? '' })
    await browser.open(new URL(`/signin/logout/Y?${query}`, simulator.url))
    expect(await authorize()).toMatch(/^\/signin\//)
  })

  it('gives a browser with a made-up mark a fresh one', async () => {
    const headers = { cookie: 'digilocker_simulator=chosen-by-someone' }
    const reply = await fetch(walk.authorizeUrl(simulator), { headers, redirect: 'manual' })
    expect(reply.headers.getSetCookie()[0]).toMatch(/^digilocker_simulator=[0-9a-f]{32}; /)
  })

  it('takes one decision a journey, and only from its own form', async () => {
    const browser = new walk.Browser()
    const start = await browser.open(walk.authorizeUrl(simulator))
    const at = new URL(start.headers.get('location') ?? '', simulator.url)
    const consentAt = new URL((await walk.signIn(browser, at, {})).headers.get('location') ?? '', simulator.url)
    const flow = walk.hidden(await (await browser.open(consentAt)).text(), 'flow')
    expect((await browser.post(consentAt, new URLSearchParams({ decision: 'allow' }))).status).toBe(400)
    expect((await browser.post(consentAt, new URLSearchParams({ flow, decision: 'allow' }))).status).toBe(303)
    expect((await browser.post(consentAt, new URLSearchParams({ flow, decision: 'allow' }))).status).toBe(400)
  })

  it('refuses a wrong PIN, and ends the journey at the fifth', async () => {
    const browser = new walk.Browser()
    const start = await browser.open(walk.authorizeUrl(simulator))
    const at = new URL(start.headers.get('location') ?? '', simulator.url)
    for (const status of [400, 400, 400, 400, 403]) {
      expect((await walk.signIn(browser, at, { pin: '000000' })).status).toBe(status)
    }
    expect((await browser.open(at)).status).toBe(400)
  })

  it('keeps a journey to the browser that began it', async () => {
    const start = await new walk.Browser().open(walk.authorizeUrl(simulator))
    const elsewhere = await new walk.Browser().open(new URL(start.headers.get('location') ?? '', simulator.url))
    expect(elsewhere.status).toBe(400)
  })

  it('asks for sign-in before consent, and for the hidden field of the form', async () => {
    const browser = new walk.Browser()
    const start = await browser.open(walk.authorizeUrl(simulator))
    const signInAt = new URL(start.headers.get('location') ?? '', simulator.url)
    const consentAt = new URL(signInAt.href.replace('/signin/', '/consent/'))
    expect((await browser.open(consentAt)).headers.get('location')).toBe(signInAt.pathname)
    const without = await browser.post(signInAt, new URLSearchParams({ persona: 'asha', pin: '111111' }))
    expect(without.status).toBe(400)
  })
})
