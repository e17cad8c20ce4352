import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshPGlite } from '../support/databases.ts'
import { addRelyingApp } from '../support/relying-app.ts'
import { logIn, openStage, type Stage } from '../support/stage.ts'

const open = freshPGlite()

describe('Pairwise subjects — OpenID Connect Core §8.1, security.md OP-11', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage(await open())
  })
  afterAll(() => stage?.close())

  /** What an app with this redirect URI knows the same person by. */
  async function subjectAt(redirectUri: string, change: Record<string, unknown> = {}): Promise<string> {
    const app = await addRelyingApp(
      stage,
      { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', ...change },
      () => () => undefined,
    )
    const { parameters, verifier } = await app.request({ redirect_uri: redirectUri, scope: 'openid' })
    const answer = await logIn(app.authorizeUrl(parameters), { redirectUri })
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: app.client.client_id,
      code: answer.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    })
    const told = (await (await fetch(new URL('/token', stage.issuer), { method: 'POST', body })).json()) as {
      id_token: string
    }
    return String(decodeJwt(told.id_token).sub)
  }

  it('are one for the apps of one host, and another for each other host', async () => {
    const [one, two, other] = [
      await subjectAt('https://shop.example/one'),
      await subjectAt('https://shop.example/two'),
      await subjectAt('https://other.example/one'),
    ]
    expect(two).toBe(one)
    expect(other).not.toBe(one)
  })

  it.each([
    ['a loopback address', 'http://127.0.0.1/callback', 'http://127.0.0.1/callback'],
    ['a scheme', 'com.example.one:/callback', 'com.example.two:/callback'],
  ])('are one for each native app: %s belongs to no host', async (_kind, first, second) => {
    const native = { application_type: 'native' }
    expect(await subjectAt(first, native)).not.toBe(await subjectAt(second, native))
  })
})
