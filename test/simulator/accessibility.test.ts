import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DEMO_CLIENT, type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { barriers, launchChromium } from '../support/chromium.ts'
import { testPki } from '../support/pki.ts'
import { authorizeUrl } from './support/walk.ts'

let simulator: Simulator
let browser: Browser
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  simulator = await startSimulator({ pki: await testPki() })
  browser = await launchChromium()
}, 120_000)
beforeEach(async () => {
  page = await (await browser.newContext({ viewport: { width: 360, height: 740 } })).newPage()
  page.on('console', (message) => complaints.push(message.text()))
})
afterEach(() => page.close())
afterAll(async () => {
  await browser.close()
  await simulator.close()
})

async function expectAccessible(name: string) {
  await page.waitForLoadState('load') // after a click it may stand there unstyled
  expect(await barriers(page), name).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth'), `${name} scrolls sideways`).toBe(360)
}

describe('pages in a browser, 360 px wide — WCAG 2.1 AA', () => {
  it('are accessible from sign-in over a wrong PIN to consent and back to the service', async () => {
    const change = { req_doctype: 'ADHAR,PANCR,DRVLC', service_name: 'Demo shop' }
    await page.goto(authorizeUrl(simulator, { client: DEMO_CLIENT, change }).href)
    await expectAccessible('sign-in')
    await page.check('input[value=esha]')
    await page.fill('#pin', '000000')
    await page.click('button')
    await page.getByRole('alert').waitFor()
    await expectAccessible('wrong PIN')
    await page.check('input[value=esha]')
    await page.fill('#pin', '555555')
    await page.click('button')
    await page.locator('button[value=allow]').waitFor()
    await expectAccessible('consent')
    expect(complaints.filter((text) => /Content Security Policy/i.test(text))).toEqual([])
    const returned = page.waitForRequest(/\/callback\/digilocker\?/)
    await page.click('button[value=allow]')
    expect(new URL((await returned).url()).searchParams.get('code')).toMatch(/^[0-9a-f]{40}$/)
  }, 90_000)

  it('are accessible where there is nothing to do', async () => {
    await page.goto(simulator.url.href)
    await expectAccessible('home')
    await page.goto(authorizeUrl(simulator, { change: { client_id: 'NOBODY' } }).href)
    await expectAccessible('error')
  }, 120_000)
})
