import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RelyingApp, startRelyingApp } from '../../src/demo/relying-app/relying-app.ts'
import { Citizen, type Page } from '../support/citizen.ts'
import { type BareIssuer, CLIENT, startBareIssuer } from './bare-issuer.ts'

const NOWHERE = 'http://nowhere.invalid'
/** Against a bare oidc-provider: a relying app must work with any issuer, so it is tested with one that is not ours. */
describe('the demo shop as an OpenID Connect relying app', () => {
  const issued: string[] = []
  const asked: URLSearchParams[] = []
  let issuer: BareIssuer
  let shop: RelyingApp
  let citizen: Citizen

  beforeAll(async () => {
    issuer = await startBareIssuer()
    shop = await startRelyingApp({ port: 0, issuer: issuer.url, ...CLIENT })
    const provider = issuer.serve(shop.url)
    provider.on('access_token.saved', ({ jti }) => issued.push(jti))
    provider.on('refresh_token.saved', ({ jti }) => issued.push(jti))
    provider.on('authorization.accepted', (ctx) =>
      asked.push(new URLSearchParams(ctx.oidc.params as Record<string, string>)),
    )
  })
  afterAll(async () => {
    await shop.close()
    issuer.close()
  })
  beforeEach(() => {
    citizen = new Citizen(NOWHERE)
  })

  const home = () => citizen.get(shop.url)

  async function signIn(button: RegExp): Promise<Page> {
    const login = await citizen.submit(await home(), button)
    const consent = await citizen.submit(login, /sign-in/i, [
      ['login', 'meera'],
      ['password', 'any'],
    ])
    return citizen.submit(consent, /continue/i)
  }

  it('signs in with code, PKCE, state and nonce, and shows ID token and userinfo', async () => {
    const page = await signIn(/basic profile/)
    expect(page.url.href).toBe(`${shop.url.href}me`)
    expect(textOf(page)).toContain('"alg": "RS256"')
    expect(textOf(page)).toContain('"name": "Meera <b>Kulkarni</b>"')
    const parameters = asked.at(-1)
    expect(parameters?.get('code_challenge_method')).toBe('S256')
    expect(parameters?.get('scope')).toContain('offline_access')
    expect(parameters?.get('prompt')).toBe('consent')
    for (const parameter of ['state', 'nonce', 'code_challenge'])
      expect(parameters?.get(parameter)?.length).toBeGreaterThanOrEqual(43)
  })

  it('asks for the licence by scope and for proof by the claims parameter', async () => {
    await signIn(/driving licence/)
    expect(asked.at(-1)?.get('scope')).toContain('driving_licence')
    citizen = new Citizen(NOWHERE)
    const page = await signIn(/proof/)
    const claims = JSON.parse(asked.at(-1)?.get('claims') ?? '{}')
    expect(claims.userinfo.verified_claims.claims).toEqual({ name: null, birthdate: null })
    expect(claims.id_token).toEqual({ age_over_18: null })
    expect(page.html).toContain('<section class="proof"')
    expect(textOf(page)).toContain('in_digilocker')
  })

  it('escapes what it received', async () => {
    const page = await signIn(/proof/)
    expect(page.html).toContain('Meera &lt;b&gt;Kulkarni&lt;/b&gt;')
    expect(page.html).not.toContain('<b>')
  })

  it('refreshes, and shows that an old refresh token ends the whole family', async () => {
    const before = await signIn(/basic profile/)
    const refreshed = await citizen.submit(before, /^Refresh$/)
    expect(textOf(refreshed)).toMatch(/Refreshes\s*1/)
    const [accessBefore, refreshBefore] = fingerprints(before)
    const [accessAfter, refreshAfter, old] = fingerprints(refreshed)
    expect(accessAfter).not.toBe(accessBefore)
    expect(refreshAfter).not.toBe(refreshBefore)
    expect(old).toBe(refreshBefore)
    const replayed = await citizen.submit(refreshed, /old refresh token/)
    expect(textOf(replayed)).toMatch(/Refresh with the old token\s*invalid_grant/)
    expect(textOf(replayed)).toMatch(/newest access token\s*invalid_token/)
  })

  it('never shows a token beyond its first eight characters', async () => {
    const page = await citizen.submit(await signIn(/basic profile/), /^Refresh$/)
    expect(issued.length).toBeGreaterThanOrEqual(4)
    for (const token of issued) expect(page.html).not.toContain(token.slice(0, 9))
    expect(page.html).not.toMatch(/eyJ/)
  })

  it('tells the person when the issuer reports a refusal', async () => {
    const login = await citizen.submit(await home(), /basic profile/)
    const page = await citizen.get(`${login.url.href}/abort`)
    expect(page.url.pathname).toBe('/callback')
    expect(page.status).toBe(400)
    expect(textOf(page)).toContain('access_denied')
  })

  it.each([
    ['error=access_denied', 'access_denied'],
    ['code=c1', 'invalid_grant'],
  ])('believes %s only with its own state', async (query, outcome) => {
    // the right issuer each time, or that check would refuse first and hide a missing check of state
    const answer = async (change: string) => {
      const { state } = await beginOnly()
      const parameters = `${query}&state=${state}${change}&iss=${encodeURIComponent(issuer.url)}`
      return citizen.get(new URL(`/callback?${parameters}`, shop.url))
    }
    const [forged, own] = [await answer('x'), await answer('')]
    expect(forged.status).toBe(400)
    expect(textOf(forged)).not.toContain(outcome)
    expect(textOf(own)).toContain(outcome)
  })

  it('takes the answer to a sign-in once', async () => {
    const { state } = await beginOnly()
    await citizen.get(new URL(`/callback?error=access_denied&state=${state}`, shop.url))
    const again = await citizen.get(new URL(`/callback?error=access_denied&state=${state}`, shop.url))
    expect(textOf(again)).toContain('no sign-in was begun in this browser')
  })

  it('refuses a return to a browser that began nothing', async () => {
    const page = await citizen.get(new URL('/callback?code=c1&state=s1', shop.url))
    expect(page.status).toBe(400)
    expect(textOf(page)).toContain('no sign-in was begun in this browser')
  })

  it('gives the browser a new session id at sign-in', async () => {
    await beginOnly()
    const before = await sessionCookie()
    await signIn(/basic profile/)
    expect(await sessionCookie()).not.toBe(before)
  })

  it('takes the redirect URI from its own settings, not from the Host header', async () => {
    const { headers } = await request(new URL('/sign-in/basic', shop.url), {
      method: 'POST',
      headers: { host: 'evil.example' },
    })
    expect(new URL(String(headers.location)).searchParams.get('redirect_uri')).toBe(`${shop.url.href}callback`)
  })

  it('names that same redirect URI when it exchanges the code, whatever the Host header of the return', async () => {
    citizen = new Citizen(new URL('/callback', shop.url).href)
    const { url } = await signIn(/basic profile/)
    const cookie = await citizen.jar.getCookieString(shop.url.href)
    const { statusCode, headers } = await request(url, { headers: { cookie, host: 'evil.example' } })
    expect([statusCode, headers.location]).toEqual([303, '/me'])
  })

  it('signs out at the issuer and comes home', async () => {
    const question = await citizen.submit(await signIn(/basic profile/), /^Sign out$/)
    expect(question.url.searchParams.get('post_logout_redirect_uri')).toBe(shop.url.href)
    const page = await citizen.submit(question, /yes/)
    expect(page.url.href).toBe(shop.url.href)
    expect((await citizen.get(new URL('/me', shop.url))).url.href).toBe(shop.url.href)
  })

  it('says so when the issuer cannot be reached, and finds it once it is there', async () => {
    let there = false
    const app = await startRelyingApp({
      port: 0,
      issuer: issuer.url,
      ...CLIENT,
      fetch: (url, options) =>
        there ? fetch(url, options as RequestInit) : Promise.reject(new TypeError('connection refused')),
    })
    const first = await citizen.submit(await citizen.get(app.url), /basic profile/)
    expect([first.status, textOf(first).includes('could not be reached')]).toEqual([502, true])
    there = true
    const second = await fetch(new URL('/sign-in/basic', app.url), { method: 'POST', redirect: 'manual' })
    expect(second.status).toBe(303)
    await app.close()
  })

  async function beginOnly(): Promise<{ state: string }> {
    await citizen.submit(await home(), /basic profile/)
    const sent = citizen.visited.findLast((url) => url.searchParams.has('state'))
    return { state: sent?.searchParams.get('state') ?? '' }
  }

  async function sessionCookie(): Promise<string | undefined> {
    const cookies = await citizen.jar.getCookies(shop.url.href)
    return cookies.find(({ key }) => key === 'shop_session')?.value
  }
})

/** What a reader sees. */
function textOf({ html }: Page): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return html.replace(/<[^>]+>/g, '').replace(/&(#?\w+);/g, (_whole, name: string) => entities[name] ?? '')
}

function fingerprints({ html }: Page): string[] {
  return [...html.matchAll(/SHA-256 ([0-9a-f]{12})/g)].map((match) => match[1] ?? '')
}
