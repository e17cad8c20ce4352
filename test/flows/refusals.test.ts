import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Rule } from '../../src/simulator/rules.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { openStage, pinOf, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

/** Every way a login can go wrong for a person: a code, a sentence, a next step, an incident id, and the way back. */
describeOnEachDatabase('a login that goes wrong', (open) => {
  let stage: Stage
  let authorize: URL

  beforeAll(async () => {
    stage = await openStage(await open())
    const { client_id } = await stage.addClient()
    authorize = new URL(
      `/authorize?${new URLSearchParams({
        client_id,
        redirect_uri: REDIRECT_URI,
        response_type: 'code',
        scope: 'openid profile driving_licence',
        state: 'rp-state',
        code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
        code_challenge_method: 'S256',
      })}`,
      stage.issuer,
    )
  })
  afterEach(() => stage.simulator.clearFaults())
  afterAll(() => stage.close())

  const newCitizen = () => new Citizen(REDIRECT_URI)

  /** What every refusal must have, and no refusal may show. */
  function expectRefusal(page: Page, code: string): void {
    expect(page.html).toContain(code)
    expect(page.html).toMatch(/DW-[0-9A-Z]{4}-[0-9A-Z]{4}/)
    expect(page.html).toContain('role="alert"')
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.html).not.toMatch(/state=|code=|stack|node_modules/)
  }

  /** She presses "Return to …": the app must get the standard error with its state and our issuer (RFC 9207). */
  async function expectWayBack(citizen: Citizen, page: Page, error: string): Promise<void> {
    const back = await citizen.submit(page, /return/i)
    expect(back.url.href.startsWith(REDIRECT_URI)).toBe(true)
    expect(Object.fromEntries(back.url.searchParams)).toMatchObject({
      error,
      state: 'rp-state',
      iss: stage.issuer.origin,
    })
    expect(back.url.searchParams.has('code')).toBe(false)
  }

  it.each<[string, readonly Rule[], string, string]>([
    ['token 401', [{ endpoint: 'token', status: 401 }], 'RAIL_', 'server_error'],
    ['token 500', [{ endpoint: 'token', status: 500 }], 'RAIL_UNAVAILABLE', 'temporarily_unavailable'],
    ['token HTML', [{ endpoint: 'token', status: 200, body: 'html' }], 'RAIL_', ''],
    ['user 401', [{ endpoint: 'user', status: 401 }], 'RAIL_UNAUTHORIZED', 'server_error'],
    ['user 403', [{ endpoint: 'user', status: 403 }], 'RAIL_FORBIDDEN', 'access_denied'],
    ['user 404', [{ endpoint: 'user', status: 404 }], 'RAIL_NOT_FOUND', 'access_denied'],
    [
      'user 429',
      [{ endpoint: 'user', status: 429, retryAfterSeconds: 60 }],
      'RAIL_RATE_LIMITED',
      'temporarily_unavailable',
    ],
    ['unsigned XML', [{ quirk: 'unsigned-xml' }], 'DOC_UNSIGNED', 'access_denied'],
    ['tampered XML', [{ quirk: 'tampered-xml' }], 'DOC_DIGEST_MISMATCH', 'access_denied'],
    ['a home-made signer', [{ quirk: 'wrong-signer' }], 'DOC_SIGNER_UNTRUSTED', 'access_denied'],
    ['another company’s signer', [{ quirk: 'other-company-signer' }], 'DOC_SIGNER_UNTRUSTED', 'access_denied'],
    ['an expired signer', [{ quirk: 'expired-signer' }], 'DOC_SIGNER_EXPIRED', 'access_denied'],
    ['a wrong hmac', [{ quirk: 'hmac-wrong' }], 'DOC_HMAC_MISMATCH', 'access_denied'],
    ['two signatures', [{ quirk: 'second-signature' }], 'DOC_SIGNATURE_SHAPE', 'access_denied'],
    ['a DOCTYPE', [{ quirk: 'doctype-declared' }], 'DOC_DOCTYPE', 'access_denied'],
    ['a document of another type', [{ quirk: 'other-doctype' }], 'DOC_TYPE_MISMATCH', 'access_denied'],
  ])('%s: a page with its own code, and the way back to the app', async (_case, rules, code, error) => {
    stage.simulator.setFaults(rules)
    const citizen = newCitizen()
    const page = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha')
    expectRefusal(page, code)
    expect(page.url.search).toBe('')
    expect(page.status).toBeGreaterThanOrEqual(400)
    const again = await citizen.get(page.url)
    expectRefusal(again, code)
    const incident = /DW-[0-9A-Z]{4}-[0-9A-Z]{4}/
    expect(incident.exec(again.html)?.[0]).toBe(incident.exec(page.html)?.[0])
    expect(stage.logs()).toContain(incident.exec(page.html)?.[0])
    if (error) await expectWayBack(citizen, page, error)
    const type = code.startsWith('DOC_') ? 'document.refused' : 'rail.refused'
    expect((await stage.app.events.history({ type })).length).toBeGreaterThan(0)
  })

  it('after a failure she can try again in the same login, and succeed', async () => {
    stage.simulator.setFaults([{ endpoint: 'user', status: 500 }])
    const citizen = newCitizen()
    const failed = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha')
    stage.simulator.clearFaults()
    const upstream = await citizen.submit(failed, /try again/i)
    const signedIn = upstream.forms.some((form) => form.buttons.some(({ text }) => /Sign in/.test(text)))
      ? await citizen.submit(upstream, /Sign in/, [
          ['persona', 'asha'],
          ['pin', pinOf(upstream, 'asha')],
        ])
      : upstream
    const consent = await citizen.submit(signedIn, /^Allow$/)
    const done = await citizen.submit(consent, /^share$/)
    expect(done.url.searchParams.get('code')).toBeTruthy()
  })

  it.each([
    ['denial at DigiLocker, with state', [], 'RAIL_DENIED'],
    ['denial at DigiLocker, without state', [{ quirk: 'deny-without-state' }], 'RAIL_DENIED'],
    ['a logout at DigiLocker', [{ quirk: 'user-loggedout' }], 'RAIL_LOGGED_OUT'],
  ] satisfies [string, Rule[], string][])('%s: says so, and leads back', async (_case, rules, code) => {
    stage.simulator.setFaults(rules)
    const citizen = newCitizen()
    const page = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha', 'Deny')
    expectRefusal(page, code)
    const back = await citizen.submit(page, /return/i)
    expect(back.url.searchParams.get('iss')).toBe(stage.issuer.origin)
    expect(back.url.searchParams.get('state')).toBe('rp-state')
  })

  it('refuses a state that it never gave, and one of another browser, and exchanges nothing', async () => {
    const before = stage.simulator.requestCounts().token ?? 0
    const citizen = newCitizen()
    const start = await citizen.get(authorize)
    const signIn = await citizen.submit(start, /continue/i)
    const state =
      citizen.visited.map((url) => url.searchParams.get('state')).findLast((one) => one && one !== 'rp-state') ?? ''
    expectRefusal(
      await citizen.get(new URL('/callback/digilocker?code=abc&state=made-up', stage.issuer)),
      'RAIL_STATE_MISMATCH',
    )
    expectRefusal(await citizen.get(new URL('/callback/digilocker?code=abc', stage.issuer)), 'RAIL_STATE_MISSING')
    expectRefusal(
      await citizen.get(new URL(`/callback/digilocker?code=abc&state=${state}&state=${state}`, stage.issuer)),
      'RAIL_STATE_MISSING',
    )
    const stranger = newCitizen()
    expectRefusal(
      await stranger.get(new URL(`/callback/digilocker?code=abc&state=${state}`, stage.issuer)),
      'RAIL_BROWSER_MISMATCH',
    )
    await stranger.get(authorize)
    expectRefusal(
      await stranger.get(new URL(`/callback/digilocker?code=abc&state=${state}`, stage.issuer)),
      'RAIL_BROWSER_MISMATCH',
    )
    expect(stage.simulator.requestCounts().token ?? 0).toBe(before)
    // Nothing was spent: her own return still works.
    const consent = await citizen.submit(
      await citizen.submit(signIn, /Sign in/, [
        ['persona', 'asha'],
        ['pin', pinOf(signIn, 'asha')],
      ]),
      /^Allow$/,
    )
    expect(consent.status).toBe(200)
  })

  it('takes a repeated callback once: ten at a time make one token request', async () => {
    const citizen = newCitizen()
    const consentAtUpstream = await (async () => {
      const signIn = await citizen.submit(await citizen.get(authorize), /continue/i)
      return citizen.submit(signIn, /Sign in/, [
        ['persona', 'asha'],
        ['pin', pinOf(signIn, 'asha')],
      ])
    })()
    const before = stage.simulator.requestCounts().token ?? 0
    const page = await citizen.submit(consentAtUpstream, /^Allow$/)
    const callback = citizen.visited.findLast((url) => url.pathname === '/callback/digilocker')
    const repeats = await Promise.all(Array.from({ length: 10 }, () => citizen.get(callback ?? '')))
    for (const repeat of repeats) expectRefusal(repeat, 'RAIL_STATE_USED')
    expect((stage.simulator.requestCounts().token ?? 0) - before).toBe(1)
    expect((await citizen.submit(page, /^share$/)).url.searchParams.get('code')).toBeTruthy()
  })

  it('ten parallel first callbacks make one token request', async () => {
    const citizen = newCitizen()
    const signIn = await citizen.submit(await citizen.get(authorize), /continue/i)
    const consent = await citizen.submit(signIn, /Sign in/, [
      ['persona', 'asha'],
      ['pin', pinOf(signIn, 'asha')],
    ])
    const issuerCallback = new Citizen(new URL('/callback/', stage.issuer).href)
    Object.assign(issuerCallback, { jar: citizen.jar })
    const { url } = await issuerCallback.submit(consent, /^Allow$/)
    const before = stage.simulator.requestCounts().token ?? 0
    await Promise.all(Array.from({ length: 10 }, () => citizen.get(url)))
    expect((stage.simulator.requestCounts().token ?? 0) - before).toBe(1)
  })

  it('refuses at our screen with access_denied, state and iss, and keeps nothing', async () => {
    const citizen = newCitizen()
    const consent = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha')
    const back = await citizen.submit(consent, /^refuse$/)
    expect(Object.fromEntries(back.url.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'rp-state',
      iss: stage.issuer.origin,
    })
    expect(await stage.app.events.history({ type: 'consent.refused' })).not.toHaveLength(0)
  })

  it('works in Hindi from the first page to the last, and remembers the choice of language', async () => {
    const citizen = newCitizen()
    const english = await citizen.get(authorize)
    const hindi = await citizen.get(new URL(`${english.url.pathname}?ui_locales=hi`, stage.issuer))
    expect(hindi.html).toContain('lang="hi"')
    expect(hindi.html).toContain('किराये की जाँच के लिए')
    const signIn = await citizen.submit(hindi, /^continue$/)
    const upstream = await citizen.submit(signIn, /Sign in/, [
      ['persona', 'asha'],
      ['pin', pinOf(signIn, 'asha')],
    ])
    const consent = await citizen.submit(upstream, /^Allow$/)
    expect(consent.html).toContain('lang="hi"')
    expect((await citizen.submit(consent, /^share$/)).url.searchParams.get('code')).toBeTruthy()
    const [granted] = (await stage.app.events.history({ type: 'consent.granted' })).slice(-1)
    expect(granted?.body).toMatchObject({ locale: 'hi', purpose: 'किराये की जाँच के लिए' })
  })

  it('cancels from the first page with access_denied', async () => {
    const citizen = newCitizen()
    const back = await citizen.submit(await citizen.get(authorize), /^cancel$/)
    expect(Object.fromEntries(back.url.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'rp-state',
      iss: stage.issuer.origin,
    })
  })

  it('survives back button and double submit: what is done is done once', async () => {
    const citizen = newCitizen()
    const start = await citizen.get(authorize)
    const consent = await signInAtDigiLocker(citizen, start, 'asha')
    const done = await citizen.submit(consent, /^share$/)
    expect(done.url.searchParams.get('code')).toBeTruthy()
    for (const page of [
      await citizen.submit(consent, /^share$/),
      await citizen.get(consent.url),
      await citizen.submit(start, /continue/i),
    ])
      expectRefusal(page, 'INTERACTION_EXPIRED')
  })

  it('refuses consent before there is anything to consent to', async () => {
    const citizen = newCitizen()
    const start = await citizen.get(authorize)
    const csrf = start.forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    expectRefusal(
      await citizen.post(new URL(`${start.url.pathname}/consent`, stage.issuer), { csrf, decision: 'share' }),
      'INTERACTION_OUT_OF_ORDER',
    )
  })

  it('refuses forms without their token, with a stranger’s, or from another site; and GET does nothing', async () => {
    const citizen = newCitizen()
    const start = await citizen.get(authorize)
    const action = new URL(`${start.url.pathname}/start`, stage.issuer)
    const stranger = newCitizen()
    const foreign = (await stranger.get(authorize)).forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    const own = start.forms[0]?.fields.find(([name]) => name === 'csrf')?.[1] ?? ''
    expectRefusal(await citizen.post(action, {}), 'CSRF_REFUSED')
    expectRefusal(await citizen.post(action, { csrf: foreign }), 'CSRF_REFUSED')
    expectRefusal(await citizen.post(action, { csrf: own }, { 'sec-fetch-site': 'cross-site' }), 'CSRF_REFUSED')
    expect((await citizen.get(action)).status).toBe(404)
    expectRefusal(await newCitizen().post(action, { csrf: own }), 'CSRF_REFUSED')
  })

  it('takes the request back from the start page only as it was sealed for this very interaction', async () => {
    const citizen = newCitizen()
    const [start, other] = [await citizen.get(authorize), await citizen.get(authorize)]
    const action = new URL(`${start.url.pathname}/start`, stage.issuer)
    const field = (page: Page, wanted: string) => page.forms[0]?.fields.find(([name]) => name === wanted)?.[1] ?? ''
    const csrf = field(start, 'csrf')
    expect(field(start, 'request')).toMatch(/^[\w-]{100,}$/)
    for (const request of [field(other, 'request'), `${field(start, 'request').slice(0, -4)}AAAA`, 'x'])
      expectRefusal(await citizen.post(action, { csrf, request, decision: 'continue' }), 'REQUEST_INVALID')
    const without = await citizen.post(action, { csrf, decision: 'continue' })
    expect(without.url.origin).toBe(new URL(stage.simulator.url).origin)
  })

  it('refuses the cookie of one interaction at the address of another', async () => {
    const citizen = newCitizen()
    const [one, other] = [await citizen.get(authorize), await citizen.get(authorize)]
    const cookie = await citizen.jar.getCookieString(one.url.href)
    const response = await fetch(other.url, { headers: { cookie, accept: 'text/html' } })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('INTERACTION_EXPIRED')
  })

  it('ignores names that were not on offer: a forged form cannot widen what is shared', async () => {
    const citizen = newCitizen()
    const consent = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'asha')
    await citizen.submit(consent, /^share$/, [
      ['share', 'pan_number'],
      ['share', 'gender'],
    ])
    const [granted] = (await stage.app.events.history({ type: 'consent.granted' })).slice(-1)
    expect(granted?.body).toMatchObject({ granted: expect.not.arrayContaining(['pan_number']) })
  })

  it('fetches only what was consented to at DigiLocker, explains the rest, and the login goes on', async () => {
    const citizen = newCitizen()
    const signIn = await citizen.submit(await citizen.get(authorize), /continue/i)
    const upstream = await citizen.submit(signIn, /Sign in/, [
      ['persona', 'asha'],
      ['pin', pinOf(signIn, 'asha')],
    ])
    const none = { ...upstream, forms: upstream.forms.map((form) => ({ ...form, checkboxes: [] })) }
    const before = stage.simulator.requestCounts().xml ?? 0
    const consent = await citizen.submit(none, /^Allow$/)
    expect(consent.status).toBe(200)
    expect(stage.simulator.requestCounts().xml ?? 0).toBe(before)
    expect(consent.html).not.toContain('driving_licence_number')
    expect((await citizen.submit(consent, /^share$/)).url.searchParams.get('code')).toBeTruthy()
  })

  it('gives no field claims for PDF-only documents, and the login goes on', async () => {
    const citizen = newCitizen()
    const consent = await signInAtDigiLocker(citizen, await citizen.get(authorize), 'dev')
    expect(consent.status).toBe(200)
    expect(consent.html).toMatch(/PDF/)
    const done = await citizen.submit(consent, /^share$/)
    expect(done.url.searchParams.get('code')).toBeTruthy()
    const [granted] = (await stage.app.events.history({ type: 'consent.granted' })).slice(-1)
    expect(JSON.stringify(granted?.body)).not.toContain('driving_licence')
  })

  it('answers a foreign Host with 421, an unknown path with JSON 404, and prints no Host of the request anywhere', async () => {
    const citizen = newCitizen()
    const foreign = await citizen.post(new URL('/token', stage.issuer), {}, { host: 'evil.example' })
    expect(foreign.status).toBe(421)
    const forwarded = await fetch(new URL('/.well-known/openid-configuration', stage.issuer), {
      headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    })
    const text = await forwarded.text()
    expect(text).not.toContain('evil.example')
    expect(JSON.parse(text)).toMatchObject({
      issuer: stage.issuer.origin,
      token_endpoint: `${stage.issuer.origin}/token`,
    })
    const missing = await fetch(new URL('/nothing/here', stage.issuer))
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { error: 'not_found', error_description: expect.any(String) },
    ])
  })

  it('shows a redirect URI that is not registered on our own page and never redirects to it', async () => {
    const wrong = new URL(authorize)
    wrong.searchParams.set('redirect_uri', 'https://evil.example/callback')
    const page = await new Citizen('https://evil.example').get(wrong)
    expectRefusal(page, 'REDIRECT_URI_MISMATCH')
    expect(page.url.origin).toBe(stage.issuer.origin)
  })
})
