import { createHash, createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { toBirthdate } from '../../../src/rails/digilocker/profile.ts'
import type { DigiLockerSettings } from '../../../src/rails/digilocker/settings.ts'
import {
  CANARY,
  CLIENT,
  error,
  failureOf,
  html,
  json,
  NOW,
  REQUEST,
  rig,
  SUBJECT,
  tokenBody,
  travel,
  Upstream,
  userBody,
} from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
beforeEach(() => upstream.reset())
afterAll(() => upstream.close())

const bareToken = { access_token: CANARY.accessToken, expires_in: 3600, token_type: 'Bearer', scope: 'openid' }

describe('DigiLocker user details — digilocker-api.md §9', () => {
  it('asks once, with the token in the header and not in the address', async () => {
    await travel(upstream)
    const { method, path, headers } = upstream.last('user')
    expect([method, path, headers.authorization]).toEqual([
      'GET',
      '/public/oauth2/1/user',
      `Bearer ${CANARY.accessToken}`,
    ])
    expect(upstream.count('user')).toBe(1)
  })

  it('takes the account from digilockerid, whatever else looks like a key', async () => {
    upstream.on('token', json({ ...bareToken, reference_key: 'e'.repeat(64), sub: 'someone' }))
    upstream.on('user', json({ ...userBody, digilockerid: SUBJECT.toUpperCase(), sub: 'someone' }))
    expect((await travel(upstream)).identity.subject).toBe(SUBJECT)
  })

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['null', null],
    ['a number', 12345],
    ['a mobile number', '9000000000'],
    ['a user name', 'test.user'],
    ['a reference key', 'f'.repeat(64)],
    ['a UUID with a tail', `${SUBJECT}0`],
  ])('refuses a digilockerid that is %s', async (_case, digilockerid) => {
    upstream.on('user', json({ ...userBody, digilockerid }))
    expect(await failureOf(upstream)).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it('refuses user details of another person than the token’s', async () => {
    upstream.on('user', json({ ...userBody, digilockerid: SUBJECT.replace('1', '2') }))
    expect(await failureOf(upstream)).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it.each([
    ['a 401', error(401, 'invalid_token'), 'RAIL_UNAUTHORIZED'],
    ['a 401 without words', { status: 401 }, 'RAIL_UNAUTHORIZED'],
    ['a 400 that says the token is bad', error(400, 'invalid_token'), 'RAIL_UNAUTHORIZED'],
    ['a 403', error(403, 'insufficient_scope'), 'RAIL_FORBIDDEN'],
    ['a 403 from a gateway', html(403), 'RAIL_UNAVAILABLE'],
    ['a 404', error(404, 'nothing'), 'RAIL_NOT_FOUND'],
    ['a 404 from a gateway', html(404), 'RAIL_UNAVAILABLE'],
    ['a 400', error(400, 'invalid_parameter'), 'RAIL_RESPONSE_INVALID'],
    ['a 429', { status: 429 }, 'RAIL_RATE_LIMITED'],
    ['a 500', error(500, 'unexpected_error'), 'RAIL_UNAVAILABLE'],
    ['a 503', error(503, 'repository_service_inactive'), 'RAIL_UNAVAILABLE'],
    ['a 530 with JSON', error(530, 'unexpected_error'), 'RAIL_UNAVAILABLE'],
    ['a 530 with a page', html(530), 'RAIL_UNAVAILABLE'],
    ['a 530 without body', { status: 530 }, 'RAIL_UNAVAILABLE'],
    ['a page', html(200), 'RAIL_UNAVAILABLE'],
    ['a list', json([]), 'RAIL_RESPONSE_INVALID'],
    ['a 202 with a fine body', json(userBody, 202), 'RAIL_RESPONSE_INVALID'],
  ])('refuses %s', async (_case, answer, code) => {
    upstream.on('user', answer)
    expect(await failureOf(upstream)).toMatchObject({ name: 'RailError', code })
  })

  it('prefers user details, then the token, for what is asserted', async () => {
    upstream.on('user', json({ digilockerid: SUBJECT, name: '', gender: 'M', email: 'k@example.in' }))
    const { identity } = await travel(upstream)
    expect(identity.asserted).toEqual({
      name: CANARY.name,
      birthdate: '1990-12-31',
      gender: 'male',
      phoneNumber: '+919000000000',
      email: 'k@example.in',
    })
  })

  it.each([
    ['a mobile as number', { mobile: 9000000000 }, { phoneNumber: '+919000000000' }],
    ['a mobile with its country', { mobile: '+91 90000-00000' }, { phoneNumber: '+919000000000' }],
    ['a landline', { mobile: '2200000000' }, {}],
    ['a gender in words', { gender: ' Transgender ' }, { gender: 'transgender' }],
    ['a gender that it does not know', { gender: 'constructor' }, {}],
    ['a name with odd blanks', { name: '  A\u00a0 B ' }, { name: 'A B' }],
    ['a name with control characters', { name: 'A\u0007B' }, {}],
    ['a name that is an object', { name: { first: 'A' } }, {}],
    ['no e-mail address', { email: 'not at all' }, {}],
    ['a picture', { picture: 'AAAA' }, {}],
  ])('reads %s', async (_case, member, asserted) => {
    upstream.on('token', json(bareToken))
    upstream.on('user', json({ digilockerid: SUBJECT, ...member }))
    expect((await travel(upstream)).identity.asserted).toEqual(asserted)
  })
})

describe('dates of birth — digilocker-api.md §9', () => {
  it.each([
    ['31121970', '1970-12-31'],
    ['01/02/1990', '1990-02-01'],
    ['01-02-1990', '1990-02-01'],
    ['1990-02-01', '1990-02-01'],
    ['01/02/1990 00:00:00', '1990-02-01'],
    ['1990-02-01T00:00:00Z', '1990-02-01'],
    ['29022000', '2000-02-29'],
    ['29021900', undefined],
    ['12/31/1990', undefined],
    ['31/04/1990', undefined],
    ['00/01/1990', undefined],
    ['01-02/1990', undefined],
    ['1/2/1990', undefined],
    ['1990', undefined],
    ['01/01/0001', undefined],
    ['31/12/1849', undefined],
    ['01/01/1850', '1850-01-01'],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j as %j, day first', (text, date) => {
    expect(toBirthdate(text)).toBe(date)
  })
})

const issuer = 'https://api.digitallocker.gov.in'
const pair = await generateKeyPair('RS256', { extractable: true })
const other = await generateKeyPair('RS256', { extractable: true })
const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
const claims = {
  iss: issuer,
  sub: 'test.user',
  aud: CLIENT.clientId,
  iat: NOW,
  exp: NOW + 86_400,
  given_name: 'Test User',
  birthdate: '31/12/1990',
  phone_number: '9000000000',
  email: 't@example.in',
}
const sign = (changed: Record<string, unknown> = {}, key = pair.privateKey, kid = 'k1'): Promise<string> =>
  new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid }).sign(key)
const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const halfHash = (text: string): string =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')

const withIdToken = (id_token: string): void => {
  upstream.on('token', json({ ...bareToken, id_token }))
  upstream.on('user', json({ digilockerid: SUBJECT }))
}
const settingsFor = (keys: DigiLockerSettings['idToken']['keys'], nonce = false): Partial<DigiLockerSettings> => ({
  tokenVersion: 2,
  idToken: { issuers: [issuer], keys, nonce },
})
const tlsOnly = settingsFor({ mode: 'tls-only' })
const pinned = settingsFor({ mode: 'keys', jwks: { keys: [jwk] } })

describe('DigiLocker id_token — digilocker-api.md §7, OIDC Core §3.1.3.7', () => {
  it.each([
    ['over TLS alone', tlsOnly],
    ['under a configured key', pinned],
  ])('reads the profile, day first and never the subject, %s', async (_case, settings) => {
    withIdToken(await sign())
    const { identity } = await travel(upstream, { settings })
    expect([identity.subject, identity.asserted]).toEqual([
      SUBJECT,
      {
        name: 'Test User',
        birthdate: '1990-12-31',
        phoneNumber: '+919000000000',
        email: 't@example.in',
      },
    ])
  })

  it.each([
    ['a foreign issuer', { iss: 'https://evil.test' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'OTHER' }],
    ['an audience beside us', { aud: [CLIENT.clientId, 'OTHER'] }],
    ['no audience', { aud: [] }],
    ['another authorised party', { azp: 'OTHER' }],
    ['an end in the past', { exp: NOW - 60 }],
    ['no end', { exp: undefined }],
    ['a start in the future', { iat: NOW + 61 }],
    ['no start', { iat: undefined }],
    ['the hash of another access token', { at_hash: halfHash('another') }],
  ])('refuses %s', async (_case, changed) => {
    withIdToken(await sign(changed))
    expect(await failureOf(upstream, { settings: tlsOnly })).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it.each([
    ['us as a list of one', { aud: [CLIENT.clientId] }],
    ['us as authorised party', { azp: CLIENT.clientId }],
    ['an end within a minute of skew', { exp: NOW - 59 }],
    ['a start within a minute of skew', { iat: NOW + 60 }],
    ['times as numeric strings', { exp: String(NOW + 9), iat: String(NOW) }],
    ['the hash of this access token', { at_hash: halfHash(CANARY.accessToken) }],
  ])('takes %s', async (_case, changed) => {
    withIdToken(await sign(changed))
    expect((await travel(upstream, { settings: tlsOnly })).identity.asserted.name).toBe('Test User')
  })

  const hs256 = `${b64({ alg: 'HS256', kid: 'k1' })}.${b64(claims)}`
  it.each([
    ['alg none', `${b64({ alg: 'none' })}.${b64(claims)}.`],
    [
      'HS256 with the public key',
      `${hs256}.${createHmac('sha256', JSON.stringify(jwk)).update(hs256).digest('base64url')}`,
    ],
    ['a critical extension', `${b64({ alg: 'RS256', crit: ['x'], x: 1 })}.${b64(claims)}.AAAA`],
    ['no JWT', 'not.a.jwt'],
    ['two parts', 'a.b'],
  ])('refuses %s, with keys or without', async (_case, idToken) => {
    withIdToken(idToken)
    expect(await failureOf(upstream, { settings: tlsOnly })).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
    expect(await failureOf(upstream, { settings: pinned })).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it.each([
    ['another key of the same name', other.privateKey, 'k1'],
    ['an unknown key id', pair.privateKey, 'k2'],
  ])('refuses %s when keys are configured', async (_case, key, kid) => {
    withIdToken(await sign({}, key, kid))
    expect(await failureOf(upstream, { settings: pinned })).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it('reads keys from a configured address', async () => {
    upstream.on('jwks', json({ keys: [jwk] }))
    withIdToken(await sign())
    const settings = settingsFor({ mode: 'jwks-uri', url: new URL('/jwks', upstream.url) })
    expect((await travel(upstream, { settings })).identity.asserted.name).toBe('Test User')
    withIdToken(await sign({}, other.privateKey))
    expect(await failureOf(upstream, { settings })).toMatchObject({ code: 'RAIL_RESPONSE_INVALID' })
  })

  it('refuses the login, and not the check, when that address does not answer', async () => {
    upstream.on('jwks', html(503))
    withIdToken(await sign())
    const settings = settingsFor({ mode: 'jwks-uri', url: new URL('/jwks', upstream.url) })
    expect(await failureOf(upstream, { settings })).toMatchObject({ code: 'RAIL_UNAVAILABLE' })
  })

  it('lets a version 2 answer without id_token stand on user details', async () => {
    upstream.on('token', json(bareToken))
    expect((await travel(upstream, { settings: tlsOnly })).identity.subject).toBe(SUBJECT)
  })

  it('insists on its nonce where one was sent', async () => {
    const settings = settingsFor({ mode: 'tls-only' }, true)
    const { rail } = rig(upstream, { settings })
    const begun = await rail.begin(REQUEST)
    if (begun.kind !== 'redirect') throw new Error('no redirect')
    const reply = { query: new URLSearchParams({ code: CANARY.code }) }
    withIdToken(await sign({ nonce: begun.url.searchParams.get('nonce') }))
    expect(await rail.advance(begun.state, reply)).toMatchObject({ kind: 'done' })
    for (const answer of [{ id_token: await sign({ nonce: 'other' }) }, { id_token: await sign() }, {}]) {
      upstream.on('token', json({ ...bareToken, ...answer }))
      await expect(rail.advance(begun.state, reply)).rejects.toThrow(
        expect.objectContaining({ code: 'RAIL_RESPONSE_INVALID' }),
      )
    }
  })

  it('prefers what version 1 says itself over an id_token', async () => {
    upstream.on('token', json({ ...tokenBody, id_token: await sign() }))
    expect((await travel(upstream, { settings: tlsOnly })).identity.asserted.name).toBe(CANARY.name)
  })
})
