import { beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { type Tokens, useScene } from './party.ts'

const BYE = 'https://shop.example/bye'

describe('OpenID Connect RP-Initiated Logout 1.0', () => {
  const scene = useScene()
  let citizen: Citizen
  let tokens: Tokens
  beforeAll(async () => {
    citizen = new Citizen('https://shop.example/')
    tokens = await scene.party.tokens({}, citizen)
  })

  const logout = (parameters: Record<string, string>) =>
    citizen.get(new URL(`/logout?${new URLSearchParams(parameters)}`, scene.stage.issuer))

  const isSignedIn = async () => {
    const { url } = await citizen.get((await scene.party.request({ prompt: 'none' })).url)
    return url.searchParams.get('error') === null
  }

  it('§2: a person is asked before she is signed out, and may stay', async () => {
    const page = await logout({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE })
    expect(page.forms.flatMap(({ buttons }) => buttons.map(({ value }) => value))).toContain('yes')
    expect(await isSignedIn()).toBe(true)
  })

  it('§2: a hint that we did not sign is refused', async () => {
    const [header = '', payload = ''] = tokens.id_token.split('.')
    const page = await logout({ id_token_hint: `${header}.${payload}.${'A'.repeat(342)}` })
    expect([page.status, page.url.pathname]).toEqual([400, '/logout'])
  })

  it('§2: a hint for one client does not speak for another', async () => {
    const other = await scene.addParty()
    const page = await logout({ id_token_hint: tokens.id_token, client_id: other.id })
    expect([page.status, page.url.pathname]).toEqual([400, '/logout'])
  })

  it.each([
    ['another address of the app', 'https://shop.example/other'],
    ['its address with more behind it', `${BYE}/more`],
    ['somebody else’s', 'https://evil.example/bye'],
  ])('§3: %s is no place to be sent to', async (_case, post_logout_redirect_uri) => {
    const page = await logout({ id_token_hint: tokens.id_token, post_logout_redirect_uri })
    expect([page.status, page.url.pathname]).toEqual([400, '/logout'])
    expect(page.html).not.toMatch(/(href|action)="[^"]*evil/)
  })

  it('§3: a place needs a client: without hint and client_id nobody is sent anywhere', async () => {
    const somebody = new Citizen('https://shop.example/')
    const query = new URLSearchParams({ post_logout_redirect_uri: BYE })
    const page = await somebody.get(new URL(`/logout?${query}`, scene.stage.issuer))
    const done = page.forms.length > 0 ? await somebody.submit(page, /^(yes|Continue)$/) : page
    expect(done.url.origin).toBe(scene.stage.issuer.origin)
  })

  it.each(['', 'state=abc', 'logout_hint=somebody&ui_locales=hi'])(
    '§2: every parameter may be left out (%s)',
    async (query) => {
      const browser = new Citizen('https://shop.example/')
      await scene.party.tokens({}, browser)
      const page = await browser.get(new URL(`/logout?${query}`, scene.stage.issuer))
      const done = await browser.submit(page, /^yes$/)
      expect([page.status, done.status, done.url.origin]).toEqual([200, 200, scene.stage.issuer.origin])
    },
  )

  it('§3: she is sent to a registered place with the state of the request, letter by letter', async () => {
    const browser = new Citizen('https://shop.example/')
    const { id_token: hint } = await scene.party.tokens({}, browser)
    const state = 'a b+c%20&=/?ä😀'
    const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: BYE, state })
    const page = await browser.get(new URL(`/logout?${query}`, scene.stage.issuer))
    const { url } = await browser.submit(page, /^yes$/)
    expect([`${url.origin}${url.pathname}`, url.searchParams.get('state')]).toEqual([BYE, state])
  })

  it('§2: signing out ends what belongs to the session, and offline_access goes on (Core §11)', async () => {
    const browser = new Citizen('https://shop.example/')
    const bound = await scene.party.tokens({}, browser)
    const other = await scene.addParty()
    const offline = await other.tokens({ scope: 'openid offline_access' }, browser)
    const query = new URLSearchParams({ id_token_hint: bound.id_token })
    await browser.submit(await browser.get(new URL(`/logout?${query}`, scene.stage.issuer)), /^yes$/)
    expect((await scene.party.post('/introspect', { token: bound.access_token })).body).toEqual({ active: false })
    expect((await other.refresh(offline.refresh_token)).status).toBe(200)
  })

  it('§2: client_id stands for the hint, and without a place to go she stays with us', async () => {
    const done = await citizen.submit(await logout({ client_id: scene.party.id }), /^yes$/)
    expect([done.status, done.url.origin]).toEqual([200, scene.stage.issuer.origin])
    expect(await isSignedIn()).toBe(false)
  })

  it('§2.1: the metadata names the endpoint', () => {
    expect(scene.as.end_session_endpoint).toBe(`${scene.as.issuer}/logout`)
  })
})
