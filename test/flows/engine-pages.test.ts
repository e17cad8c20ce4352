import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oauth from 'oauth4webapi'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { addRelyingApp, insecure, type RelyingApp } from '../support/relying-app.ts'
import { openStage, pinOf, REDIRECT_URI, type Stage } from '../support/stage.ts'

const open = freshPGlite()
let stage: Stage
let browser: Browser
let app: RelyingApp
/** its callback is served by `landing` */
let local: RelyingApp
/** what the app was sent in a form */
let posted: URLSearchParams | undefined
const landing = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    if (request.method === 'POST') posted = new URLSearchParams(Buffer.concat(parts).toString())
    response.writeHead(200, { 'content-type': 'text/html' }).end('<title>back at the shop</title>')
  })
})

beforeAll(async () => {
  await new Promise<void>((resolve) => landing.listen(0, '127.0.0.1', resolve))
  const callback = `http://localhost:${(landing.address() as AddressInfo).port}/callback`
  stage = await openStage(await open())
  app = await addRelyingApp(stage)
  local = await addRelyingApp(stage, { redirect_uris: [callback] })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await stage.close()
  landing.close()
})

const callbackUri = () => `http://localhost:${(landing.address() as AddressInfo).port}/callback`

describe('OAuth 2.0 Form Post Response Mode, in Chromium under our content policy', () => {
  it.each(['form_post', 'form_post.jwt'])('posts the answer to the app: %s', async (mode) => {
    posted = undefined
    const { parameters } = await local.request({ response_mode: mode, redirect_uri: callbackUri() })
    const context = await browser.newContext()
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(local.authorizeUrl(parameters).href)
    await page.getByRole('button', { name: /continue/i }).click()
    const pin = pinOf({ html: await page.content() } as Parameters<typeof pinOf>[0], 'asha')
    await page.locator('input[name=persona][value=asha]').check()
    await page.locator('input[name=pin]').fill(pin)
    await page.getByRole('button', { name: /sign in/i }).click()
    await page.getByRole('button', { name: /^allow$/i }).click()
    await page.locator('button[value=share]').click()
    await page.waitForURL(callbackUri())
    const state = parameters.get('state') ?? ''
    const given = posted ?? new URLSearchParams()
    if (mode === 'form_post')
      expect(oauth.validateAuthResponse(local.as, local.client, given, state).get('code')).toBeTruthy()
    else {
      const client = { ...local.client, authorization_signed_response_alg: 'RS256' }
      const back = new URLSearchParams({ response: given.get('response') ?? '' })
      expect((await oauth.validateJwtAuthResponse(app.as, client, back, state, insecure)).get('code')).toBeTruthy()
    }
    expect(complaints).toEqual([])
    await context.close()
  })
})

describe('a redirect URI that is not registered — RFC 6749 §4.1.2.1', () => {
  const wrong = () => app.request({ redirect_uri: 'https://shop.example/callbacks?session=s3cret' })

  it('is never redirected to: the developer is shown the difference', async () => {
    const { parameters } = await wrong()
    const page = await new Citizen('https://shop.example').get(app.authorizeUrl(parameters))
    expect(page.status).toBe(400)
    expect(page.url.pathname).toBe('/authorize')
    expect(page.headers['x-oauth-error']).toBe('invalid_redirect_uri')
    expect(page.html).toContain('https://shop.example/callback<mark>s?session=…</mark>')
    expect(page.html).not.toContain('s3cret')
    expect(page.html).toContain('REDIRECT_URI_MISMATCH')
  })

  it('says nothing of any client when the client is unknown', async () => {
    const { parameters } = await app.request({ client_id: 'nobody' })
    const page = await new Citizen('https://shop.example').get(app.authorizeUrl(parameters))
    expect([page.status, page.headers['x-oauth-error']]).toEqual([400, 'invalid_client'])
    expect(page.html).not.toContain(REDIRECT_URI)
  })

  it('is explained the same way after a sign-out', async () => {
    const url = new URL('/logout', stage.issuer)
    url.searchParams.set('client_id', app.client.client_id)
    url.searchParams.set('post_logout_redirect_uri', 'https://shop.example/by')
    const page = await new Citizen('https://shop.example').get(url)
    expect(page.status).toBe(400)
    expect(page.html).toContain('https://shop.example/by')
    expect(page.html).toContain('<mark>e</mark>')
    expect(page.html).toContain('post_logout_redirect_uri')
  })

  it('escapes what it shows', async () => {
    const { parameters } = await app.request({ redirect_uri: 'https://shop.example/<script>alert(1)</script>' })
    const page = await new Citizen('https://shop.example').get(app.authorizeUrl(parameters))
    expect(page.html).not.toContain('<script>alert')
    expect(page.html).toContain('&lt;script&gt;')
  })

  it.each(['en', 'hi'])('fits a phone of 360 px, in %s', async (locale) => {
    const { parameters } = await wrong()
    parameters.set('ui_locales', locale)
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } })
    const page = await context.newPage()
    await page.goto(app.authorizeUrl(parameters).href)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
    expect(await page.evaluate(() => document.documentElement.lang)).toBe(locale)
    if (process.env.LOOK)
      await page.screenshot({ path: `${process.env.LOOK}/address-refused-${locale}.png`, fullPage: true })
    await context.close()
  })
})
