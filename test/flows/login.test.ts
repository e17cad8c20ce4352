import * as client from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, type Stage, signInAtDigiLocker } from '../support/stage.ts'

/** Everything an unchanged, certified client does with us, knowing the issuer's URL, its id and its secret. */
describeOnEachDatabase('a relying app with openid-client', (open) => {
  let stage: Stage
  let config: client.Configuration

  beforeAll(async () => {
    stage = await openStage(await open())
    const { client_id, client_secret } = await stage.addClient()
    config = await client.discovery(stage.issuer, client_id, client_secret, undefined, {
      execute: [client.allowInsecureRequests],
    })
  })
  afterAll(() => stage.close())

  async function prepare(parameters: Record<string, string> = {}) {
    const verifier = client.randomPKCECodeVerifier()
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    }
    const sent = {
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access profile driving_licence pan age_over_18',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      ...parameters,
    }
    return { checks, sent }
  }

  async function signIn(parameters: Record<string, string> = {}, login: Parameters<typeof logIn>[1] = {}) {
    const { checks, sent } = await prepare(parameters)
    const callback = await logIn(client.buildAuthorizationUrl(config, sent), login)
    return client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true })
  }

  it('gets claims from verified documents: code, PKCE, iss, nonce', async () => {
    const tokens = await signIn()
    const sub = tokens.claims()?.sub ?? ''
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub)
    expect(userinfo).toMatchObject({
      sub,
      name: expect.any(String),
      birthdate: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      age_over_18: true,
      driving_licence_status: 'active',
    })
    expect(userinfo.pan_number).toMatch(/^[A-Z]{5}\d{4}[A-Z]$/)
    expect(userinfo).not.toHaveProperty('gender')
    expect(userinfo).not.toHaveProperty('address')
  })

  it('gets optional claims only when the person ticked them', async () => {
    const scope = 'openid profile phone address'
    const ticked = await signIn({ scope, prompt: 'login' }, { share: ['phone_number'] })
    const userinfo = await client.fetchUserInfo(config, ticked.access_token, ticked.claims()?.sub ?? '')
    expect(userinfo).toMatchObject({
      phone_number: expect.stringMatching(/^\+91\d{10}$/),
      phone_number_verified: false,
    })
    expect(userinfo).not.toHaveProperty('address')
  })

  it('gets nothing by a press on a page that another one has overtaken: she is shown what it is about now', async () => {
    const { sent, checks } = await prepare({ scope: 'openid profile' })
    const citizen = new Citizen(REDIRECT_URI)
    const start = await citizen.get(client.buildAuthorizationUrl(config, sent))
    const page = await signInAtDigiLocker(citizen, start, 'asha')
    const again = await citizen.submit(page, /^share$/, [['shown', 'x']])
    expect([again.url.pathname, again.html.includes('so nothing was shared')]).toEqual([page.url.pathname, true])
    const { url: callback } = await citizen.submit(again, /^share$/)
    const tokens = await client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true })
    expect(tokens.access_token).toBeTruthy()
  })

  it('gets verified_claims with evidence, in the place where they were asked for', async () => {
    const claims = {
      userinfo: {
        verified_claims: {
          verification: {
            trust_framework: { value: 'in_digilocker' },
            time: null,
            evidence: [
              {
                type: { value: 'document' },
                check_details: [{ check_method: { value: 'vcrypt' } }],
                document_details: { type: { value: 'driving_permit' }, issuer: { name: null } },
              },
            ],
          },
          claims: { name: null, birthdate: null },
        },
      },
      id_token: { age_over_18: null },
    }
    const tokens = await signIn(
      { scope: 'openid', prompt: 'login', claims: JSON.stringify(claims) },
      { share: ['age_over_18'] },
    )
    expect(tokens.claims()).toMatchObject({ age_over_18: true })
    expect(tokens.claims()).not.toHaveProperty('verified_claims')
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
    expect(userinfo.verified_claims).toMatchObject({
      verification: {
        trust_framework: 'in_digilocker',
        evidence: [
          {
            type: 'document',
            check_details: [{ check_method: 'vcrypt' }],
            document_details: { type: 'driving_permit' },
          },
        ],
      },
      claims: { name: expect.any(String), birthdate: expect.any(String) },
    })
  })

  it('pushes its request (RFC 9126)', async () => {
    const { checks, sent } = await prepare()
    const url = await client.buildAuthorizationUrlWithPAR(config, sent)
    expect([...url.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri'])
    const tokens = await client.authorizationCodeGrant(config, await logIn(url), checks)
    expect(tokens.refresh_token).toBeDefined()
  })

  it('refreshes with rotation; reuse of an old token ends the whole family, access token included', async () => {
    const first = await signIn()
    const second = await client.refreshTokenGrant(config, first.refresh_token ?? '')
    const third = await client.refreshTokenGrant(config, second.refresh_token ?? '')
    expect(new Set([first, second, third].map((tokens) => tokens.refresh_token)).size).toBe(3)
    await expect(client.refreshTokenGrant(config, first.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    await expect(client.refreshTokenGrant(config, third.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    await expect(client.fetchUserInfo(config, third.access_token, client.skipSubjectCheck)).rejects.toMatchObject({
      status: 401,
    })
    expect(await stage.app.events.history({ type: 'token.reused' })).not.toHaveLength(0)
  })

  it('gives a refresh token only for offline_access with consent asked', async () => {
    expect((await signIn({ scope: 'openid pan', prompt: 'login' })).refresh_token).toBeUndefined()
    expect((await signIn({ scope: 'openid pan offline_access', prompt: 'login' })).refresh_token).toBeUndefined()
    expect((await signIn({ scope: 'openid pan offline_access', prompt: 'login consent' })).refresh_token).toBeDefined()
  })

  it('revokes, and introspects its own tokens only', async () => {
    const tokens = await signIn()
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      client_id: config.clientMetadata().client_id,
    })
    const other = await stage.addClient()
    const stranger = await client.discovery(stage.issuer, other.client_id, other.client_secret, undefined, {
      execute: [client.allowInsecureRequests],
    })
    expect(await client.tokenIntrospection(stranger, tokens.access_token)).toEqual({ active: false })
    await client.tokenRevocation(config, tokens.refresh_token ?? '')
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  it('signs the person out (RP-initiated logout): session-bound tokens die, and the next login starts anew', async () => {
    const citizen = new Citizen('https://shop.example/')
    const tokens = await signIn({ scope: 'openid pan', prompt: 'login' }, { citizen })
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://shop.example/bye',
      state: 's1',
    })
    const done = await citizen.submit(await citizen.get(url), /^yes$/)
    expect(done.url.href).toBe('https://shop.example/bye?state=s1')
    await expect(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck)).rejects.toMatchObject({
      status: 401,
    })
    const { sent } = await prepare({ scope: 'openid pan', prompt: 'none' })
    const silent = await citizen.get(client.buildAuthorizationUrl(config, sent))
    expect(silent.url.searchParams.get('error')).toBe('login_required')
  })

  it('signs a known person in silently for the very request she agreed to, and asks again for any other', async () => {
    const citizen = new Citizen(REDIRECT_URI)
    const tokens = await signIn({ scope: 'openid pan', prompt: 'login' }, { citizen })
    const silently = async (scope: string, claims?: object) => {
      const { checks, sent } = await prepare({
        scope,
        prompt: 'none',
        ...(claims && { claims: JSON.stringify(claims) }),
      })
      const { url } = await citizen.get(client.buildAuthorizationUrl(config, sent))
      return { url, checks }
    }
    const { url, checks } = await silently('openid pan')
    const again = await client.authorizationCodeGrant(config, url, checks)
    expect(again.claims()?.sub).toBe(tokens.claims()?.sub)
    expect((await silently('openid pan profile')).url.searchParams.get('error')).toBe('consent_required')
    const verified = {
      userinfo: { verified_claims: { verification: { trust_framework: null }, claims: { name: null } } },
    }
    expect((await silently('openid pan', verified)).url.searchParams.get('error')).toBe('consent_required')
  })

  it('knows a person by one subject at one app and by another at the next', async () => {
    const [first, second] = [await signIn(), await signIn()]
    expect(first.claims()?.sub).toBe(second.claims()?.sub)
    const other = await stage.addClient({ redirect_uris: ['https://bank.example/callback'] })
    const bank = await client.discovery(stage.issuer, other.client_id, other.client_secret, undefined, {
      execute: [client.allowInsecureRequests],
    })
    const { checks, sent } = await prepare({ redirect_uri: 'https://bank.example/callback' })
    const callback = await logIn(client.buildAuthorizationUrl(bank, sent), { redirectUri: 'https://bank.example/' })
    const tokens = await client.authorizationCodeGrant(bank, callback, checks)
    expect(tokens.claims()?.sub).not.toBe(first.claims()?.sub)
  })

  it.each(['RS256', 'ES256', 'EdDSA'])('signs ID tokens with %s', async (alg) => {
    const other = await stage.addClient({ id_token_signed_response_alg: alg })
    const configured = await client.discovery(
      stage.issuer,
      other.client_id,
      { client_secret: other.client_secret, id_token_signed_response_alg: alg },
      undefined,
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    )
    const { checks, sent } = await prepare()
    const callback = await logIn(client.buildAuthorizationUrl(configured, sent))
    const tokens = await client.authorizationCodeGrant(configured, callback, checks)
    expect(JSON.parse(Buffer.from(tokens.id_token?.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({ alg })
  })
})
