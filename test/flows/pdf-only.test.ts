import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../../src/server.ts'
import { getPersona } from '../../src/simulator/personas.ts'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { sampleOf, scrape } from '../support/scrape.ts'
import { openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

/** Dev, whose licence and PAN are PDF only. */
describe('a login of somebody whose documents are PDFs — documents-and-signatures.md §4', () => {
  const open = freshPGlite()
  let stage: Stage
  let without: Stage
  let clientId: string
  let otherClientId: string

  beforeAll(async () => {
    stage = await openStage(await open())
    without = await openStage(await open(), { env: { DIGILOCKER_VERIFY_PDF: 'false' } })
    clientId = (await stage.addClient()).client_id
    otherClientId = (await without.addClient()).client_id
  }, 120_000)
  afterEach(() => {
    stage.simulator.reset()
    without.simulator.reset()
  })
  afterAll(async () => {
    await stage.close()
    await without.close()
  })

  async function toConsent(on: Stage, locale = 'en') {
    const url = new URL('/authorize', on.issuer)
    url.search = new URLSearchParams({
      client_id: on === stage ? clientId : otherClientId,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile driving_licence',
      ui_locales: locale,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString()
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.get(url)
    const signIn = await citizen.submit(start, /continue|जारी/i)
    const pin = getPersona('dev').pin
    const consent = await citizen.submit(signIn, /Sign in/, [
      ['persona', 'dev'],
      ['pin', pin],
    ])
    const page = await citizen.submit(consent, /^Allow$/)
    return { citizen, page, uid: page.url.pathname.split('/')[2] ?? '' }
  }
  const absentOf = async (on: Stage, uid: string, doctype: string) =>
    (await on.app.events.history({ interactionUid: uid })).flatMap(({ body }) =>
      body.type === 'document.absent' && body.doctype === doctype ? [body] : [],
    )

  it('says in plain words that the signature is valid and that nothing is shared, in English', async () => {
    const { page } = await toConsent(stage)
    expect(page.html).toContain(
      'It is in your DigiLocker as a PDF with a valid signature, but its details cannot be read from a PDF safely, so nothing of it is shared.',
    )
  })

  it('says it in Hindi', async () => {
    const { page } = await toConsent(stage, 'hi')
    expect(page.html).toContain('मान्य हस्ताक्षर वाली पीडीएफ़ के रूप में है')
  })

  it('writes down which document was there and whose signature held, without number or name', async () => {
    const { uid } = await toConsent(stage)
    expect(await absentOf(stage, uid, 'DRVLC')).toEqual([
      {
        type: 'document.absent',
        doctype: 'DRVLC',
        reason: 'pdf-trusted',
        signer: stage.simulator.pki.signer.fingerprint,
        uriHmac: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ])
  })

  it('shares nothing that stands in a PDF', async () => {
    const { citizen, page, uid } = await toConsent(stage)
    expect(page.html).not.toContain(getPersona('dev').licence?.number)
    expect((await citizen.submit(page, /^share$/)).url.searchParams.has('code')).toBe(true)
    const events = await stage.app.events.history({ interactionUid: uid })
    const granted = events.flatMap(({ body }) => (body.type === 'consent.granted' ? body.granted : []))
    expect(granted).toContain('name')
    expect(granted.filter((claim) => /licence|pan|verified/.test(claim))).toEqual([])
  })

  it('spends one call for each PDF that it looks at, and gives the tokens back at once', async () => {
    const { uid } = await toConsent(stage)
    const events = await stage.app.events.history({ interactionUid: uid })
    const looked = events.filter(({ body }) => body.type === 'document.absent' && body.reason === 'pdf-trusted')
    expect(stage.simulator.requestCounts()).toMatchObject({ file: looked.length, revoke: 1 })
    expect(stage.simulator.requestCounts().xml ?? 0).toBe(0)
  })

  it('counts what the signatures were worth', async () => {
    const listening = await listen(stage.app.handleMetrics, { host: '127.0.0.1', port: 0 })
    const count = async () =>
      sampleOf(await scrape(listening.port), 'dwar_documents_total', { profile: 'pdf', outcome: 'trusted' }) ?? 0
    const before = await count()
    await toConsent(stage)
    expect(await count()).toBeGreaterThan(before)
    await listening.close(0)
  })

  it('leaves nothing of the PDFs in logs', async () => {
    await toConsent(stage)
    const { name, licence, pan } = getPersona('dev')
    expect([name, licence?.number, pan?.number, '%PDF'].filter((one) => one && stage.logs().includes(one))).toEqual([])
  })

  it('is as before where the operator wants no PDF fetched', async () => {
    const { page, uid } = await toConsent(without)
    expect(page.html).toContain('It is in your DigiLocker only as a PDF')
    expect(without.simulator.requestCounts().file ?? 0).toBe(0)
    expect(await absentOf(without, uid, 'DRVLC')).toMatchObject([{ reason: 'pdf-only' }])
  })
})
