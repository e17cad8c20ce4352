import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen, type Page } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { openStage, REDIRECT_URI, registration, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const open = freshPGlite()

describe('a login in another language', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage(await open())
  })
  afterAll(() => stage.close())

  async function begin(citizen: Citizen, ui_locales: string): Promise<Page> {
    const { client_id } = await stage.addClient()
    const authorize = new URL('/authorize', stage.issuer)
    authorize.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile',
      ui_locales,
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    }).toString()
    return citizen.get(authorize)
  }

  it('shows the purpose in Hindi on our pages, and in English at DigiLocker, which takes Latin letters only', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const start = await begin(citizen, 'hi')
    expect(start.html).toContain(registration.dwar.purpose.hi)
    const consent = await signInAtDigiLocker(citizen, start, 'asha')
    expect(consent.html).toContain(registration.dwar.purpose.hi)
    const sent = citizen.visited.find(({ origin }) => origin === stage.simulator.url.origin)
    expect(sent?.searchParams.get('purpose')).toBe(registration.dwar.purpose.en)
    expect((await citizen.submit(consent, /^share$/)).url.searchParams.get('code')).toBeTruthy()
  })

  it('changes the language of an answer to a form where its page is to be had, and offers no dead end', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const { url, forms } = await begin(citizen, 'en')
    const consent = new URL(`${url.pathname}/consent`, stage.issuer)
    const hindi = /href="([^"]*)" hreflang="hi"/
    const known = await citizen.post(consent, { ...Object.fromEntries(forms[0]?.fields ?? []), decision: 'share' })
    expect(known.status).toBeGreaterThanOrEqual(400)
    const link = hindi.exec(known.html)?.[1] ?? ''
    const again = await citizen.get(new URL(link, known.url))
    expect([again.status, again.headers['content-language']]).toEqual([200, 'hi'])
    // Without its token the form belongs to nobody's page.
    const unknown = await citizen.post(consent, {})
    expect(unknown.html).toContain('CSRF_REFUSED')
    expect(unknown.html).not.toMatch(hindi)
  })

  it('does not register a client whose purpose cannot be told to DigiLocker', async () => {
    const { hi } = registration.dwar.purpose
    for (const purpose of [{ hi }, { en: hi, hi }])
      await expect(stage.addClient({ dwar: { purpose } })).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
  })
})
