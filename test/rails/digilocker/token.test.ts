import { createHash } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import {
  CANARY,
  CLIENT,
  error,
  failureOf,
  html,
  json,
  NOW,
  rig,
  SUBJECT,
  tokenBody,
  travel,
  Upstream,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => upstream.reset())
afterAll(() => upstream.close())

const basic = `Basic ${Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')}`
const without = (...names: string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(tokenBody).filter(([name]) => !names.includes(name)))

describe('DigiLocker code exchange — digilocker-api.md §6', () => {
  it('sends code, verifier and the same redirect URI as a form', async () => {
    const { rail } = rig(upstream)
    const begun = await rail.begin({
      correlation: 's',
      returnTo: new URL('https://op.test/callback/digilocker'),
      needs: [],
      purpose: 'Age',
      serviceName: 'Shop',
      freshLogin: false,
    })
    if (begun.kind !== 'redirect') throw new Error('no redirect')
    await rail.advance(begun.state, { query: new URLSearchParams({ code: CANARY.code }) })
    const { method, path, headers, form } = upstream.last('token')
    expect([method, path, headers['content-type']]).toEqual([
      'POST',
      '/public/oauth2/1/token',
      'application/x-www-form-urlencoded',
    ])
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'authorization_code',
      code: CANARY.code,
      redirect_uri: begun.url.searchParams.get('redirect_uri'),
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
      client_id: CLIENT.clientId,
      client_secret: CLIENT.clientSecret,
    })
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    expect(challenge).toBe(begun.url.searchParams.get('code_challenge'))
  })

  it.each([
    ['post', undefined, CLIENT.clientId, CLIENT.clientSecret],
    ['basic', basic, null, null],
    ['none', undefined, CLIENT.clientId, null],
  ] as const)('authenticates by %s, and by that alone', async (auth, header, id, secret) => {
    await travel(upstream, { settings: { clientAuth: { token: auth, refresh: auth, revoke: auth } } })
    for (const endpoint of ['token', 'revoke'] as const) {
      const { headers, form } = upstream.last(endpoint)
      expect([headers.authorization, form.get('client_id'), form.get('client_secret')]).toEqual([header, id, secret])
    }
  })

  it('uses version 2 when configured, and never probes the other', async () => {
    upstream.on('token', error(400, 'invalid_grant_type'))
    await failureOf(upstream, { settings: { tokenVersion: 2 } })
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/public/oauth2/2/token'])
  })

  it.each([
    ['a used or foreign code', error(400, 'invalid_grant'), 'RAIL_CODE_REFUSED'],
    ['a used code, answered 401', error(401, 'invalid_grant'), 'RAIL_CODE_REFUSED'],
    ['wrong credentials', error(400, 'invalid_client'), 'RAIL_MISCONFIGURED'],
    ['wrong credentials, answered 401', error(401, 'invalid_client'), 'RAIL_MISCONFIGURED'],
    ['an unknown client id', error(401, 'invalid_client_id'), 'RAIL_MISCONFIGURED'],
    ['the wrong token version', error(400, 'invalid_grant_type'), 'RAIL_MISCONFIGURED'],
    ['another redirect URI', error(400, 'redirect_uri_mismatch'), 'RAIL_MISCONFIGURED'],
    ['a word named like a method', error(400, 'constructor'), 'RAIL_RESPONSE_INVALID'],
    ['an unknown 400', error(400, 'something'), 'RAIL_RESPONSE_INVALID'],
    ['a 400 with a page', html(400), 'RAIL_UNAVAILABLE'],
    ['a 401 without words', { status: 401 }, 'RAIL_UNAUTHORIZED'],
    ['a 403', error(403, 'forbidden'), 'RAIL_FORBIDDEN'],
    ['a 404', error(404, 'nothing'), 'RAIL_NOT_FOUND'],
    ['a 429', html(429), 'RAIL_RATE_LIMITED'],
    ['a 500', error(500, 'unexpected_error'), 'RAIL_UNAVAILABLE'],
    ['a 530', error(530, 'unexpected_error'), 'RAIL_UNAVAILABLE'],
    ['a page', html(200), 'RAIL_UNAVAILABLE'],
    ['a page called JSON', json('', 200), 'RAIL_RESPONSE_INVALID'],
    ['no body', { status: 200 }, 'RAIL_RESPONSE_INVALID'],
    ['no JSON', { body: `{"access_token": ${CANARY.accessToken}` }, 'RAIL_RESPONSE_INVALID'],
    ['a body in another encoding', { body: Buffer.from([0x7b, 0xff, 0xfe]) }, 'RAIL_RESPONSE_INVALID'],
    ['a 204', { status: 204 }, 'RAIL_RESPONSE_INVALID'],
    ['no access token', json(without('access_token')), 'RAIL_RESPONSE_INVALID'],
    ['an access token with a line break', json({ ...tokenBody, access_token: 'a\r\nX: y' }), 'RAIL_RESPONSE_INVALID'],
    ['another token type', json({ ...tokenBody, token_type: 'DPoP' }), 'RAIL_RESPONSE_INVALID'],
    [
      'a consent end that cannot be read',
      json({ ...tokenBody, consent_valid_till: '2026-01-17' }),
      'RAIL_RESPONSE_INVALID',
    ],
    ['a consent end in milliseconds', json({ ...tokenBody, consent_valid_till: NOW * 1000 }), 'RAIL_RESPONSE_INVALID'],
    ['a consent that is over', json({ ...tokenBody, consent_valid_till: NOW }), 'RAIL_RESPONSE_INVALID'],
  ])('refuses %s, after one token request', async (_case, answer, code) => {
    upstream.on('token', answer)
    expect(await failureOf(upstream)).toMatchObject({ name: 'RailError', code })
    expect(upstream.count('token')).toBe(1)
  })

  it('never sends a token request twice, not even when the connection broke', async () => {
    upstream.on('token', (_request, response) => {
      response.destroy()
      return undefined
    })
    expect(await failureOf(upstream)).toMatchObject({ code: 'RAIL_UNAVAILABLE' })
    expect(upstream.count('token')).toBe(1)
  })

  it.each([
    ['a number', 1_770_000_000],
    ['a numeric string', '1770000000'],
  ])('reads consent_valid_till as %s', async (_case, consent_valid_till) => {
    upstream.on('token', json({ ...tokenBody, consent_valid_till }))
    expect((await travel(upstream)).identity.consentEndsAt).toBe(1_770_000_000)
  })

  it.each([[undefined], [null], ['']])('reads a consent_valid_till of %j as unknown', async (consent_valid_till) => {
    upstream.on('token', json({ ...tokenBody, consent_valid_till }))
    expect((await travel(upstream)).identity).not.toHaveProperty('consentEndsAt')
  })

  it.each([
    ['a wrapper called details', json({ details: tokenBody })],
    ['unknown members', json({ ...tokenBody, surprise: { deep: [1] } })],
    ['a numeric string for expires_in', json({ ...tokenBody, expires_in: '3600' })],
    ['nothing but the access token', json({ access_token: CANARY.accessToken })],
    [
      'empty and null members',
      json({ ...tokenBody, name: '', dob: null, refresh_token: '', scope: null, id_token: null }),
    ],
    ['a lower-case bearer', json({ ...tokenBody, token_type: 'bearer' })],
    ['JSON called text', { headers: { 'content-type': 'text/plain' }, body: JSON.stringify(tokenBody) }],
  ])('takes %s', async (_case, answer) => {
    upstream.on('token', answer)
    expect((await travel(upstream)).identity.subject).toBe(SUBJECT)
  })
})

