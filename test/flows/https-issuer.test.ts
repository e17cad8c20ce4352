import { connect } from 'node:net'
import { Agent, buildConnector, type Dispatcher, getGlobalDispatcher, request, setGlobalDispatcher } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { freshPGlite } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage, UPSTREAM } from '../support/stage.ts'

const open = freshPGlite()
const ISSUER = 'https://id.example'

/** As it runs: TLS ends at a proxy, which passes the Host header on (security.md BR-2). */
describe('an https issuer behind a proxy', () => {
  let stage: Stage
  let authorize = ''
  let before: Dispatcher
  beforeAll(async () => {
    stage = await openStage(await open(), { env: { DWAR_ISSUER: ISSUER } })
    stage.simulator.addRedirectUri(UPSTREAM.clientId, `${ISSUER}/callback/digilocker`)
    before = getGlobalDispatcher()
    setGlobalDispatcher(new Agent({ connect: withoutTls(Number(stage.issuer.port)) }))
    const { client_id } = await stage.addClient()
    authorize = `/authorize?${new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })}`
  })
  afterAll(async () => {
    setGlobalDispatcher(before)
    await stage?.close()
  })

  /** Whoever goes to the issuer is behind its proxy already. */
  function withoutTls(port: number): buildConnector.connector {
    const elsewhere = buildConnector({})
    return (options, done) => {
      if (options.hostname !== 'id.example') return elsewhere(options, done)
      const socket = connect(port, '127.0.0.1', () => done(null, socket))
    }
  }

  async function get(target: string, headers: Record<string, string> = {}) {
    const answer = await request(new URL(target, stage.issuer), {
      headers: { host: 'id.example', accept: 'text/html', ...headers },
    })
    const cookies = [answer.headers['set-cookie'] ?? []].flat().map(readCookie)
    return {
      status: answer.statusCode,
      location: String(answer.headers.location),
      cookies,
      text: await answer.body.text(),
    }
  }

  function readCookie(header: string) {
    const [pair = '', ...attributes] = header.split('; ')
    const named = attributes.map((one): [string, string] => {
      const [name = '', value = ''] = one.toLowerCase().split('=')
      return [name, value]
    })
    return { pair, name: pair.split('=')[0] ?? '', attributes: new Map(named) }
  }

  it('sets every cookie for https and this host alone, or for one login of it', async () => {
    const started = await get(authorize)
    expect(started.status).toBe(303)
    const cookie = started.cookies.map(({ pair }) => pair).join('; ')
    const page = await get(`${started.location}?ui_locales=hi`, { cookie })
    expect(page.status).toBe(200)
    const all = [...started.cookies, ...page.cookies, ...(await get('/logout')).cookies]
    const names = [...new Set(all.map(({ name }) => name.replace(/\.sig$/, '')))].toSorted()
    expect(names).toEqual([
      '__Host-dwar_browser',
      '__Host-dwar_locale',
      '__Host-dwar_session',
      '__Secure-dwar_interaction',
      '__Secure-dwar_resume',
    ])
    for (const { name, attributes } of all) {
      expect([name, attributes.has('secure'), attributes.has('httponly'), attributes.get('samesite')]).toEqual([
        name,
        true,
        true,
        'lax',
      ])
      expect(attributes.has('domain')).toBe(false)
      if (name.startsWith('__Host-')) expect(attributes.get('path')).toBe('/')
      else expect(attributes.get('path')).toMatch(/^\/(interaction|authorize)\/[\w-]{40,}$/)
    }
  })

  it('signs a person in, silently the second time, and out', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const answer = await logIn(new URL(authorize, ISSUER), { citizen })
    expect([answer.searchParams.has('code'), answer.searchParams.get('iss')]).toEqual([true, ISSUER])
    const again = await citizen.get(new URL(authorize, ISSUER))
    expect(again.url.searchParams.has('code')).toBe(true)
    const account = await citizen.get(new URL('/account', ISSUER))
    expect(account.html).toContain('Test Shop')
    await citizen.submit(await citizen.get(new URL('/logout', ISSUER)), /^yes$/)
    expect((await citizen.get(new URL(authorize, ISSUER))).url.origin).toBe(ISSUER)
  })

  it('refuses in the language that is asked for, whatever else is wrong', async () => {
    const foreign = await get('/account?ui_locales=hi', { host: 'evil.example' })
    expect([foreign.status, foreign.text.includes('lang="hi"')]).toEqual([421, true])
    expect((await get('/nope?ui_locales=hi')).status).toBe(404)
    expect((await get('/authorize?ui_locales=hi')).status).toBe(400)
  })

  it('says https everywhere, whatever the proxy forgot to say', async () => {
    const { text } = await get('/.well-known/openid-configuration', { 'x-forwarded-proto': 'http' })
    expect(text).toContain(`"token_endpoint":"${ISSUER}/token"`)
    expect(text).not.toContain('http:')
  })
})
