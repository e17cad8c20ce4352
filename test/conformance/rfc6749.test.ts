import { describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { REDIRECT_URI } from '../support/stage.ts'
import { refusal, useScene } from './party.ts'

describe('RFC 6749, OAuth 2.0', () => {
  const scene = useScene()

  it('§2.3.1: credentials in the address are not taken', async () => {
    const query = new URLSearchParams({ client_id: scene.party.id, client_secret: scene.party.secret })
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' })
    const { status, body: answer } = await scene.send(`/token?${query}`, { method: 'POST', body })
    expect([status, answer.error]).toEqual([400, 'invalid_request'])
  })

  it('§2.3.1: HTTP Basic takes id and secret form-encoded', async () => {
    const encoded = [...scene.party.id].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')
    const answer = await scene.send('/token', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${encoded}:${scene.party.secret}`)}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'never-given' }),
    })
    expect(refusal(answer)).toEqual([400, 'invalid_grant'])
  })

  it('§2.3: a client uses one way of authentication in a request', async () => {
    const answer = await scene.party.post('/token', {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id: scene.party.id,
      client_secret: scene.party.secret,
    })
    expect(refusal(answer)).toEqual([400, 'invalid_request'])
  })

  it('§3.1: a parameter without a value is as if it were left out', async () => {
    const answer = await scene.party.answerTo({ prompt: '', max_age: '', response_type: '' })
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })

  it('§3.2: the token endpoint takes POST alone', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status } = await scene.send('/token', { method })
      expect([method, status]).toEqual([method, 405])
    }
  })

  it('§3.2: the token endpoint takes a form alone', async () => {
    const answer = await scene.send('/token', {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${scene.party.id}:${scene.party.secret}`)}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: 'x' }),
    })
    expect(refusal(answer)).toEqual([400, 'invalid_request'])
  })

  it.each([
    ['no client', { client_id: undefined }, 'REQUEST_INVALID'],
    ['an unknown client', { client_id: 'nobody' }, 'CLIENT_UNKNOWN'],
  ])('§3.1.2.4: a request of %s is shown on our page and redirected nowhere', async (_case, change, code) => {
    const page = await new Citizen(REDIRECT_URI).get((await scene.party.request(change)).url)
    expect([page.status, page.url.pathname]).toEqual([400, '/authorize'])
    expect(page.html).toContain(code)
  })

  it('§3.3: a scope that nobody knows is ignored, and no answer names it', async () => {
    const { answerOfToken, access_token } = await scene.party.tokens({ scope: 'openid admin profile' })
    expect(answerOfToken.body.scope).toBe('openid profile')
    const { body } = await scene.party.post('/introspect', { token: access_token })
    expect(body.scope).toBe('openid profile')
  })

  it('§4.1.2: a code lives for at most ten minutes; ours for one', async () => {
    const { answer } = await scene.party.authorize()
    const [row] = await scene.stage.database
      .db()
      .selectFrom('oidc_model')
      .select(['expires_at'])
      .where('model', '=', 'AuthorizationCode')
      .where('consumed_at', 'is', null) // a used one is kept with what came of it
      .orderBy('expires_at', 'desc')
      .limit(1)
      .execute()
    expect(answer.searchParams.get('code')).toMatch(/^[\w-]{43}$/)
    expect(Number(new Date(row?.expires_at ?? 0)) - Date.now()).toBeLessThanOrEqual(60_000)
  })

  it('§4.1.3: a code is good only with the redirect URI of its request', async () => {
    const authorized = await scene.party.authorize()
    for (const redirect_uri of ['https://shop.example/other', undefined])
      expect(refusal(await scene.party.exchange(authorized, { redirect_uri }))).toEqual([
        400,
        expect.stringMatching(/^invalid_(grant|request)$/),
      ])
    expect((await scene.party.exchange(authorized)).status).toBe(200)
  })

  it('§5.2: unknown, missing and foreign grant types have their codes', async () => {
    expect(refusal(await scene.party.post('/token', { grant_type: 'urn:none' }))).toEqual([
      400,
      'unsupported_grant_type',
    ])
    expect(refusal(await scene.party.post('/token', {}))).toEqual([400, 'invalid_request'])
    for (const grant_type of ['password', 'client_credentials', 'implicit'])
      expect(refusal(await scene.party.post('/token', { grant_type }))).toEqual([400, 'unsupported_grant_type'])
  })

  it('§5.2: wrong HTTP Basic credentials get 401 with a challenge of that scheme', async () => {
    const answer = await scene.send('/token', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${scene.party.id}:wrong`)}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' }),
    })
    expect([...refusal(answer), answer.headers.get('www-authenticate')]).toEqual([
      401,
      'invalid_client',
      expect.stringMatching(/^Basic/),
    ])
    expect(answer.headers.get('cache-control')).toContain('no-store')
  })

  it('§6: a refresh may ask for less, and not for more', async () => {
    const { refresh_token } = await scene.party.tokens({ scope: 'openid offline_access profile' })
    expect(refusal(await scene.party.refresh(refresh_token, { scope: 'openid pan' }))).toEqual([400, 'invalid_scope'])
    const { status, body } = await scene.party.refresh(refresh_token, { scope: 'openid' })
    expect([status, body.scope]).toEqual([200, 'openid'])
  })
})
