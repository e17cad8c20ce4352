import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { openStage, REDIRECT_URI, registration, type Stage, signInAtDigiLocker } from '../support/stage.ts'

const open = freshPGlite()

describe('a login in another language', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage(await open())
  })
  afterAll(() => stage.close())

  it('shows the purpose in Hindi on our pages, and in English at DigiLocker, which takes Latin letters only', async () => {
    const { client_id } = await stage.addClient()
    const authorize = new URL('/authorize', stage.issuer)
    authorize.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile',
      ui_locales: 'hi',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    }).toString()
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.get(authorize)
    expect(start.html).toContain(registration.dwar.purpose.hi)
    const consent = await signInAtDigiLocker(citizen, start, 'asha')
    expect(consent.html).toContain(registration.dwar.purpose.hi)
    const sent = citizen.visited.find(({ origin }) => origin === stage.simulator.url.origin)
    expect(sent?.searchParams.get('purpose')).toBe(registration.dwar.purpose.en)
    expect((await citizen.submit(consent, /^share$/)).url.searchParams.get('code')).toBeTruthy()
  })

  it('does not register a client whose purpose cannot be told to DigiLocker', async () => {
    const { hi } = registration.dwar.purpose
    for (const purpose of [{ hi }, { en: hi, hi }])
      await expect(stage.addClient({ dwar: { purpose } })).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
  })
})
