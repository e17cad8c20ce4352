import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { startDemo } from '../src/demo/demo.ts'
import { launchChromium } from '../test/support/chromium.ts'
import { fourFreePorts } from '../test/support/ports.ts'

/**
 * Walks the demo in a real browser and keeps a picture of every page: `npm run screenshots`.
 * Phone first (360 px), then a desktop; English, then Hindi, where a font for it is installed.
 */
const folder = path.join(import.meta.dirname, 'screenshots')
const data = mkdtempSync(path.join(tmpdir(), 'dwar-screenshots-'))
const demo = await startDemo({ firstPort: await fourFreePorts(), folder: data, env: {}, say: () => undefined })
const browser = await launchChromium()
try {
  await walk('phone', 360, 'en')
  await walk('phone-hi', 360, 'hi')
  await walk('desktop', 1100, 'en')
} finally {
  await browser.close()
  await demo.stop()
  rmSync(data, { recursive: true })
}

async function walk(name: string, width: number, locale: string): Promise<void> {
  const context = await browser.newContext({ viewport: { width, height: 740 }, locale, javaScriptEnabled: false })
  const page = await context.newPage()
  const keep = (step: string) => page.screenshot({ path: path.join(folder, `${name}-${step}.png`), fullPage: true })

  await page.goto(demo.shop.href)
  await keep('1-shop')
  await page.getByRole('button', { name: /licence/i }).click()
  await keep('2-start')
  await page.locator('button[value=continue]').click()
  await keep('3-simulator-sign-in')
  await signIn(page, 'asha')
  await keep('4-simulator-consent')
  await page.getByRole('button', { name: 'Allow' }).click()
  await keep('5-consent')
  await page.locator('button[value=share]').click()
  await keep('6-shop-result')

  await page.goto(`${demo.issuer.href}callback/digilocker?state=gone`)
  await keep('7-refusal')
  await context.close()
}

async function signIn(page: Page, persona: string): Promise<void> {
  const choice = page.locator('label', { has: page.locator(`input[value=${persona}]`) })
  await choice.click()
  const pin = await choice.locator('code').textContent()
  await page.locator('input[name=pin]').fill(pin ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
}
