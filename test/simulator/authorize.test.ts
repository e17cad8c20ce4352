import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts'
import { testPki } from '../support/pki.ts'
import * as walk from './support/walk.ts'

const NOW = Date.parse('2026-11-24T06:30:00Z') / 1000
let simulator: Simulator

beforeAll(async () => {
  const limited = { ...walk.PLAIN, clientId: 'LIMITED', doctypes: ['PANCR'] }
  simulator = await startSimulator({
    pki: await testPki(new Date(NOW * 1000)),
    clients: [walk.PLAIN, limited],
    now: () => NOW,
  })
})
afterAll(() => simulator.close())

describe('authorize, strict as version 2.4 — digilocker-api.md §4', () => {
  it.each<[string, Record<string, string | undefined>, string]>([
    ['no client_id', { client_id: undefined }, 'invalid_client_id'],
    ['an unknown client_id', { client_id: 'NOBODY' }, 'invalid_client_id'],
    ['no redirect_uri', { redirect_uri: undefined }, 'redirect_uri_mismatch'],
    ['a redirect_uri with one more slash', { redirect_uri: 'https://rp.test/callback/' }, 'redirect_uri_mismatch'],
    ['a redirect_uri with a query', { redirect_uri: 'https://rp.test/callback?x=1' }, 'redirect_uri_mismatch'],
    ['no response_type', { response_type: undefined }, 'invalid_request'],
    ['response_type=token', { response_type: 'token' }, 'invalid_request'],
    ['no state', { state: undefined }, 'invalid_request'],
    ['no code_challenge', { code_challenge: undefined }, 'invalid_request'],
    ['no code_challenge_method', { code_challenge_method: undefined }, 'invalid_request'],
    ['the plain method', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a padded challenge', { code_challenge: `${'a'.repeat(43)}=` }, 'invalid_request'],
    ['no purpose', { purpose: undefined }, 'invalid_request'],
    ['a purpose with punctuation', { purpose: 'know your customer!' }, 'invalid_request'],
    ['a purpose in another script', { purpose: 'सत्यापन' }, 'invalid_request'],
    ['no service_name', { service_name: undefined }, 'invalid_request'],
    ['a service_name with a hyphen', { service_name: 'A-B' }, 'invalid_request'],
    ['an unknown scope', { scope: 'files.issueddocs everything' }, 'invalid_scope'],
    ['openid without having it enabled', { scope: 'openid' }, 'invalid_scope'],
    ['a doctype nobody knows', { req_doctype: 'PANCR,NOPES' }, 'invalid_request'],
    ['a doctype that is not approved', { client_id: 'LIMITED', req_doctype: 'DRVLC' }, 'invalid_request'],
    ['an end of consent in the past', { consent_valid_till: String(NOW) }, 'invalid_request'],
    ['an end of consent that is a date', { consent_valid_till: '2027-01-01' }, 'invalid_request'],
    ['another prompt', { prompt: 'none' }, 'invalid_request'],
    ['a login_hint by itself', { login_hint: '9000000001' }, 'invalid_request'],
  ])('shows its own error page and never redirects: %s', async (_case, change, code) => {
    const reply = await new walk.Browser().open(walk.authorizeUrl(simulator, { change }))
    expect([reply.status, reply.headers.get('location')]).toEqual([400, null])
    const page = await reply.text()
    expect(page).toContain('Authentication Error')
    expect(page).toContain(`<code>${code}</code>`)
  })

  it('refuses a repeated parameter', async () => {
    const url = walk.authorizeUrl(simulator)
    url.searchParams.append('purpose', 'again')
    expect((await new walk.Browser().open(url)).status).toBe(400)
  })

  it('words the missing PKCE as DigiLocker does', async () => {
    const url = walk.authorizeUrl(simulator, { change: { code_challenge: undefined } })
    const page = await (await new walk.Browser().open(url)).text()
    expect(page).toContain('code_challenge and code_challenge_method parameter is required')
  })

  it.each([1, 2] as const)('answers under version %i and ignores parameters it does not know', async (version) => {
    const change = { pla: 'Y', dl_flow: 'signin', amr: 'ndlemail mobile' }
    const reply = await new walk.Browser().open(walk.authorizeUrl(simulator, { version, change }))
    expect(reply.status).toBe(303)
  })

  it('accepts prompt=login_mobile with a hint, and approved doctypes', async () => {
    const change = { prompt: 'login_mobile', login_hint: '9000000001', req_doctype: 'PANCR' }
    const url = walk.authorizeUrl(simulator, { change: { client_id: 'LIMITED', ...change } })
    expect((await new walk.Browser().open(url)).status).toBe(303)
  })

  it('refuses a redirect URI until it is added, and clients of other simulators never get it', async () => {
    const uri = 'http://127.0.0.1:49152/callback/digilocker'
    const url = walk.authorizeUrl(simulator, { change: { redirect_uri: uri } })
    expect((await new walk.Browser().open(url)).status).toBe(400)
    simulator.addRedirectUri('PLAINAPP', uri)
    expect((await new walk.Browser().open(url)).status).toBe(303)
    expect(walk.PLAIN.redirectUris).not.toContain(uri)
    expect(() => simulator.addRedirectUri('NOBODY', uri)).toThrow(RangeError)
  })
})

describe('pages', () => {
  const pagesOf = async () => {
    const browser = new walk.Browser()
    const start = await browser.open(walk.authorizeUrl(simulator))
    const at = new URL(start.headers.get('location') ?? '', simulator.url)
    const signIn = await browser.open(at)
    const refused = await walk.signIn(browser, at, { pin: '999999' })
    await walk.signIn(browser, at, {})
    const consent = await browser.open(at.href.replace('/signin/', '/consent/'))
    const home = await fetch(simulator.url)
    const nowhere = await fetch(new URL('/nowhere', simulator.url))
    return Object.entries({ signIn, refused, consent, home, nowhere })
  }

  it('say that this is not the real DigiLocker, carry no script and cannot be framed', async () => {
    for (const [name, reply] of await pagesOf()) {
      const page = await reply.text()
      expect(page, name).toContain('DigiLocker simulator — not the real DigiLocker; no real data')
      expect(page, name).not.toMatch(/<script|<style| style=| on[a-z]+=/i)
      const policy = reply.headers.get('content-security-policy')
      expect(policy, name).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
      expect(reply.headers.get('cache-control'), name).toBe('no-store')
    }
  })

  it('escape what they print', async () => {
    const url = walk.authorizeUrl(simulator, { persona: 'george' })
    const browser = new walk.Browser()
    const at = new URL((await browser.open(url)).headers.get('location') ?? '', simulator.url)
    const consentAt = (await walk.signIn(browser, at, { persona: 'george' })).headers.get('location') ?? ''
    expect(await (await browser.open(new URL(consentAt, simulator.url))).text()).toContain('George D&#39;Souza')
  })

  it('have a style sheet of their own', async () => {
    const reply = await fetch(new URL('/assets/simulator.css', simulator.url))
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8'])
  })
})

describe('requests that nothing answers', () => {
  it.each([
    ['GET', '/public/oauth2/1/token', 405],
    ['POST', '/public/oauth2/1/user', 405],
    ['GET', '/public/oauth2/1/xml/%E0%A4%A', 400],
    ['GET', '/public/oauth2/3/files/issued', 404],
    ['GET', '/.well-known/openid-configuration', 404],
    ['POST', '/public/account/2/verify', 404],
  ])('refuses %s %s with %i', async (method, path, status) => {
    expect((await fetch(new URL(path, simulator.url), { method })).status).toBe(status)
  })

  it('refuses a body above 64 KiB', async () => {
    const form = new URLSearchParams({ code: 'x'.repeat(70_000) })
    expect((await walk.post(simulator, '/public/oauth2/1/token', form)).status).toBe(413)
  })

  it.each(['', 'Bearer', 'Bearer abc', `Basic ${'0'.repeat(40)}`, `Bearer ${'0'.repeat(40)}`])(
    'answers 401 to the authorization "%s"',
    async (authorization) => {
      for (const path of [walk.USER, walk.ISSUED, walk.EAADHAAR, walk.xmlPath('a-B-c'), walk.filePath('a-B-c')]) {
        expect((await fetch(new URL(path, simulator.url), { headers: { authorization } })).status).toBe(401)
      }
    },
  )
})
