import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { DigiLockerSettings } from '../../../src/rails/digilocker/settings.ts'
import type { RailRequest, RailStep } from '../../../src/rails/rail.ts'
import { need, REQUEST, rig, Upstream } from './upstream.ts'

const upstream = new Upstream()
await upstream.start()
afterAll(() => upstream.close())

async function begin(settings: Partial<DigiLockerSettings> = {}, request: Partial<RailRequest> = {}) {
  const { rail } = rig(upstream, { settings })
  const step = (await rail.begin({ ...REQUEST, ...request })) as Extract<RailStep, { kind: 'redirect' }>
  return { step, query: step.url.searchParams, state: step.state as Record<string, string> }
}

describe('DigiLocker authorize request — digilocker-api.md §4', () => {
  it('sends the browser to the configured authorize version', async () => {
    const { step } = await begin({ baseUrl: new URL('https://up.test'), authorizeVersion: 2 })
    expect(step.url.origin + step.url.pathname).toBe('https://up.test/public/oauth2/2/authorize')
  })

  it('keeps the browser on the configured host and our calls on another, where they differ', async () => {
    const { step } = await begin({ browserBaseUrl: new URL('https://seen.test/dl/') })
    expect(step.url.origin + step.url.pathname).toBe('https://seen.test/dl/public/oauth2/1/authorize')
  })

  it('carries state and redirect_uri exactly, and asks for a code', async () => {
    const { query } = await begin()
    expect(Object.fromEntries(query)).toMatchObject({
      response_type: 'code',
      client_id: 'ABCDEFGH',
      redirect_uri: 'https://op.test/callback/digilocker',
      state: REQUEST.correlation,
    })
  })

  it('sends the S256 challenge of a verifier that stays in the state — RFC 7636 §4', async () => {
    const { query, state } = await begin()
    expect(state.codeVerifier).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(query.get('code_challenge')).toBe(
      createHash('sha256')
        .update(state.codeVerifier ?? '')
        .digest('base64url'),
    )
    expect(query.get('code_challenge_method')).toBe('S256')
    expect(query.toString()).not.toContain(state.codeVerifier)
  })

  it('asks for no scope of documents where none is needed, and never for none at all', async () => {
    const scopes = ['userdetails', 'files.issueddocs', 'files.uploadeddocs', 'picture']
    const scopeOf = async (settings: { scopes: string[] }, needs: RailRequest['needs']) =>
      (await begin(settings, { needs })).query.get('scope')
    expect(await scopeOf({ scopes }, [])).toBe('userdetails picture')
    expect(await scopeOf({ scopes }, [need('PANCR')])).toBe(scopes.join(' '))
    expect(await scopeOf({ scopes: ['files.issueddocs'] }, [])).toBe('files.issueddocs')
    expect(await scopeOf({ scopes: [] }, [])).toBeNull()
  })

  it('makes a new verifier for every journey', async () => {
    const [one, two] = [await begin(), await begin()]
    expect(one.state.codeVerifier).not.toBe(two.state.codeVerifier)
  })

  it('remembers plain JSON: verifier, redirect URI and needs', async () => {
    const { state } = await begin({}, { needs: [need('ADHAR', 'DRVLC')] })
    expect(JSON.parse(JSON.stringify(state))).toEqual({
      codeVerifier: expect.any(String),
      redirectUri: 'https://op.test/callback/digilocker',
      needs: [{ anyOf: ['ADHAR', 'DRVLC'] }],
    })
  })

  it.each([
    ['punctuation', 'Age-check (18+) & more!', 'Age check 18 more'],
    ['accents', 'Café Élan', 'Cafe Elan'],
    ['another script beside Latin', 'आयु Age', 'Age'],
    ['what is taken already', 'kyc_2 Check', 'kyc_2 Check'],
    ['a line break', 'Age\r\ncheck', 'Age check'],
  ])('narrows purpose and service_name to the characters DigiLocker takes: %s', async (_case, given, sent) => {
    const { query } = await begin({}, { purpose: given, serviceName: given })
    expect([query.get('purpose'), query.get('service_name')]).toEqual([sent, sent])
  })

  it.each([
    ['purpose', { purpose: 'आयु' }],
    ['service_name', { serviceName: '!!!' }],
    ['purpose of blanks', { purpose: ' _ ' }],
  ])('refuses a %s that would be emptied', async (_case, request) => {
    await expect(begin({}, request)).rejects.toThrow(expect.objectContaining({ code: 'RAIL_MISCONFIGURED' }))
  })

  it('names in req_doctype only what is needed and approved, each once', async () => {
    const needs = [need('ADHAR', 'DRVLC'), need('DRVLC'), need('RVCER')]
    const { query } = await begin({ approvedDoctypes: ['DRVLC', 'ADHAR', 'PANCR'] }, { needs })
    expect(query.get('req_doctype')).toBe('ADHAR,DRVLC')
  })

  it('leaves req_doctype out when nothing needed is approved', async () => {
    const { query } = await begin({ approvedDoctypes: ['PANCR'] }, { needs: [need('RVCER')] })
    expect(query.has('req_doctype')).toBe(false)
  })

  it('sends no scope unless configured', async () => {
    expect((await begin()).query.has('scope')).toBe(false)
    const { query } = await begin({ scopes: ['openid', 'files.issueddocs'] }, { needs: [need('PANCR')] })
    expect(query.get('scope')).toBe('openid files.issueddocs')
  })

  it('asks for a fresh sign-in when the relying app does', async () => {
    expect((await begin()).query.has('prompt')).toBe(false)
    expect((await begin({}, { freshLogin: true })).query.get('prompt')).toBe('login')
  })

  it('asks for a limited consent when configured, in epoch seconds', async () => {
    const { query } = await begin({ consentSeconds: 3600 })
    expect(query.get('consent_valid_till')).toBe('1768003600')
  })

  it('adds and drops optional parameters as this partner needs', async () => {
    const settings = { extraParameters: { pla: 'Y', purpose: 'verification' }, droppedParameters: ['service_name'] }
    const { query } = await begin(settings)
    expect([query.get('pla'), query.get('purpose'), query.has('service_name')]).toEqual(['Y', 'verification', false])
  })

  it('takes what an app has different over what the partner has, and drops what either drops', async () => {
    const settings = { extraParameters: { pla: 'Y', acr: 'aadhaar' }, droppedParameters: ['amr'] }
    const overrides = {
      add: { acr: 'pan driving_licence', amr: 'mobile', dl_flow: 'signin', prompt: 'login_mobile', purpose: 'kyc' },
      drop: ['pla', 'req_doctype'],
      service_name: 'Scooters of Pune',
    }
    const { query } = await begin(
      { ...settings, approvedDoctypes: ['DRVLC'] },
      { overrides, needs: [need('DRVLC')], freshLogin: true },
    )
    expect(Object.fromEntries(query)).toMatchObject({
      acr: 'pan driving_licence',
      dl_flow: 'signin',
      prompt: 'login_mobile',
      purpose: 'kyc',
      service_name: 'Scooters of Pune',
    })
    expect(['pla', 'req_doctype', 'amr'].filter((name) => query.has(name))).toEqual([])
  })

  it('keeps a request as it is for an app that has nothing different', async () => {
    const { query } = await begin({ extraParameters: { pla: 'Y' } }, { overrides: {} })
    expect([query.get('pla'), query.get('service_name')]).toEqual(['Y', REQUEST.serviceName])
  })

  it.each([
    ['state', { add: { state: 'oidc_flow' } }],
    ['the redirect URI', { add: { redirect_uri: 'https://evil.test/' } }],
    ['PKCE', { drop: ['code_challenge'] }],
    ['the client', { add: { client_id: 'OTHER' } }],
    ['a person’s number', { add: { verified_mobile: '9000000001' } }],
    ['a value that hides another parameter', { add: { acr: 'pan&state=x' } }],
    ['the new sign-in that the app asks for', { drop: ['prompt'] }],
  ])('sends nobody anywhere when a row of the database has an app change %s', async (_case, overrides) => {
    await expect(begin({}, { overrides })).rejects.toThrow(expect.objectContaining({ code: 'RAIL_MISCONFIGURED' }))
  })

  it('sends no nonce unless the partner has seen it echoed', async () => {
    expect((await begin()).query.has('nonce')).toBe(false)
    const idToken = { issuers: ['https://up.test'], keys: { mode: 'tls-only' as const }, nonce: true }
    const { query, state } = await begin({ idToken })
    expect(query.get('nonce')).toBe(state.nonce)
    expect(state.nonce).toMatch(/^[\w-]{43}$/)
  })
})
