import { describe, expect, it } from 'vitest'
import { refusal, useScene } from './party.ts'

/** The example of Appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

describe('RFC 7636, PKCE', () => {
  const scene = useScene()

  it('Appendix B: takes the verifier of the example for its challenge, and the challenge for nothing', async () => {
    const authorized = await scene.party.authorize({ code_challenge: CHALLENGE })
    const wrong = await scene.party.exchange(authorized, { code_verifier: CHALLENGE })
    expect(refusal(wrong)).toEqual([400, 'invalid_grant'])
    expect((await scene.party.exchange(authorized, { code_verifier: VERIFIER })).status).toBe(200)
  })

  it('§4.1: a verifier of 128 letters of every kind is good, one of 129 is not', async () => {
    const verifier = `${'aZ09-._~'.repeat(16)}`
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
    const authorized = await scene.party.authorize({ code_challenge: Buffer.from(hash).toString('base64url') })
    expect((await scene.party.exchange(authorized, { code_verifier: `${verifier}a` })).status).toBe(400)
    expect((await scene.party.exchange(authorized, { code_verifier: verifier })).status).toBe(200)
  })

  it('§4.3: a method without a challenge is invalid_request', async () => {
    const answer = await scene.party.answerTo({ code_challenge: undefined })
    expect(answer.searchParams.get('error')).toBe('invalid_request')
  })
})
