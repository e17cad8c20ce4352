import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshPostgres } from '../support/databases.ts'
import { openStage, type Stage } from '../support/stage.ts'

const OWN = 'https://app.example'
const OTHERS = [
  'https://evil.example',
  'http://app.example', // another scheme
  'https://app.example:8443',
  'https://sub.app.example',
  'https://app.example.evil.example',
  'null', // a sandboxed frame, a file
]

/** What a page in a browser may read: Fetch Standard (CORS), RFC 9700 §2.6. */
describe('browser apps', () => {
  const open = freshPostgres()
  let stage: Stage
  /** without a secret, with one, and a native one whose redirect URI has no web origin */
  let page: string
  let server: { id: string; secret: string }
  let native: string

  beforeAll(async () => {
    stage = await openStage(await open())
    const change = { redirect_uris: [`${OWN}/callback`], post_logout_redirect_uris: [] }
    page = (await stage.addClient({ ...change, token_endpoint_auth_method: 'none' })).client_id
    const confidential = await stage.addClient({ ...change, token_endpoint_auth_method: 'client_secret_post' })
    server = { id: confidential.client_id, secret: confidential.client_secret }
    const redirect_uris = ['com.example.app:/callback']
    const mobile = { application_type: 'native', redirect_uris, token_endpoint_auth_method: 'none' }
    native = (await stage.addClient({ ...mobile, post_logout_redirect_uris: [] })).client_id
  })
  afterAll(() => stage.close())

  interface Answer {
    readonly status: number
    /** the origin that may read it */
    readonly open: unknown
    readonly error: unknown
  }

  async function ask(
    method: 'GET' | 'POST',
    path: string,
    origin: string,
    form?: Record<string, string>,
  ): Promise<Answer> {
    const answer = await request(new URL(path, stage.issuer), {
      method,
      headers: { origin, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      ...(form && { body: new URLSearchParams(form).toString() }),
    })
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    expect([answer.headers.vary].flat().join()).toMatch(/origin/i)
    const text = await answer.body.text()
    const { error } = (text ? JSON.parse(text) : {}) as { error?: unknown }
    return { status: answer.statusCode, open: answer.headers['access-control-allow-origin'], error }
  }

  const refresh = (client: Record<string, string>) => ({
    grant_type: 'refresh_token',
    refresh_token: 'no-such',
    ...client,
  })

  it.each(['/.well-known/openid-configuration', '/jwks'])('may read %s anywhere', async (path) => {
    for (const origin of [OWN, ...OTHERS])
      expect(await ask('GET', path, origin)).toMatchObject({ status: 200, open: origin })
  })

  it.each(['/token', '/revoke', '/introspect', '/par'])(
    'may use %s at an origin of its redirect URIs alone',
    async (path) => {
      const form = { ...refresh({ client_id: page }), token: 'no-such' }
      expect(await ask('POST', path, OWN, form)).toMatchObject({ open: OWN })
      for (const origin of OTHERS)
        expect(await ask('POST', path, origin, form)).toEqual({
          status: 400,
          open: undefined,
          error: 'invalid_request',
        })
    },
  )

  it('refuses the secret of a confidential client in a page, even at its own origin', async () => {
    const form = refresh({ client_id: server.id, client_secret: server.secret })
    expect(await ask('POST', '/token', OWN, form)).toEqual({ status: 400, open: undefined, error: 'invalid_request' })
  })

  it('does not take the origin of a private-use scheme, which is null, for that of a sandboxed page', async () => {
    const form = refresh({ client_id: native })
    expect(await ask('POST', '/token', 'null', form)).toMatchObject({ status: 400, open: undefined })
  })

  it.each(['/authorize', '/logout', '/interaction/any'])(
    'may read nothing of %s: people go there, programs do not',
    async (path) => {
      const answer = await request(new URL(path, stage.issuer), { headers: { origin: OWN } })
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
      await answer.body.dump()
    },
  )

  it('is told in a preflight which methods there are, and never that cookies may come along', async () => {
    const headers = { origin: OWN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'dpop' }
    const answer = await request(new URL('/token', stage.issuer), { method: 'OPTIONS', headers })
    expect(answer.headers).toMatchObject({ 'access-control-allow-methods': 'POST', 'access-control-allow-origin': OWN })
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
    await answer.body.dump()
  })
})
