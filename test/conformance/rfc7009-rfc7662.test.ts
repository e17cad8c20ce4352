import { describe, expect, it } from 'vitest'
import { REDIRECT_URI } from '../support/stage.ts'
import { refusal, useScene } from './party.ts'

const OFFLINE = { scope: 'openid offline_access' }

describe('RFC 7009, revocation', () => {
  const scene = useScene()

  const isActive = async (token: string) => (await scene.party.post('/introspect', { token })).body.active

  it('§2.1: a client authenticates, with POST', async () => {
    const body = new URLSearchParams({ token: 'x' })
    expect((await scene.send('/revoke', { method: 'POST', body })).status).toBe(400)
    expect((await scene.send('/revoke?token=x')).status).toBeGreaterThanOrEqual(400)
    expect(refusal(await scene.party.post('/revoke', {}))).toEqual([400, 'invalid_request'])
  })

  it('§2.1: a wrong hint does not hide a token', async () => {
    const { access_token } = await scene.party.tokens()
    await scene.party.post('/revoke', { token: access_token, token_type_hint: 'refresh_token' })
    expect(await isActive(access_token)).toBe(false)
  })

  it('§2.1: another client’s token stays good', async () => {
    const { access_token } = await scene.party.tokens()
    const other = await scene.addParty()
    await other.post('/revoke', { token: access_token })
    expect(await isActive(access_token)).toBe(true)
  })

  it('§2.2: a token that nobody knows is answered with 200', async () => {
    expect((await scene.party.post('/revoke', { token: 'never-given' })).status).toBe(200)
  })

  describe('RFC 7662, introspection', () => {
    it('§2.1: a client authenticates, with POST', async () => {
      const body = new URLSearchParams({ token: 'x' })
      expect((await scene.send('/introspect', { method: 'POST', body })).status).toBe(400)
      expect((await scene.send('/introspect?token=x')).status).toBeGreaterThanOrEqual(400)
    })

    it('§2.1: a client that proves nothing is told of no token, its own included', async () => {
      const app = await scene.addParty({ token_endpoint_auth_method: 'none' })
      const authorized = await app.authorize({ scope: 'openid profile' })
      const form = {
        grant_type: 'authorization_code',
        client_id: app.id,
        code: authorized.answer.searchParams.get('code') ?? '',
        redirect_uri: REDIRECT_URI,
        code_verifier: authorized.verifier,
      }
      const anonymous = (path: string, body: Record<string, string>) =>
        scene.send(path, { method: 'POST', body: new URLSearchParams(body) })
      const { access_token: token } = (await anonymous('/token', form)).body
      expect(token).toEqual(expect.any(String))
      const { body } = await anonymous('/introspect', { client_id: app.id, token: String(token) })
      expect(body).toEqual({ active: false })
    })

    it('§2.2: tells an active token’s client, scope, subject and times, and no claim about the person', async () => {
      const { access_token } = await scene.party.tokens({ scope: 'openid profile' })
      const { body, headers } = await scene.party.post('/introspect', { token: access_token })
      expect(body).toMatchObject({
        active: true,
        client_id: scene.party.id,
        scope: 'openid profile',
        iss: scene.as.issuer,
      })
      expect(Number(body.exp)).toBeGreaterThan(Number(body.iat))
      expect(JSON.stringify(body)).not.toMatch(/Asha|1992/)
      expect(headers.get('cache-control')).toContain('no-store')
    })

    it('§2.2: says of every other token that it is not active, and nothing more', async () => {
      const { refresh_token } = await scene.party.tokens(OFFLINE)
      await scene.party.refresh(refresh_token)
      for (const token of ['never-given', refresh_token]) {
        const { status, body } = await scene.party.post('/introspect', { token })
        expect([status, body]).toEqual([200, { active: false }])
      }
    })
  })
})
