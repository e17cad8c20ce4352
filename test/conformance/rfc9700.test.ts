import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { REDIRECT_URI } from '../support/stage.ts'
import { useScene } from './party.ts'

describe('RFC 9700, security best current practice', () => {
  const scene = useScene()

  it('§2.5: no client authenticates with less than it registered', async () => {
    const { answer, verifier } = await scene.party.authorize()
    const form = {
      grant_type: 'authorization_code',
      client_id: scene.party.id,
      code: answer.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }
    const bare = await scene.send('/token', { method: 'POST', body: new URLSearchParams(form) })
    expect([bare.status, bare.body.access_token]).toEqual([401, undefined])
  })

  it('§2.6: metadata is published, and the code comes in the query', async () => {
    expect(scene.as.response_modes_supported).toContain('query')
    expect(scene.as.code_challenge_methods_supported).toEqual(['S256'])
  })

  it('§4.2.4: pages that a code passes send no Referer on', async () => {
    const page = await new Citizen(REDIRECT_URI).get((await scene.party.request()).url)
    expect(page.headers['referrer-policy']).toBe('no-referrer')
    expect(page.headers['cache-control']).toContain('no-store')
  })

  it('§4.3.2: an access token in an address is refused (RFC 6750 §2.3)', async () => {
    const { access_token } = await scene.party.tokens()
    const { status, body } = await scene.send(`/userinfo?access_token=${access_token}`)
    expect([status, body.sub]).toEqual([400, undefined])
  })

  it('§4.12: a form that leads on answers 303, never 307: no browser posts what was typed to the next place', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.get((await scene.party.request()).url)
    const form = start.forms.find(({ buttons }) => buttons.some(({ value }) => value === 'continue'))
    expect(form).toBeDefined()
    const pressed = form?.buttons.find(({ value }) => value === 'continue')
    const answer = await request(form?.action ?? start.url, {
      method: 'POST',
      headers: {
        cookie: await citizen.jar.getCookieString(start.url.href),
        origin: start.url.origin,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(
        [...(form?.fields ?? []), [pressed?.name ?? '', pressed?.value ?? '']].map(([name, value]) => [
          name ?? '',
          value ?? '',
        ]),
      ).toString(),
    })
    await answer.body.dump()
    expect(answer.statusCode).toBe(303)
  })

  it('§4.16: no page of ours can be framed', async () => {
    const page = await new Citizen(REDIRECT_URI).get((await scene.party.request()).url)
    expect(page.headers['x-frame-options']).toBe('DENY')
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'")
  })
})