describe('Upstream tokens after the journey — digilocker-api.md §6.4', () => {
  it('gives them back, by the refresh token, and keeps none', async () => {
    const { identity } = await travel(upstream)
    expect(identity).not.toHaveProperty('session')
    const { form, headers } = upstream.last('revoke')
    expect(Object.fromEntries(form)).toEqual({ token: CANARY.refreshToken, token_type_hint: 'refresh_token' })
    expect(headers.authorization).toBe(basic)
  })

  it('gives back the access token where there is no refresh token', async () => {
    upstream.on('token', json(without('refresh_token')))
    await travel(upstream)
    expect(upstream.last('revoke').form.get('token')).toBe(CANARY.accessToken)
  })

  it.each([
    ['refused', error(400, 'invalid_token'), 'RAIL_RESPONSE_INVALID'],
    ['impossible now', html(530), 'RAIL_UNAVAILABLE'],
  ])('lets the login stand when that is %s, and warns', async (_case, answer, code) => {
    upstream.on('revoke', answer)
    const { identity, told } = await travel(upstream)
    expect([identity.subject, told.warnings, upstream.count('revoke')]).toEqual([SUBJECT, [code], 1])
  })

  it.each([
    ['an empty body', { status: 200 }],
    ['a 204', { status: 204 }],
  ])('takes %s as given back', async (_case, answer) => {
    upstream.on('revoke', answer)
    expect((await travel(upstream)).told.warnings).toEqual([])
  })

  it('hands them to the caller when told to keep them', async () => {
    const { identity } = await travel(upstream, { settings: { revokeAfterFetch: false } })
    expect(identity.session?.tokens).toEqual({
      accessToken: CANARY.accessToken,
      refreshToken: CANARY.refreshToken,
      expiresAt: NOW + 3600,
    })
    expect(upstream.count('revoke')).toBe(0)
  })

  it.each([true, false])('gives them back after a failed journey, since nobody holds them (keep: %j)', async (keep) => {
    upstream.on('user', error(403, 'insufficient_scope'))
    await failureOf(upstream, { settings: { revokeAfterFetch: !keep } })
    expect(upstream.count('revoke')).toBe(1)
  })
})
