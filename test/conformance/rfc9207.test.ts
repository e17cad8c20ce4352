import { describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { REDIRECT_URI, signInAtDigiLocker } from '../support/stage.ts'
import { useScene } from './party.ts'

describe('RFC 9207, issuer identification', () => {
  const scene = useScene()

  const issuerIn = (answer: URL) => answer.searchParams.getAll('iss')

  it('§2: a code comes with iss, once, equal to the issuer of the metadata letter by letter', async () => {
    const { answer } = await scene.party.authorize()
    expect(answer.searchParams.has('code')).toBe(true)
    expect(issuerIn(answer)).toEqual([scene.as.issuer])
  })

  it('§2: so does an error, of ours and of the person’s', async () => {
    expect(issuerIn(await scene.party.answerTo({ prompt: 'none' }))).toEqual([scene.as.issuer])
    const citizen = new Citizen(REDIRECT_URI)
    const consent = await signInAtDigiLocker(citizen, await citizen.get((await scene.party.request()).url), 'asha')
    const { url } = await citizen.submit(consent, /^refuse$/)
    expect([url.searchParams.get('error'), issuerIn(url)]).toEqual(['access_denied', [scene.as.issuer]])
  })

  it('§2.4: an iss in the request changes nothing', async () => {
    const answer = await scene.party.answerTo({ prompt: 'none', iss: 'https://evil.example' })
    expect(issuerIn(answer)).toEqual([scene.as.issuer])
  })

  it('§3: the metadata says so', () => {
    expect(scene.as.authorization_response_iss_parameter_supported).toBe(true)
  })
})
