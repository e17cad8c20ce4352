import { mkdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import { locales, renderAll, renderer, type Sample, type Variant, variants } from './samples.ts'

const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
const WEIGHT_LIMIT_BYTES = 100_000
/** Where to put pictures, for whoever wants to look; none are made otherwise. */
const pictures = process.env.SCREENSHOTS

const samples = new Map(
  locales.flatMap((locale) =>
    (Object.keys(variants) as Variant[]).flatMap((variant) =>
      renderAll(locale, variant).map((s) => [s.name, s] as const),
    ),
  ),
)

describe('pages in Chromium', () => {
  let browser: Browser
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
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  it.each([...samples.values()].map((sample) => [sample.name, sample] as const))(
    'shows %s on a phone without side scrolling, barriers or violations of the content policy',
    async (_name, sample) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme })
        const page = await context.newPage()
        const complaints = collectComplaints(page)
        await page.goto(`${origin}/${sample.name}`)
        if (pictures !== undefined) await takePicture(page, `${sample.name}-${colorScheme}`)
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
        expect(await violations(page)).toEqual([])
        expect(complaints).toEqual([])
        await context.close()
      }
    },
    60_000,
  )

  it.each(locales)('submits the choices of the consent page in %s with JavaScript switched off', async (locale) => {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    const page = await context.newPage()
    await page.goto(`${origin}/${locale}-ordinary-consent`)
    const [choice] = await page.locator('input[name=share]').all()
    expect(await page.locator('input[name=share]:checked').count()).toBe(0)
    await choice?.check()
    const [posted] = await Promise.all([
      page.waitForRequest((request) => request.method() === 'POST'),
      page.locator('button[value=share]').click(),
    ])
    expect(posted.postData()).toBe('csrf=rentals.example&share=phone_number&decision=share')
    await context.close()
  })

  it('gives sharing and not sharing the same weight', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
    await page.goto(`${origin}/en-ordinary-consent`)
    const [share, refuse] = await page.locator('button[name=decision]').evaluateAll((buttons) =>
      buttons.map((button) => {
        const { color, backgroundColor, borderColor, fontSize, fontWeight } = getComputedStyle(button)
        const { width, height } = button.getBoundingClientRect()
        return { color, backgroundColor, borderColor, fontSize, fontWeight, width, height }
      }),
    )
    expect(share).toEqual(refuse)
    await page.close()
  })

  it('keeps every target of a finger at least 44 pixels high', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
    await page.goto(`${origin}/en-ordinary-consent`)
    const heights = await page
      .locator('button, .languages a, .choice label')
      .evaluateAll((targets) => targets.map((target) => target.getBoundingClientRect().height))
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(44)
    await page.close()
  })

  it.each([...samples.values()].map((sample) => [sample.name, sample] as const))(
    'keeps %s under 100 kB',
    (_name, sample) => {
      expect(weight(sample)).toBeLessThanOrEqual(WEIGHT_LIMIT_BYTES)
    },
  )
})

const headersOfPages = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY }

function collectComplaints(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
  return complaints
}

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${node.html}`))
}

async function takePicture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures ?? '', { recursive: true })
  await page.screenshot({ path: path.join(pictures ?? '', `${name}.png`), fullPage: true })
  await page.setViewportSize({ width: 1100, height: 800 })
  await page.screenshot({ path: path.join(pictures ?? '', `${name}-wide.png`), fullPage: true })
  await page.setViewportSize({ width: 360, height: 740 })
}

function weight(sample: Sample): number {
  const used = new Set([...sample.html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? ''))
  const bodies = [...used].map((url) => renderer.assets.find(url)?.body.length ?? Number.POSITIVE_INFINITY)
  return Buffer.byteLength(sample.html) + bodies.reduce((sum, length) => sum + length, 0)
}
