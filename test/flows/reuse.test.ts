import * as client from 'openid-client'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Citizen, type Page } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage } from '../support/stage.ts'

const DAY = 86_400

/** A verification answers again, at the same app, for the same or less; she sees how old it is (Identity Assurance 1.0 §5.5.2). */
describeOnEachDatabase('an earlier verification', (open) => {
  let stage: Stage
  let shop: client.Configuration
  let other: client.Configuration
  let passed = 0

  beforeAll(async () => {
    stage = await openStage(await open(), { clock: () => Math.floor(Date.now() / 1000) + passed })
    const discover = async () => {
      const { client_id, client_secret } = await stage.addClient()
      const options = { execute: [client.allowInsecureRequests] }
      return client.discovery(stage.issuer, client_id, client_secret, undefined, options)
    }
    shop = await discover()
    other = await discover()
  })
  beforeEach(() => {
    passed = 0
  })
  afterAll(() => stage.close())

  interface Ask {
    readonly scope?: string
    readonly verified?: unknown
    readonly further?: Record<string, string>
  }

  async function ask({ scope = 'openid', verified, further }: Ask, at = shop) {
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(at, {
      redirect_uri: REDIRECT_URI,
      scope,
      ...(verified !== undefined && { claims: JSON.stringify({ userinfo: { verified_claims: verified } }) }),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...further,
    })
    return { verifier, url }
  }

  async function redeem(verifier: string, callback: URL, at = shop) {
    const tokens = await client.authorizationCodeGrant(at, callback, { pkceCodeVerifier: verifier })
    const { sub, ...told } = await client.fetchUserInfo(at, tokens.access_token, tokens.claims()?.sub ?? '')
    return told
  }

  /** She was at the shop before. @returns her browser, signed in */
  async function known(
    first: Ask,
    options: { persona?: string; share?: string[]; at?: client.Configuration } = {},
  ): Promise<Citizen> {
    const citizen = new Citizen(REDIRECT_URI)
    const { verifier, url } = await ask(first, options.at)
    await redeem(verifier, await logIn(url, { ...options, citizen }), options.at)
    return citizen
  }

  /** Makes all that was checked until now older: the engine goes by the real clock, and its records would end. */
  async function age(seconds: number): Promise<void> {
    await stage.database.hot(
      'age_consents',
      `update consent set evidence = (select jsonb_agg(jsonb_set(e, '{verifiedAt}', to_jsonb((e->>'verifiedAt')::int - $1::int)))
        from jsonb_array_elements(evidence) e) where jsonb_array_length(evidence) > 0 returning id`,
      [seconds],
    )
  }

  const isEarlier = (page: Page) => page.html.includes('Check again at DigiLocker')
  const isStart = (page: Page) =>
    page.forms.some(({ action }) => action.pathname.endsWith('/start')) && !isEarlier(page)
  const trips = (citizen: Citizen) => citizen.visited.filter(({ host }) => host === stage.simulator.url.host).length
  const evidence = (details: object) => [
    { type: { value: 'document' }, document_details: { type: { value: 'driving_permit' }, ...details } },
  ]

  it('answers a narrower request on her word, without DigiLocker', async () => {
    const citizen = await known({ scope: 'openid profile driving_licence' })
    const before = trips(citizen)
    const { verifier, url } = await ask({ scope: 'openid profile' })
    const page = await citizen.get(url)
    expect([page.status, isEarlier(page)]).toEqual([200, true])
    expect(page.html).toContain('Asha Verma')
    expect(page.html).not.toContain('MP0020120000000')
    const { url: callback } = await citizen.submit(page, /^share$/)
    expect(await redeem(verifier, callback)).toEqual({ name: 'Asha Verma', birthdate: '1992-03-14' })
    expect(trips(citizen)).toBe(before)
    const silent = await ask({ scope: 'openid profile', further: { prompt: 'none' } })
    expect((await citizen.get(silent.url)).url.searchParams.has('code')).toBe(true)
  })

  it('answers verified_claims in part, one of an array, with less of the verification', async () => {
    const entry = (claims: object, details = {}) => ({
      verification: { trust_framework: null, time: null, evidence: evidence({ date_of_expiry: null, ...details }) },
      claims,
    })
    const citizen = await known({
      verified: [
        entry({ name: null, birthdate: null }),
        { verification: { trust_framework: null }, claims: { address: null } },
      ],
    })
    const { verifier, url } = await ask({
      verified: { verification: { trust_framework: null, evidence: evidence({}) }, claims: { name: null } },
    })
    const page = await citizen.get(url)
    expect(isEarlier(page)).toBe(true)
    const { url: callback } = await citizen.submit(page, /^share$/)
    expect(await redeem(verifier, callback)).toEqual({
      verified_claims: {
        verification: {
          trust_framework: 'in_digilocker',
          evidence: [{ type: 'document', document_details: { type: 'driving_permit' } }],
        },
        claims: { name: 'Asha Verma' },
      },
    })
  })

  it('leaves out what she keeps to herself this time, a date of the document included', async () => {
    const choice = { essential: false }
    const verified = (claims: object) => ({
      verification: { trust_framework: null, evidence: evidence({ date_of_expiry: choice }) },
      claims,
    })
    const citizen = await known(
      { verified: verified({ name: null, birthdate: choice, address: choice }) },
      { share: ['verified_claims.birthdate', 'verified_claims.date_of_expiry', 'verified_claims.address'] },
    )
    const { verifier, url } = await ask({ verified: verified({ name: null, birthdate: choice }) })
    const page = await citizen.get(url)
    expect(page.forms.flatMap(({ checkboxes }) => checkboxes.map(({ value }) => value))).toEqual([
      'verified_claims.birthdate',
      'verified_claims.date_of_expiry',
    ])
    const { url: callback } = await citizen.submit(page, /^share$/)
    expect(await redeem(verifier, callback)).toEqual({
      verified_claims: {
        verification: {
          trust_framework: 'in_digilocker',
          evidence: [{ type: 'document', document_details: { type: 'driving_permit' } }],
        },
        claims: { name: 'Asha Verma' },
      },
    })
  })

  it.each<[string, Ask, Ask]>([
    ['more claims', { scope: 'openid profile' }, { scope: 'openid profile pan' }],
    [
      'proof of what was shared without',
      { scope: 'openid profile' },
      { verified: { verification: { trust_framework: null }, claims: { name: null } } },
    ],
    [
      'more of the verification',
      { verified: { verification: { trust_framework: null }, claims: { name: null, birthdate: null } } },
      { verified: { verification: { trust_framework: null, time: null }, claims: { name: null } } },
    ],
    [
      'a value that is not hers',
      { verified: { verification: { trust_framework: null }, claims: { name: null, birthdate: null } } },
      { verified: { verification: { trust_framework: null }, claims: { name: { value: 'Somebody' } } } },
    ],
    ['a new sign-in', { scope: 'openid profile pan' }, { scope: 'openid profile', further: { prompt: 'login' } }],
    [
      'a sign-in of a certain age',
      { scope: 'openid profile pan' },
      { scope: 'openid profile', further: { max_age: '900' } },
    ],
  ])('sends her to DigiLocker for %s', async (_case, first, second) => {
    const citizen = await known(first)
    const page = await citizen.get((await ask(second)).url)
    expect([isEarlier(page), isStart(page)]).toEqual([false, true])
  })

  it('is told by its age, another day and from a session that began at another app', async () => {
    const began = Date.now()
    await known({ scope: 'openid profile' })
    const checked = [began, Date.now()] // on two days where midnight lies between
    await age(10 * DAY)
    const citizen = await known({ scope: 'openid aadhaar' }, { at: other })
    const page = await citizen.get((await ask({ scope: 'openid profile' })).url)
    expect(isEarlier(page)).toBe(true)
    const tenDaysAgo = new Intl.DateTimeFormat('en-IN', { dateStyle: 'long', timeZone: 'Asia/Kolkata' })
    const days = checked.map((at) => tenDaysAgo.format(new Date(at - 10 * DAY * 1000)))
    expect(days.some((day) => page.html.includes(day))).toBe(true)
  })

  it('does not answer when it is older than the request wants it, nor silently', async () => {
    const verified = (max_age: number, claims: object = { name: null }) => ({
      verification: { trust_framework: null, time: { max_age } },
      claims,
    })
    const citizen = await known({ verified: verified(600, { name: null, birthdate: null }) })
    passed = 590
    const same = await ask({ verified: verified(600, { name: null, birthdate: null }), further: { prompt: 'none' } })
    expect((await citizen.get(same.url)).url.searchParams.has('code')).toBe(true)
    expect(isEarlier(await citizen.get((await ask({ verified: verified(600) })).url))).toBe(true)
    passed = 610
    expect((await citizen.get(same.url)).url.searchParams.get('error')).toBe('consent_required')
    expect(isStart(await citizen.get((await ask({ verified: verified(600) })).url))).toBe(true)
    expect(isEarlier(await citizen.get((await ask({ verified: verified(900) })).url))).toBe(true)
  })

  it('gives a yes or no of its own day only', async () => {
    const citizen = await known({ scope: 'openid profile age_over_18' })
    expect(isEarlier(await citizen.get((await ask({ scope: 'openid age_over_18' })).url))).toBe(true)
    await age(DAY)
    expect(isStart(await citizen.get((await ask({ scope: 'openid age_over_18' })).url))).toBe(true)
    expect(isEarlier(await citizen.get((await ask({ scope: 'openid profile' })).url))).toBe(true)
  })

  it('answers no other app', async () => {
    const citizen = await known({ scope: 'openid profile' })
    const page = await citizen.get((await ask({ scope: 'openid profile' }, other)).url)
    expect([isEarlier(page), page.html.includes('Asha Verma')]).toEqual([false, false])
  })

  it('can be done again, if she wants it', async () => {
    const citizen = await known({ scope: 'openid profile pan' })
    const page = await citizen.get((await ask({ scope: 'openid profile' })).url)
    const signIn = await citizen.submit(page, /check again/i)
    expect(signIn.url.host).toBe(stage.simulator.url.host)
  })

  it('can be refused: the app hears the standard’s error', async () => {
    const citizen = await known({ scope: 'openid profile pan' })
    const page = await citizen.get((await ask({ scope: 'openid profile' })).url)
    const { url } = await citizen.submit(page, /^refuse$/)
    expect(url.searchParams.get('error')).toBe('access_denied')
  })

  it('is shown to nobody once she has signed out, though her grant goes on', async () => {
    const citizen = await known({ scope: 'openid profile pan offline_access', further: { prompt: 'consent' } })
    const page = await citizen.get((await ask({ scope: 'openid profile' })).url)
    expect(isEarlier(page)).toBe(true)
    const out = await citizen.get(new URL('/logout', stage.issuer))
    await citizen.submit(out, /sign out|yes/i)
    const again = await citizen.get(page.url)
    expect([isEarlier(again), again.html.includes('Asha Verma')]).toEqual([false, false])
  })

  it('ends with the retention that she agreed to, however often it is used', async () => {
    const citizen = await known({ scope: 'openid profile pan' })
    passed = 30
    const { verifier, url } = await ask({ scope: 'openid profile' })
    const { url: callback } = await citizen.submit(await citizen.get(url), /^share$/)
    await redeem(verifier, callback)
    const kept = await stage.database.hot<{ retain_until: Date }>(
      'newest_retentions',
      'select retain_until from consent_value order by consent_id desc limit 2',
      [],
    )
    expect(kept[0]).toEqual(kept[1])
  })

  it('is agreed to as it was shown: a page that another one has overtaken shares nothing', async () => {
    const citizen = await known({ scope: 'openid profile pan' })
    const { verifier, url } = await ask({ scope: 'openid profile' })
    const page = await citizen.get(url)
    const again = await citizen.submit(page, /^share$/, [['shown', 'x']])
    expect([again.url.pathname, again.html.includes('so nothing was shared')]).toEqual([page.url.pathname, true])
    const { url: callback } = await citizen.submit(again, /^share$/)
    expect(await redeem(verifier, callback)).toEqual({ name: 'ASHA VERMA', birthdate: '1992-03-14' })
  })

  it('cannot be answered below what it offers: a forged form shares what is needed and no more', async () => {
    const citizen = await known({ scope: 'openid profile pan' })
    const { verifier, url } = await ask({ scope: 'openid profile' })
    const page = await citizen.get(url)
    const { url: callback } = await citizen.submit(page, /^share$/, [['share', 'pan_number']])
    expect(await redeem(verifier, callback)).toEqual({ name: 'ASHA VERMA', birthdate: '1992-03-14' })
  })
})
