import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { barriers, launchChromium } from '../../support/chromium.ts'
import { locales, renderAll, renderer, type Sample, type Variant, variants } from './samples.ts'

const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
const WEIGHT_LIMIT_BYTES = 100_000

const samples = new Map(
  locales.flatMap((locale) =>
    (Object.keys(variants) as Variant[]).flatMap((variant) =>
      renderAll(locale, variant).map((s) => [s.name, s] as const),
    ),
  ),
)

describe('pages in Chromium', () => {
  let browser: Browser
  /** a phone's, for all tests: a page of its own for each is a process of its own */
  let page: Page
  const complaints: string[] = []
  let server: Server
  let origin: string

  beforeAll(async () => {
    server = createServer((request, response) => {
      const asset = renderer.assets.find(request.url ?? '')
      const sample = samples.get(new URL(request.url ?? '/', 'http://x').pathname.slice(1))
      if (asset) response.writeHead(200, { ...asset.headers, 'content-type': asset.type }).end(asset.body)
      else if (sample) response.writeHead(200, headersOfPages).end(sample.html)
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await launchChromium()
    page = await browser.newPage({ viewport: { width: 360, height: 740 } })
    collectComplaints(page, complaints)
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  it.each([...samples.keys()])(
    'shows %s on a phone without side scrolling or violations of the content policy',
    async (name) => {
      complaints.length = 0
      await open(name)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
      expect(complaints).toEqual([])
    },
  )

  it.each([...samples.keys()].filter((name) => name.includes('-ordinary-')))(
    'shows %s without barriers, in light and in dark (WCAG 2.1 AA)',
    async (name) => {
      await open(name)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await barriers(page)).toEqual([])
      }
      await page.emulateMedia({ colorScheme: null })
    },
  )

  it.each(locales)('submits the choices of the consent page in %s with JavaScript switched off', async (locale) => {
    const page = await browser.newPage({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    await page.goto(`${origin}/${locale}-ordinary-consent`)
    const [choice] = await page.locator('input[name=share]').all()
    expect(await page.locator('input[name=share]:checked').count()).toBe(0)
    await choice?.check()
    const [posted] = await Promise.all([
      page.waitForRequest((request) => request.method() === 'POST'),
      page.locator('button[value=share]').click(),
    ])
    expect(posted.postData()).toMatch(/^csrf=rentals\.example&shown=[\w-]{43}&share=phone_number&decision=share$/)
    await page.close()
  })

  it('gives sharing and not sharing the same weight', async () => {
    await open('en-ordinary-consent')
    const [share, refuse] = await page.locator('button[name=decision]').evaluateAll((buttons) =>
      buttons.map((button) => {
        const { color, backgroundColor, borderColor, fontSize, fontWeight } = getComputedStyle(button)
        const { width, height } = button.getBoundingClientRect()
        return { color, backgroundColor, borderColor, fontSize, fontWeight, width, height }
      }),
    )
    expect(share).toEqual(refuse)
  })

  it.each([...samples.keys()].filter((name) => name.startsWith('en-ordinary-')))(
    'keeps every target of a finger on %s at least 44 pixels high',
    async (name) => {
      await open(name)
      const heights = await page
        .locator('button, .button, .languages a, .choice label, input[type=text]')
        .evaluateAll((targets) => targets.map((target) => target.getBoundingClientRect().height))
      expect(Math.min(...heights)).toBeGreaterThanOrEqual(44)
    },
  )

  it('keeps every page under 100 kB, with all that it loads', () => {
    const heavy = [...samples.values()].filter((sample) => weight(sample) > WEIGHT_LIMIT_BYTES)
    expect(heavy.map(({ name }) => name)).toEqual([])
  })

  const open = (name: string) => page.goto(`${origin}/${name}`)
})

const headersOfPages = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY }

function collectComplaints(page: Page, complaints: string[]): void {
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => {
    // the icon comes after the page, and is given up when the next page is opened
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()}`)
  })
}

function weight(sample: Sample): number {
  const used = new Set([...sample.html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? ''))
  const bodies = [...used].map((url) => renderer.assets.find(url)?.body.length ?? Number.POSITIVE_INFINITY)
  return Buffer.byteLength(sample.html) + bodies.reduce((sum, length) => sum + length, 0)
}
