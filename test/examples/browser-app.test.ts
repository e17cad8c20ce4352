import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, signInAtSimulator } from '../support/chromium.ts'
import { freshPostgresUrl } from '../support/databases.ts'
import { type Example, type ExampleStage, openExampleStage, startExample } from './kit.ts'

const makeUrl = freshPostgresUrl()

describe('examples/oidc-client-ts, in Chromium', { timeout: 90_000 }, () => {
  let stage: ExampleStage
  let example: Example
  let browser: Browser
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    stage = await openExampleStage(await makeUrl())
    const started = await Promise.all([startExample('oidc-client-ts', stage), launchChromium()])
    example = started[0]
    browser = started[1]
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await example?.close()
    await stage?.close()
  })

  async function open(): Promise<void> {
    context = await browser.newContext()
    page = await context.newPage()
    page.setDefaultTimeout(30_000)
    await page.goto(example.url)
  }

  /** As far as our consent screen. */
  async function begin(): Promise<void> {
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.locator('button[value=continue]').click()
    await signInAtSimulator(page, 'asha')
    await page.getByRole('button', { name: 'Allow' }).click()
  }

  async function signIn(): Promise<void> {
    await begin()
    await page.locator('button[value=share]').click()
    await page.locator('body[data-signed-in=yes]').waitFor()
  }

  const text = () => page.locator('pre').innerText()
  const stored = () =>
    page.evaluate(() => Object.values(sessionStorage).find((value) => value.includes('access_token')))

  it('shows who signed in, with verified claims, and leaves neither code nor state in the address', async () => {
    await open()
    await signIn()
    expect(JSON.parse(await text())).toMatchObject({
      name: 'Asha Verma',
      verified_claims: { claims: { name: 'Asha Verma', birthdate: '1992-03-14' } },
    })
    expect(page.url()).toBe(`${example.url}/`)
  })

  it('refreshes with the refresh token, and gets another', async () => {
    const before = await stored()
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText('refreshed').waitFor()
    expect(JSON.parse(await text())).toMatchObject({ name: 'Asha Verma' })
    const token = (value?: string) => (JSON.parse(value ?? '{}') as { refresh_token?: string }).refresh_token
    expect(token(await stored())).toMatch(/^[\w-]{40,}$/)
    expect(token(await stored())).not.toBe(token(before))
  })

  it('lets no page of another origin read its answers, whatever that page has got hold of', async () => {
    const token = (JSON.parse((await stored()) ?? '{}') as { access_token: string }).access_token
    const ask = (at: Page) =>
      at.evaluate(
        async ({ issuer, token }) => {
          const reach = (path: string, init?: RequestInit) =>
            fetch(`${issuer}${path}`, init).then(
              (answer) => answer.status,
              () => 'unreadable',
            )
          const form = { method: 'POST', body: new URLSearchParams({ client_id: 'any', grant_type: 'refresh_token' }) }
          return {
            discovery: await reach('/.well-known/openid-configuration'),
            keys: await reach('/jwks'),
            userinfo: await reach('/userinfo', { headers: { authorization: `Bearer ${token}` } }),
            withCookies: await reach('/.well-known/openid-configuration', { credentials: 'include' }),
            unknownClient: await reach('/token', form),
          }
        },
        { issuer: stage.stage.issuer.origin, token },
      )
    expect(await ask(page)).toMatchObject({ discovery: 200, keys: 200, userinfo: 200, withCookies: 'unreadable' })
    const elsewhere = await context.newPage()
    await elsewhere.goto(example.url.replace('localhost', '127.0.0.1')) // the same files: another origin all the same
    expect(await ask(elsewhere)).toMatchObject({ discovery: 200, keys: 200, userinfo: 'unreadable' })
    await elsewhere.close()
  })

  it('signs out here and at the issuer', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('button[value=yes]').click()
    await page.getByText('Nobody is signed in.').waitFor()
    expect(await stored()).toBeUndefined()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.locator('button[value=continue]').waitFor()
    await context.close()
  })

  it('hears of a no', async () => {
    await open()
    await begin()
    await page.locator('button[value=refuse]').click()
    await page.getByText('not signed in: access_denied').waitFor()
    expect(await stored()).toBeUndefined()
    await context.close()
  })

  it.each([
    ['another state', 'state', 'of-somebody-else'],
    ['another code', 'code', 'made-up'],
  ])('refuses an answer with %s', async (_case, name, value) => {
    await open()
    await begin()
    // Before any script of the page: as if the redirect had been to this address.
    await page.addInitScript(
      (forged) => {
        const url = new URL(location.href)
        if (url.pathname !== '/callback') return
        url.searchParams.set(forged.name, forged.value)
        history.replaceState(null, '', url)
      },
      { name, value },
    )
    await page.locator('button[value=share]').click()
    await page.getByText('not signed in:').waitFor()
    expect(await stored()).toBeUndefined()
    await context.close()
  })
})
