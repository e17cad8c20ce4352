import { describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { logIn, REDIRECT_URI } from '../support/stage.ts'
import { type Parameters, refusal, useScene } from './party.ts'

describe('RFC 9126, pushed authorization requests', () => {
  const scene = useScene()

  async function push(change: Parameters = {}) {
    const request = await scene.party.request(change)
    return { ...request, pushed: await scene.party.post('/par', Object.fromEntries(request.parameters)) }
  }

  const withUri = (request_uri: unknown, more: Record<string, string> = {}) =>
    new URL(
      `/authorize?${new URLSearchParams({ client_id: scene.party.id, request_uri: String(request_uri), ...more })}`,
      scene.stage.issuer,
    )

  it('§2.1: a client authenticates as at the token endpoint', async () => {
    const { parameters } = await scene.party.request()
    expect(refusal(await scene.send('/par', { method: 'POST', body: parameters }))).toEqual([401, 'invalid_client'])
    const headers = { authorization: `Basic ${btoa(`${scene.party.id}:wrong`)}` }
    const wrong = await scene.send('/par', { method: 'POST', body: parameters, headers })
    expect(refusal(wrong)).toEqual([401, 'invalid_client'])
  })

  it('§2.1: request_uri itself is not pushed', async () => {
    const { pushed } = await push({ request_uri: 'urn:ietf:params:oauth:request_uri:other' })
    expect(refusal(pushed)).toEqual([400, expect.stringMatching(/^(invalid_request|request_uri_not_supported)$/)])
  })

  it('§2.2: the answer is 201, unguessable, short-lived and not stored', async () => {
    const { pushed } = await push()
    expect(pushed.status).toBe(201)
    expect(pushed.headers.get('cache-control')).toContain('no-store')
    expect(pushed.body.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:[\w-]{22,}$/)
    expect(pushed.body.expires_in).toSatisfy((seconds: number) => seconds >= 5 && seconds <= 600)
  })

  it.each<[string, Parameters, string]>([
    ['a scope that the client has not', { scope: 'openid driving_licence_valid' }, 'invalid_scope'],
    ['no response type', { response_type: undefined }, 'invalid_request'],
    ['another response type', { response_type: 'token' }, 'unsupported_response_type'],
    ['a redirect URI that is not registered', { redirect_uri: 'https://shop.example/other' }, 'invalid_request'],
    ['no redirect URI', { redirect_uri: undefined }, 'invalid_request'],
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
  ])('§2.3: %s is told at once', async (_case, change, error) => {
    const { pushed } = await push(change)
    expect(refusal(pushed)).toEqual([400, error])
  })

  it('§2.3: a scope that nobody knows is no error here either (OpenID Connect Core §3.1.2.1)', async () => {
    expect((await push({ scope: 'openid nonsense_scope' })).pushed.status).toBe(201)
  })

  it('§2.3: any other method is refused with 405', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, headers } = await scene.send('/par', { method })
      expect([method, status, headers.get('allow')]).toEqual([method, 405, 'POST'])
    }
  })

  it('§2.3: what is too large is refused with 413', async () => {
    expect((await push({ claims: JSON.stringify({ userinfo: { a: 'x'.repeat(100_000) } }) })).pushed.status).toBe(413)
  })

  it('§4: a request is good for the client that pushed it, and for no other', async () => {
    const { pushed } = await push()
    const other = await scene.addParty()
    const url = withUri(pushed.body.request_uri)
    url.searchParams.set('client_id', other.id)
    const page = await new Citizen(REDIRECT_URI).get(url)
    expect([page.url.pathname, page.status]).toEqual(['/authorize', 400])
  })

  it('§4: what stands beside request_uri counts for nothing', async () => {
    const { pushed, parameters } = await push({ prompt: 'none' })
    const beside = { state: 'another', scope: 'openid pan', redirect_uri: 'https://evil.example/' }
    const { url } = await new Citizen(REDIRECT_URI).get(withUri(pushed.body.request_uri, beside))
    expect(url.href.startsWith(REDIRECT_URI)).toBe(true)
    expect([url.searchParams.get('error'), url.searchParams.get('state')]).toEqual([
      'login_required',
      parameters.get('state'),
    ])
  })

  it('§4: a request that has given a code gives no other', async () => {
    const { pushed, verifier, parameters } = await push()
    const answer = await logIn(withUri(pushed.body.request_uri))
    expect((await scene.party.exchange({ answer, verifier, parameters, url: answer })).status).toBe(200)
    const page = await new Citizen(REDIRECT_URI).get(withUri(pushed.body.request_uri))
    const error = page.url.searchParams.get('error')
    expect(error ?? page.status).toSatisfy((it: unknown) => it === 400 || it === 'invalid_request_uri')
  })

  it('§4: a request whose minute is over is refused', async () => {
    const { pushed } = await push()
    await scene.stage.database.hot(
      'test_age_pushed_requests',
      `update oidc_model set expires_at = now() - interval '1 minute' where model = 'PushedAuthorizationRequest'`,
      [],
    )
    const page = await new Citizen(REDIRECT_URI).get(withUri(pushed.body.request_uri))
    expect([page.status, page.headers['x-oauth-error']]).toEqual([400, 'invalid_request_uri'])
  })

  it('§4: looking at a request twice before she has decided spends nothing', async () => {
    const { pushed, verifier, parameters } = await push()
    await new Citizen(REDIRECT_URI).get(withUri(pushed.body.request_uri))
    const answer = await logIn(withUri(pushed.body.request_uri))
    expect((await scene.party.exchange({ answer, verifier, parameters, url: answer })).status).toBe(200)
  })

  it('§6: a client that registered to push may send nothing directly', async () => {
    const strict = await scene.addParty({ require_pushed_authorization_requests: true })
    const answer = await strict.answerTo({})
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })

  it('§5: the metadata names the endpoint, and does not demand it of everybody', () => {
    expect(scene.as.pushed_authorization_request_endpoint).toBe(`${scene.as.issuer}/par`)
    expect(scene.as.require_pushed_authorization_requests ?? false).toBe(false)
  })
})
