import { connect } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshPostgres } from '../support/databases.ts'
import { addRelyingApp, type RelyingApp } from '../support/relying-app.ts'
import { logIn, openStage, type Stage } from '../support/stage.ts'

const HOSTILE = [
  ...[
    '\u0000',
    'a\u0000b',
    '%',
    '\uFFFF',
    '😀',
    '\u202E',
    '"',
    '<script>',
    '\r\nX-Injected: 1',
    ' ',
    'a b c',
    'x'.repeat(3000),
  ],
  ...['__proto__', 'constructor', '[]', '{}', 'null', '-1', '1e999', '99999999999999999999', '../..', 'http://['],
  ...[
    'javascript:alert(1)',
    'urn:ietf:params:oauth:request_uri:',
    'urn:ietf:params:oauth:request_uri:\u0000',
    'query.jwt',
  ],
]
const AUTHORIZE = [
  ...['client_id', 'redirect_uri', 'response_type', 'scope', 'prompt', 'state', 'nonce', 'code_challenge', 'claims'],
  ...['code_challenge_method', 'acr_values', 'id_token_hint', 'login_hint', 'max_age', 'request', 'request_uri'],
  ...['response_mode', 'ui_locales', 'resource', 'dpop_jkt', 'posted_request'],
]
const FORMS = [
  ...[
    'client_id',
    'client_secret',
    'grant_type',
    'code',
    'code_verifier',
    'refresh_token',
    'scope',
    'resource',
    'token',
  ],
  ...[
    'client_assertion',
    'client_assertion_type',
    'token_type_hint',
    'access_token',
    'xsrf',
    'csrf',
    'client',
    'request',
  ],
  ...['id_token_hint', 'post_logout_redirect_uri'],
]
const PATHS = [
  ...['/token', '/par', '/introspect', '/revoke', '/userinfo', '/logout', '/logout/confirm', '/account/withdraw'],
  ...['/interaction/x/start', '/interaction/x/consent', '/interaction/x/return', '/interaction/x/again'],
  ...['/interaction/x/pull/DRVLC', '/callback/digilocker', '/authorize'],
]

