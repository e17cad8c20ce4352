import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RelyingApp, startRelyingApp } from '../../src/demo/relying-app/relying-app.ts'
import { barriers, launchChromium } from '../support/chromium.ts'
import { type BareIssuer, CLIENT, startBareIssuer } from './bare-issuer.ts'

describe('the demo shop in Chromium, at 360 px, with its content policy on', () => {
  let issuer: BareIssuer
  let shop: RelyingApp
  let browser: Browser

  beforeAll(async () => {
    issuer = await startBareIssuer()
    shop = await startRelyingApp({ port: 0, issuer: issuer.url, ...CLIENT })
    issuer.serve(shop.url)
    browser = await launchChromium()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await shop?.close()
    issuer?.close()
  })

  it('has no barriers, side scrolling or policy violations from welcome to result', async () => {
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (page.url().startsWith(shop.url.href)) complaints.push(message.text())
    })
    await page.goto(shop.url.href)
    await look(page, 'Take a scooter, leave the papers')
    await page.getByRole('button', { name: /proof/ }).click()
    await page.locator('input[name=login]').fill('meera')
    await page.locator('input[name=password]').fill('any')
    await page.locator('button[type=submit]').click()
    await page.locator('button[type=submit]').click()
    await look(page, 'Verified claims')
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByRole('button', { name: /old refresh token/ }).click()
    await look(page, 'The old refresh token was used again')
    await page.goto(new URL('/callback?error=access_denied&state=none', shop.url).href)
    await look(page, 'The sign-in did not work')
    expect(complaints.filter((text) => !text.includes('status of 400'))).toEqual([])
    await context.close()
  }, 120_000)
})

/** @param heading of the page that is meant: straight after a click the former one may still stand, or this one unstyled */
async function look(page: Page, heading: string): Promise<void> {
  await page.getByRole('heading', { name: heading, exact: true }).waitFor()
  await page.waitForLoadState('load')
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    expect(await barriers(page)).toEqual([])
  }
}
