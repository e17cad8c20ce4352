import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import type { Browser } from 'playwright-core'
import { request } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sweep } from '../../adapters/sweep.ts'
import { launchChromium, signInAtSimulator } from '../support/chromium.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { describeOnEachDatabase, freshPGlite } from '../support/databases.ts'
import { addRelyingApp, insecure, makeKey, type RelyingApp } from '../support/relying-app.ts'
import { openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

/** what an app may have posted to keep it out of addresses */
const HINT = 'asha.verma@mail.example'

describeOnEachDatabase('requests that come by POST', (open) => {
  let stage: Stage
  let app: RelyingApp
  let ahead = 0

  beforeAll(async () => {
    stage = await openStage(await open(), { clock: () => Math.floor(Date.now() / 1000) + ahead })
    app = await addRelyingApp(stage)
  })
  afterEach(() => {
    ahead = 0
  })
  afterAll(() => stage.close())

  const at = (path: string) => new URL(path, stage.issuer)

  /** The answer to a form, not followed. */
  async function post(path: string, body: string, type = 'application/x-www-form-urlencoded') {
    const answer = await request(at(path), {
      method: 'POST',
      headers: { 'content-type': type, accept: 'text/html' },
      body,
    })
    const html = await answer.body.text()
    return { status: answer.statusCode, headers: answer.headers, location: String(answer.headers.location ?? ''), html }
  }
  const posted = async (change: Record<string, string | undefined> = {}) => {
    const { verifier, parameters } = await app.request({ login_hint: HINT, ...change })
    return { verifier, parameters, answer: await post('/authorize', parameters.toString()) }
  }
  const errorOn = (page: Page) => [page.status, page.url.pathname, /[A-Z]+_[A-Z_]+/.exec(page.html)?.[0]]

  async function logInBy(start: Page, citizen: Citizen): Promise<URL> {
    const consent = await signInAtDigiLocker(citizen, start, 'asha')
    return (await citizen.submit(consent, /^share$/)).url
  }

  it('Core §3.1.2.1: a posted request is a login like any other, by the word of oauth4webapi', async () => {
    const { verifier, parameters } = await app.request({ login_hint: HINT })
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.post(at('/authorize'), Object.fromEntries(parameters), {
      origin: 'https://shop.example',
      'sec-fetch-site': 'cross-site',
    })
    const back = await logInBy(start, citizen)
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const response = await app.exchange(callback, verifier)
    const tokens = await oauth.processAuthorizationCodeResponse(app.as, app.client, response, {
      expectedNonce: parameters.get('nonce') ?? '',
    })
    const { sub } = oauth.getValidatedIdTokenClaims(tokens) ?? { sub: '' }
    const userinfo = await oauth.userInfoRequest(app.as, app.client, tokens.access_token, insecure)
    expect(await oauth.processUserInfoResponse(app.as, app.client, sub, userinfo)).toMatchObject({ name: 'Asha Verma' })
  })

  it('Core §3.1.2.1: openid-client is answered the same, with claims asked for in the form', async () => {
    const { client_id, client_secret } = await stage.addClient()
    const options = { execute: [client.allowInsecureRequests] }
    const config = await client.discovery(stage.issuer, client_id, client_secret, undefined, options)
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      claims: JSON.stringify({ id_token: { birthdate: { essential: true } } }),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.post(at('/authorize'), Object.fromEntries(url.searchParams))
    const tokens = await client.authorizationCodeGrant(config, await logInBy(start, citizen), {
      pkceCodeVerifier: verifier,
    })
    expect(tokens.claims()).toMatchObject({ birthdate: '1992-03-14' })
  })

  it('Core §3.1.2.1: what was posted stands in no address, no log and no row in clear', async () => {
    const claims = JSON.stringify({ id_token: { birthdate: null } })
    const { answer, parameters } = await posted({ claims })
    expect([answer.status, answer.headers['cache-control'], answer.headers['referrer-policy']]).toEqual([
      303,
      'no-store',
      'no-referrer',
    ])
    expect(answer.location).toMatch(/^\/authorize\?posted_request=[\w-]{43}$/)
    const handle = answer.location.split('=')[1] ?? ''
    const rows = await stage.database.hot<{ row: string }>(
      'test_read_posted_requests',
      `select encode(id, 'escape') || encode(sealed, 'escape') as row from posted_request`,
      [],
    )
    expect(rows.length).toBeGreaterThan(0)
    const secrets = [HINT, 'birthdate', parameters.get('state') ?? '', parameters.get('nonce') ?? '', handle]
    for (const secret of secrets) expect(JSON.stringify(rows) + stage.logs()).not.toContain(secret)
    const citizen = new Citizen(REDIRECT_URI)
    await citizen.get(at(answer.location))
    for (const secret of [encodeURIComponent(HINT), 'birthdate', parameters.get('state') ?? ''])
      expect(citizen.visited.join(' ')).not.toContain(secret)
    expect(stage.logs()).not.toContain(handle)
  })

  it('Core §3.1.2.1: a handle is good once, of 20 that come together too', async () => {
    const { answer } = await posted()
    const pages = await Promise.all(
      Array.from({ length: 20 }, () => new Citizen(REDIRECT_URI).get(at(answer.location))),
    )
    expect(pages.filter(({ url }) => url.pathname.startsWith('/interaction/'))).toHaveLength(1)
    const others = pages.filter(({ url }) => !url.pathname.startsWith('/interaction/'))
    for (const page of others) expect(errorOn(page)).toEqual([400, '/authorize', 'INTERACTION_EXPIRED'])
  })

  it('Core §3.1.2.1: a handle is good for a minute, and nothing stays after it', async () => {
    const { answer } = await posted()
    ahead = 61
    expect(errorOn(await new Citizen(REDIRECT_URI).get(at(answer.location)))).toEqual([
      400,
      '/authorize',
      'INTERACTION_EXPIRED',
    ])
    await sweep(stage.database, Math.floor(Date.now() / 1000) + ahead, 10)
    const left = await stage.database.hot('test_count_posted_requests', 'select 1 from posted_request', [])
    expect(left).toEqual([])
  })

  it.each(['posted_request=nobody-made-this', 'posted_request=a&posted_request=b', 'posted_request='])(
    'Core §3.1.2.1: a handle that is none is refused (%s)',
    async (query) => {
      expect(errorOn(await new Citizen(REDIRECT_URI).get(at(`/authorize?${query}`)))).toEqual([
        400,
        '/authorize',
        'INTERACTION_EXPIRED',
      ])
    },
  )

  it('Core §3.1.2.1: what stands beside the handle counts for nothing', async () => {
    const { answer, parameters } = await posted({ prompt: 'none' })
    const url = at(answer.location)
    for (const [name, value] of [
      ['redirect_uri', 'https://evil.example/'],
      ['state', 'another'],
    ] as const)
      url.searchParams.set(name, value)
    const { url: back } = await new Citizen(REDIRECT_URI).get(url)
    expect(back.href.startsWith(REDIRECT_URI)).toBe(true)
    expect([back.searchParams.get('error'), back.searchParams.get('state')]).toEqual([
      'login_required',
      parameters.get('state'),
    ])
  })

  it('Core §3.1.2.1: a posted request is refused as one by GET is, on the same page', async () => {
    for (const [change, code] of [
      [{ client_id: 'nobody' }, 'CLIENT_UNKNOWN'],
      [{ redirect_uri: 'https://evil.example/' }, 'REDIRECT_URI_MISMATCH'],
    ] as const) {
      const { parameters } = await app.request(change)
      const page = await new Citizen(REDIRECT_URI).post(at('/authorize'), Object.fromEntries(parameters))
      expect([page.status, page.url.pathname, page.html.includes(code)]).toEqual([400, '/authorize', true])
    }
    const { parameters } = await app.request()
    parameters.append('scope', 'openid')
    const answer = await post('/authorize', parameters.toString())
    const { url } = await new Citizen(REDIRECT_URI).get(at(answer.location))
    expect(url.searchParams.get('error')).toBe('invalid_request')
  })

  it('Core §3.1.2.1: nothing but a form is taken, and none of more than 32 kB', async () => {
    const { parameters } = await app.request()
    const asJson = await post('/authorize', JSON.stringify(Object.fromEntries(parameters)), 'application/json')
    expect([asJson.status, asJson.location, asJson.html.includes('REQUEST_INVALID')]).toEqual([400, '', true])
    parameters.set('claims', JSON.stringify({ id_token: { ['a'.repeat(40_000)]: null } }))
    const tooLong = await post('/authorize', parameters.toString())
    expect([tooLong.status, tooLong.location, tooLong.html.includes('REQUEST_TOO_LARGE')]).toEqual([413, '', true])
    parameters.set('claims', JSON.stringify({ id_token: { ['a'.repeat(25_000)]: null } }))
    const long = await post('/AUTHORIZE/', parameters.toString())
    const start = await new Citizen(REDIRECT_URI).get(at(long.location))
    expect([start.status, start.url.pathname.startsWith('/interaction/')]).toEqual([200, true])
  })

  it('Core §3.1.2.1: an app that must push or sign may no more post than send', async () => {
    const { jwk } = await makeKey()
    for (const change of [
      { require_pushed_authorization_requests: true },
      { require_signed_request_object: true, jwks: { keys: [jwk] } },
    ]) {
      const strict = await addRelyingApp(stage, change)
      const { parameters } = await strict.request()
      const { url } = await new Citizen(REDIRECT_URI).post(at('/authorize'), Object.fromEntries(parameters))
      expect(url.searchParams.get('error')).toBe('invalid_request')
    }
  })

  it('Logout §2: a posted sign-out is asked about and done, and the hint stands in no address', async () => {
    const citizen = new Citizen((url) => url.host === 'shop.example')
    const { verifier, parameters } = await app.request()
    const back = await logInBy(await citizen.get(app.authorizeUrl(parameters)), citizen)
    const callback = oauth.validateAuthResponse(app.as, app.client, back, parameters.get('state') ?? '')
    const { id_token: hint } = (await (await app.exchange(callback, verifier)).json()) as { id_token: string }
    const page = await citizen.post(at('/logout'), {
      id_token_hint: hint,
      post_logout_redirect_uri: 'https://shop.example/bye',
      state: 'the-state',
    })
    expect([page.status, page.url.pathname]).toEqual([200, '/logout'])
    const { url } = await citizen.submit(page, /^yes$/)
    expect(url.href).toBe('https://shop.example/bye?state=the-state')
    expect(citizen.visited.join(' ')).not.toContain(hint)
    const { parameters: again } = await app.request({ prompt: 'none' })
    const after = await citizen.get(app.authorizeUrl(again))
    expect(after.url.searchParams.get('error')).toBe('login_required')
  })
})

describe('requests that another site posts, in Chromium', () => {
  const open = freshPGlite()
  let stage: Stage
  let browser: Browser
  let form = ''
  const shop = createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(form))
  const origin = () => `http://127.0.0.1:${(shop.address() as AddressInfo).port}`

  beforeAll(async () => {
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
    stage = await openStage(await open())
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
    await stage.close()
    shop.close()
  })

  it('Core §3.1.2.1: who is signed in is known though another site posts: her Lax cookies come with the GET', async () => {
    const callback = `${origin()}/callback`
    const app = await addRelyingApp(stage, { redirect_uris: [callback] })
    const page = await (await browser.newContext()).newPage()
    const postFrom = async (change: Record<string, string | undefined>) => {
      const { parameters } = await app.request({ scope: 'openid profile', redirect_uri: callback, ...change })
      const fields = [...parameters].map(([name, value]) => `<input name="${name}" value="${value}">`).join('')
      form = `<form method="post" action="${stage.issuer.origin}/authorize">${fields}<button>go</button></form>`
      await page.goto(`${origin()}/`)
      await page.getByRole('button', { name: 'go' }).click()
    }
    await postFrom({ prompt: undefined })
    await page.getByRole('button', { name: /continue/i }).click()
    await signInAtSimulator(page, 'asha')
    await page.getByRole('button', { name: /^allow$/i }).click()
    await page.locator('button[value=share]').click()
    await page.waitForURL(`${callback}**`)
    await postFrom({ prompt: 'none' })
    await page.waitForURL(`${callback}**`)
    const back = new URL(page.url())
    expect([back.searchParams.get('error'), back.searchParams.has('code')]).toEqual([null, true])
  })
})