describe('What strangers may send — security.md OP-10, SE-7', () => {
  const open = freshPostgres()
  let stage: Stage
  let app: RelyingApp
  beforeAll(async () => {
    stage = await openStage(await open())
    app = await addRelyingApp(stage, { token_endpoint_auth_method: 'none' }, () => () => undefined)
  })
  afterAll(() => stage?.close())

  /** A request as a program of an attacker writes it: no client library would. */
  const send = (target: string, host = stage.issuer.host) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const socket = connect(Number(stage.issuer.port), 'localhost')
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', reject)
      socket.on('close', () => resolve({ status: Number(text.split(' ')[1]), text }))
      socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    })

  it.each([
    'http://evil.example/.well-known/openid-configuration',
    'https://evil.example/.well-known/openid-configuration',
  ])('refuses a request line that names another place: %s', async (target) => {
    const answer = await send(target)
    expect(answer.status).toBe(421)
    expect(answer.text).not.toContain('evil')
  })

  it('takes a request line that names this issuer for what it is (RFC 9112 §3.2.2)', async () => {
    const answer = await send(`${stage.issuer.origin}/.well-known/openid-configuration`)
    expect(answer.status).toBe(200)
    expect(answer.text).toContain(`"authorization_endpoint":"${stage.issuer.origin}/authorize"`)
    expect((await send('/jwks', 'evil.example')).status).toBe(421)
    expect((await send('/jwks', `${stage.issuer.host}\r\nHost: evil.example`)).status).toBe(421)
  })

  it.each(['//token', '/%74oken', '/token//', '/token;x', '/./token'])(
    'finds no endpoint that its limits would not know: %s',
    async (target) => expect((await send(target)).status).toBe(404),
  )

  it('refuses a request object that is nested too deep, before it is copied', async () => {
    const levels = 8000
    const claims = `${'['.repeat(levels)}${']'.repeat(levels)}`
    const deep = `{"client_id":"${app.client.client_id}","claims":{"id_token":${claims}}}`
    const request = [JSON.stringify({ alg: 'ES256' }), deep, 'x'].map((part) => Buffer.from(part).toString('base64url'))
    const body = new URLSearchParams({ client_id: app.client.client_id, request: request.join('.') })
    const pushed = await fetch(new URL('/par', stage.issuer), { method: 'POST', body })
    expect([pushed.status, await pushed.json()]).toMatchObject([400, { error: 'invalid_request_object' }])
    const shown = await fetch(new URL(await posted(body), stage.issuer), { headers: { accept: 'text/html' } })
    expect([shown.status, shown.headers.get('x-oauth-error')]).toEqual([400, 'invalid_request_object'])
  })

  it('keeps no name of a claim that it does not know', async () => {
    const claims = { id_token: { 'asha@mail.example': null, acr: null }, userinfo: { phone_number_verified: null } }
    const { parameters } = await app.request({ claims: JSON.stringify(claims), scope: 'openid', prompt: 'consent' })
    expect((await logIn(app.authorizeUrl(parameters))).searchParams.has('code')).toBe(true)
    const { rows } = await sql<{ text: string }>`select g::text as text from oidc_grant g`.execute(stage.database.db())
    expect(rows.map(({ text }) => text).join()).toContain('phone_number_verified')
    expect(rows.map(({ text }) => text).join()).not.toContain('asha@mail')
  })

  /** @returns what is wrong with the answer to it, if anything */
  async function judge(target: string, init: RequestInit): Promise<string[]> {
    const headers = { accept: 'text/html', ...init.headers }
    const answer = await fetch(new URL(target, stage.issuer), { ...init, headers, redirect: 'manual' })
    const text = await answer.text()
    const location = answer.headers.get('location') ?? ''
    return [
      ...(answer.status >= 500 || location.includes('server_error') ? [`is a failure of ours: ${answer.status}`] : []),
      ...(text.includes('<script>') && !text.includes('Submitting Callback') ? ['holds the script'] : []),
      ...(answer.headers.has('x-injected') ? ['has a header of theirs'] : []),
    ]
  }

  /** Where a posted request is served. */
  async function posted(body: URLSearchParams): Promise<string> {
    const kept = await fetch(new URL('/authorize', stage.issuer), { method: 'POST', body, redirect: 'manual' })
    expect(kept.status).toBe(303)
    return kept.headers.get('location') ?? ''
  }

  it.each(AUTHORIZE)('answers %s at /authorize and /par whatever it holds, alone and twice', async (name) => {
    const faults: string[] = []
    for (const value of HOSTILE) {
      const { parameters } = await app.request({ [name]: value })
      const told = [
        ...(await judge(`/authorize?${parameters}`, {})),
        ...(await judge('/par', { method: 'POST', body: parameters })),
        ...(await judge(`/authorize?${parameters}&${name}=again`, {})),
        ...(await judge(await posted(parameters), {})),
      ]
      faults.push(...told.map((fault) => `${JSON.stringify(value).slice(0, 40)} ${fault}`))
    }
    expect(faults).toEqual([])
  })

  it.each(PATHS)('answers forms at %s whatever they hold', async (target) => {
    const faults: string[] = []
    for (const name of FORMS)
      for (const value of HOSTILE) {
        const form = { client_id: app.client.client_id, grant_type: 'refresh_token', refresh_token: 'x', token: 'x' }
        const body = new URLSearchParams({ ...form, [name]: value })
        const told = await judge(target, { method: 'POST', body })
        faults.push(...told.map((fault) => `${name}=${JSON.stringify(value).slice(0, 40)} ${fault}`))
      }
    expect(faults).toEqual([])
  })
})
