import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { Citizen, type Page } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { openStage, pinOf, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

/** A missing document while she still decides: its office asked again, or asked to put it into her locker. */
describeOnEachDatabase('a document that is missing', (open) => {
  let stage: Stage
  let authorize: URL

  beforeAll(async () => {
    stage = await openStage(await open(), {
      env: { DIGILOCKER_PULL: 'DRVLC=002202,PANCR=001891', DIGILOCKER_BREAKER: 'calls=1000' },
    })
    const { client_id } = await stage.addClient()
    authorize = new URL('/authorize', stage.issuer)
    authorize.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid driving_licence',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString()
  })
  afterEach(() => stage.simulator.reset())
  afterAll(() => stage.close())

  async function toConsent(persona: string): Promise<{ citizen: Citizen; page: Page; uid: string }> {
    const citizen = new Citizen(REDIRECT_URI)
    const page = await signInAtDigiLocker(citizen, await citizen.get(authorize), persona)
    return { citizen, page, uid: page.url.pathname.split('/')[2] ?? '' }
  }
  const pullPage = (citizen: Citizen, page: Page) => {
    const href = /href="(\/interaction\/[^"]+\/pull\/DRVLC)"/.exec(page.html)?.[1]
    if (!href) throw new Error('no pull is offered')
    return citizen.get(new URL(href, stage.issuer))
  }
  const calls = () => stage.simulator.requestCounts()
  /** Those that have ended wait for a clock of the issuer's, which takes them away. */
  const openSessions = async () => {
    const rows = await stage.database.db().selectFrom('upstream_session').select(['id', 'ends_at']).execute()
    return rows.filter(({ ends_at }) => ends_at.getTime() > Date.now())
  }
  const typesOf = async (uid: string) =>
    (await stage.app.events.history({ interactionUid: uid })).map(({ body }) => body.type)

  it('is pulled with her own consent to that, verified, and shared', async () => {
    const { citizen, page, uid } = await toConsent('gurpreet')
    expect(page.html).toContain('It is not in your DigiLocker yet.')
    const form = await pullPage(citizen, page)
    expect(form.html).toContain('gives your Aadhaar number, your name and your birth date to the transport department')
    const after = await citizen.submit(form, /Agree and fetch/, [['dlno', 'pb00 20150000000']])
    expect(after.url.pathname).toBe(`/interaction/${uid}`)
    expect(after.html).not.toContain('Documents that gave nothing')
    expect(after.html).toContain('PB0020150000000')
    expect(calls()).toMatchObject({ pull: 1, xml: 1, issued: 1 })
    expect(await typesOf(uid)).toEqual(
      expect.arrayContaining(['document.absent', 'document.pull_agreed', 'document.verified']),
    )
    const done = await citizen.submit(after, /^share$/)
    expect(done.url.searchParams.has('code')).toBe(true)
  })

  it('is not found under another number, and can be tried once more', async () => {
    const { citizen, page } = await toConsent('gurpreet')
    const wrong = await citizen.submit(await pullPage(citizen, page), /Agree and fetch/, [['dlno', 'PB0020150000009']])
    expect(wrong.html).toContain('found no document that fits what you typed')
    const right = await citizen.submit(await pullPage(citizen, wrong), /Agree and fetch/, [['dlno', 'PB0020150000000']])
    expect(right.html).toContain('PB0020150000000')
  })

  it('is not asked for with what cannot be a number, and nothing she typed is in an address', async () => {
    const { citizen, page } = await toConsent('gurpreet')
    const again = await citizen.submit(await pullPage(citizen, page), /Agree and fetch/, [['dlno', '<b>']])
    expect(again.html).toContain('Something is not right yet')
    expect(calls().pull).toBeUndefined()
    await citizen.submit(again, /Agree and fetch/, [['dlno', 'PB0020150000000']])
    const addresses = citizen.visited.filter(({ origin }) => origin === stage.issuer.origin).join('\n')
    expect(addresses).not.toContain('PB0020150000000')
  })

  it('comes later where its office looks by hand', async () => {
    const { citizen, page } = await toConsent('pooja')
    const pending = await citizen.submit(await pullPage(citizen, page), /Agree and fetch/, [
      ['dlno', 'PB0020180000000'],
    ])
    expect(pending.html).toContain('looks at it by hand')
    const there = await citizen.submit(pending, /^Ask again/)
    expect(there.html).toContain('PB0020180000000')
    expect(calls()).toMatchObject({ pull: 1, issued: 2 })
  })

  it('is asked for again where its office did not answer, without a new sign-in or a second list', async () => {
    stage.simulator.setFaults([{ endpoint: 'xml', status: 530, times: 2 }])
    const { citizen, page } = await toConsent('asha')
    expect(page.html).toContain('did not answer just now')
    const there = await citizen.submit(page, /^Ask again/)
    expect(there.html).toContain('MP0020120000000')
    expect(calls()).toMatchObject({ token: 1, issued: 1 })
  })

  it('is not shared by a page that did not show it yet: she sees it first', async () => {
    stage.simulator.setFaults([{ endpoint: 'xml', status: 530, times: 2 }])
    const { citizen, page, uid } = await toConsent('asha')
    await citizen.submit(page, /^Ask again/)
    const shown = await citizen.submit(page, /^share$/)
    expect(shown.url.pathname).toBe(`/interaction/${uid}`)
    expect([shown.html.includes('so nothing was shared'), shown.html.includes('MP0020120000000')]).toEqual([true, true])
    expect(await typesOf(uid)).not.toContain('consent.granted')
    expect((await citizen.submit(shown, /^share$/)).url.searchParams.has('code')).toBe(true)
    const other = await toConsent('asha')
    expect((await other.citizen.submit(other.page, /^share$/, [['shown', '']])).html).toContain('so nothing was shared')
  })

  it('ends the login when a forgery comes of it', async () => {
    stage.simulator.setFaults([{ quirk: 'wrong-signer' }])
    const { citizen, page } = await toConsent('gurpreet')
    const refused = await citizen.submit(await pullPage(citizen, page), /Agree and fetch/, [
      ['dlno', 'PB0020150000000'],
    ])
    expect([refused.status, refused.html.includes('DOC_SIGNER_UNTRUSTED')]).toEqual([422, true])
  })

  it('asks for a new sign-in when DigiLocker took the tokens back meanwhile', async () => {
    const { citizen, page } = await toConsent('gurpreet')
    const form = await pullPage(citizen, page)
    stage.simulator.setFaults([
      { endpoint: 'pull', status: 401 },
      { endpoint: 'refresh', status: 400, error: 'invalid_grant' },
    ])
    const refused = await citizen.submit(form, /Agree and fetch/, [['dlno', 'PB0020150000000']])
    expect(refused.html).toContain('RAIL_UNAUTHORIZED')
    expect(refused.forms.map(({ action }) => action.pathname.split('/')[3])).toEqual(['start', 'return'])
  })

  it.each(['share', 'refuse'])('costs tokens that are given back once she has decided: %s', async (decision) => {
    await stage.database.db().deleteFrom('upstream_session').execute()
    const { citizen, page } = await toConsent('gurpreet')
    expect([(await openSessions()).length, calls().revoke]).toEqual([1, undefined])
    await citizen.submit(page, new RegExp(`^${decision}$`))
    expect(await openSessions()).toEqual([])
  })

  it('ends the open session at once when she goes back to DigiLocker, and the new journey has its own', async () => {
    await stage.database.db().deleteFrom('upstream_session').execute()
    stage.simulator.setFaults([{ endpoint: 'xml', status: 530 }])
    const both = new URL(authorize)
    both.searchParams.set('scope', 'openid driving_licence pan')
    const citizen = new Citizen(REDIRECT_URI)
    const signIn = await citizen.submit(await citizen.get(both), /continue/i)
    const choice = await citizen.submit(signIn, /Sign in/, [
      ['persona', 'asha'],
      ['pin', pinOf(signIn, 'asha')],
    ])
    const [form] = choice.forms
    const flow = form?.fields.find(([name]) => name === 'flow')?.[1] ?? ''
    const page = await citizen.post(form?.action ?? choice.url, { flow, decision: 'allow', document: 'DRVLC' })
    const before = await openSessions()
    expect(before).toHaveLength(1)
    const again = await citizen.submit(page, /^Back to DigiLocker/)
    expect(again.url.origin).toBe(stage.simulator.url.origin)
    expect(await openSessions()).toEqual([])
    await citizen.submit(again, /^Allow$/)
    const after = await openSessions()
    expect([after.length, after[0]?.id === before[0]?.id]).toEqual([1, false])
  })

  it('is not pulled through another person’s page', async () => {
    const { page } = await toConsent('gurpreet')
    const stranger = new Citizen(REDIRECT_URI)
    const answer = await stranger.post(new URL(`${page.url.pathname}/pull/DRVLC`, stage.issuer), {
      dlno: 'PB0020150000000',
    })
    expect([answer.status, calls().pull]).toEqual([403, undefined])
  })

  it.each(['ADHAR', 'RVCER', '..%2f', 'constructor'])(
    'has no pull page where the operator pulls none: %s',
    async (doctype) => {
      const { citizen, page } = await toConsent('gurpreet')
      expect((await citizen.get(`${page.url.href}/pull/${doctype}`)).status).toBe(404)
    },
  )
})
