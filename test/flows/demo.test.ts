import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../../src/demo/demo.ts'
import { launchChromium, signInAtSimulator } from '../support/chromium.ts'
import { fourFreePorts } from '../support/ports.ts'

/** What README's first command brings up, walked by a person in a real browser: sign-in → simulator → consent → shop. */
describe('the demo in Chromium', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dwar-demo-'))
  const said: string[] = []
  let demo: Demo
  let browser: Browser

  beforeAll(async () => {
    const [started, launched] = await Promise.all([
      startDemo({
        firstPort: await fourFreePorts(),
        folder,
        env: { DWAR_LOG_LEVEL: 'error' },
        say: (sentence) => said.push(sentence),
      }),
      launchChromium(),
    ])
    demo = started
    browser = launched
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
    rmSync(folder, { recursive: true })
  })

  it('prints one URL to open and what to click', () => {
    expect(said.join('\n')).toContain(demo.shop.href)
    expect(said.join('\n')).toMatch(/Click .*Sign in/)
  })

  it.each([
    ['with scripts', true],
    ['without scripts', false],
  ])(
    'leads from the shop to verified claims %s, at 360 px, with the content policy on',
    async (_case, javaScriptEnabled) => {
      const context = await browser.newContext({ viewport: { width: 360, height: 740 }, javaScriptEnabled })
      const page = await newPage(context)
      const complaints = listen(page)
      await page.goto(demo.shop.href)
      await page.getByRole('button', { name: /proof/i }).click()
      await look(page, javaScriptEnabled)
      await page.locator('button[value=continue]').click()
      await signInAtSimulator(page, 'asha')
      await page.getByRole('button', { name: 'Allow' }).click()
      await page.waitForURL(({ pathname }) => pathname.startsWith('/interaction/'))
      expect(page.url()).not.toMatch(/code=|state=/)
      await look(page, javaScriptEnabled)
      await page.locator('button[value=share]').click()
      await page.waitForURL(({ origin }) => origin === demo.shop.origin)
      const text = await page.locator('main').innerText()
      expect(text).toContain('verified_claims')
      expect(text).toContain('in_digilocker')
      expect(complaints).toEqual([])
      await context.close()
    },
    90_000,
  )

  it('shows refresh, and what reuse of an old token does', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await newPage(context)
    await page.goto(demo.shop.href)
    await page.getByRole('button', { name: /licence/i }).click()
    await page.locator('button[value=continue]').click()
    await signInAtSimulator(page, 'asha')
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.locator('button[value=share]').click()
    await page
      .getByRole('button', { name: /refresh/i })
      .first()
      .click()
    await page.getByRole('button', { name: /old/i }).click()
    await expect.poll(() => page.locator('main').innerText(), { timeout: 30_000 }).toContain('invalid_grant')
    await context.close()
  }, 90_000)

  it('returns a refusal to the shop', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await newPage(context)
    await page.goto(demo.shop.href)
    await page.getByRole('button', { name: /profile/i }).click()
    await page.locator('button[value=continue]').click()
    await signInAtSimulator(page, 'bala')
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.locator('button[value=refuse]').click()
    await page.waitForURL(({ origin }) => origin === demo.shop.origin)
    expect(await page.locator('main').innerText()).toContain('access_denied')
    await context.close()
  }, 90_000)

  it('says in one sentence that a port is in use, and leaves nothing running', async () => {
    const firstPort = await fourFreePorts()
    const taken = createServer().listen(firstPort, '127.0.0.1')
    await expect(
      startDemo({
        firstPort,
        folder: path.join(folder, 'second'),
        env: { DWAR_LOG_LEVEL: 'error' },
        say: () => undefined,
      }),
    ).rejects.toMatchObject({ code: 'PORT_IN_USE', message: expect.stringContaining(`Port ${firstPort} is in use`) })
    taken.close()
  }, 120_000)

  it('says in one sentence that its folder cannot be written to', async () => {
    await expect(
      startDemo({
        firstPort: 1,
        folder: path.join(import.meta.filename, 'inside-a-file'),
        env: {},
        say: () => undefined,
      }),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(/cannot be written to/) })
  })
})

async function newPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  return page
}

/** Errors and policy violations that the browser reports. */
function listen(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return complaints
}

/** No horizontal scrolling on a phone, and axe finds nothing (WCAG 2.1 AA). Axe itself needs scripts. */
async function look(page: Page, scripts: boolean): Promise<void> {
  if (!scripts) return
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
  expect(violations.map(({ id }) => id)).toEqual([])
}
