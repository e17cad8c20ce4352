import { type CryptoKey, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Citizen } from '../support/citizen.ts'
import { describeOnEachDatabase } from '../support/databases.ts'
import { logIn, openStage, REDIRECT_URI, registration, type Stage } from '../support/stage.ts'

const insecure = { [oauth.allowInsecureRequests]: true }
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const SCOPE = 'openid offline_access profile pan'

/** A client of ours as a strict second implementation sees it: every answer goes through its validation. */
describeOnEachDatabase('every answer, validated with oauth4webapi', (open) => {
  let stage: Stage
  let as: oauth.AuthorizationServer
  let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
  /** authenticates by secret, and by key */
  let post: App
  let key: App

  interface App {
    readonly client: oauth.Client
    readonly auth: oauth.ClientAuth
    readonly secret: string
  }

  beforeAll(async () => {
    stage = await openStage(await open())
    keys = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1' }] }
    as = await oauth.processDiscoveryResponse(stage.issuer, await oauth.discoveryRequest(stage.issuer, insecure))
    post = await addApp({ token_endpoint_auth_method: 'client_secret_post' }, oauth.ClientSecretPost)
    key = await addApp(
      { token_endpoint_auth_method: 'private_key_jwt', jwks, id_token_signed_response_alg: 'ES256' },
      () => oauth.PrivateKeyJwt({ key: keys.privateKey, kid: 'k1' }),
    )
  })
  afterAll(() => stage.close())

  async function addApp(
    change: Record<string, unknown>,
    authenticate: (secret: string) => oauth.ClientAuth,
  ): Promise<App> {
    const { client_id, client_secret } = await stage.addClient(change)
    const alg = change.id_token_signed_response_alg ?? 'RS256'
    const client = { client_id, id_token_signed_response_alg: String(alg) }
    return { client, auth: authenticate(client_secret), secret: client_secret }
  }

  async function request({ client }: App, change: Record<string, string | undefined> = {}) {
    const verifier = oauth.generateRandomCodeVerifier()
    const all = {
      client_id: client.client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: SCOPE,
      prompt: 'consent',
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...change,
    }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return { verifier, parameters: new URLSearchParams(given) }
  }

  const authorizeUrl = (parameters: URLSearchParams) => new URL(`${as.authorization_endpoint}?${parameters}`)

  /** @returns the code, proven to come from us for this state */
  async function authorized(app: App, change: Record<string, string | undefined> = {}) {
    const { verifier, parameters } = await request(app, change)
    const back = await logIn(authorizeUrl(parameters))
    const callback = oauth.validateAuthResponse(as, app.client, back, parameters.get('state') ?? oauth.expectNoState)
    return { callback, verifier, parameters }
  }

  const exchange = (app: App, callback: URLSearchParams, verifier: string | typeof oauth.nopkce) =>
    oauth.authorizationCodeGrantRequest(as, app.client, app.auth, callback, REDIRECT_URI, verifier, insecure)

  it('publishes what it does and nothing else (OpenID Connect Discovery §3)', () => {
    expect(as).toMatchObject({
      issuer: stage.issuer.origin,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      subject_types_supported: ['pairwise', 'public'],
      authorization_response_iss_parameter_supported: true,
      claims_parameter_supported: true,
      trust_frameworks_supported: ['in_digilocker'],
    })
    expect(as.token_endpoint_auth_methods_supported?.toSorted()).toEqual([
      'client_secret_basic',
      'client_secret_post',
      'none',
      'private_key_jwt',
    ])
    expect(as.token_endpoint_auth_signing_alg_values_supported?.filter((alg) => alg.startsWith('HS'))).toEqual([])
    expect(as.id_token_signing_alg_values_supported?.toSorted()).toEqual(['ES256', 'EdDSA', 'RS256'])
    expect(as.grant_types_supported?.toSorted()).toEqual(['authorization_code', 'refresh_token'])
  })

  describe.each<[string, () => App]>([
    ['client_secret_post', () => post],
    ['private_key_jwt', () => key],
  ])('with %s', (_method, app) => {
    it('pushes a request, and answers with a valid code, ID token, userinfo, refresh and introspection', async () => {
      const { client, auth } = app()
      const { verifier, parameters } = await request(app())
      const pushed = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, insecure)
      const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)
      const back = await logIn(authorizeUrl(new URLSearchParams({ client_id: client.client_id, request_uri })))
      const callback = oauth.validateAuthResponse(as, client, back, parameters.get('state') ?? '')
      const response = await exchange(app(), callback, verifier)
      expect(response.headers.get('cache-control')).toBe('no-store')
      const expectedNonce = parameters.get('nonce') ?? ''
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
        expectedNonce,
        requireIdToken: true,
      })
      await oauth.validateApplicationLevelSignature(as, response, insecure)
      const { sub } = oauth.getValidatedIdTokenClaims(tokens) ?? { sub: '' }

      const userinfo = await oauth.userInfoRequest(as, client, tokens.access_token, insecure)
      expect(await oauth.processUserInfoResponse(as, client, sub, userinfo)).toMatchObject({
        sub,
        pan_number: expect.any(String),
      })

      const refreshed = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token ?? '', insecure)
      const second = await oauth.processRefreshTokenResponse(as, client, refreshed)
      await oauth.validateApplicationLevelSignature(as, refreshed, insecure)
      expect(oauth.getValidatedIdTokenClaims(second)?.sub).toBe(sub)

      const introspected = await oauth.introspectionRequest(as, client, auth, second.access_token, insecure)
      expect(await oauth.processIntrospectionResponse(as, client, introspected)).toMatchObject({
        active: true,
        client_id: client.client_id,
      })
      const revoked = await oauth.revocationRequest(as, client, auth, second.refresh_token ?? '', insecure)
      await oauth.processRevocationResponse(revoked)
      const after = await oauth.introspectionRequest(as, client, auth, second.access_token, insecure)
      expect(await oauth.processIntrospectionResponse(as, client, after)).toEqual({ active: false })
    })
  })

  it('says errors as the specifications want them: invalid_grant, invalid_client, invalid_token', async () => {
    const used = await authorized(post)
    await oauth.processAuthorizationCodeResponse(as, post.client, await exchange(post, used.callback, used.verifier), {
      expectedNonce: used.parameters.get('nonce') ?? '',
    })
    const again = oauth.processAuthorizationCodeResponse(
      as,
      post.client,
      await exchange(post, used.callback, used.verifier),
    )
    await expect(again).rejects.toMatchObject({ code: oauth.RESPONSE_BODY_ERROR, error: 'invalid_grant', status: 400 })
    const stale = oauth.refreshTokenGrantRequest(as, post.client, post.auth, 'never-given', insecure)
    await expect(
      stale.then((answer) => oauth.processRefreshTokenResponse(as, post.client, answer)),
    ).rejects.toMatchObject({ error: 'invalid_grant' })
    const stranger = { ...post, auth: oauth.ClientSecretPost('not-the-secret') }
    const refused = oauth.refreshTokenGrantRequest(as, post.client, stranger.auth, 'never-given', insecure)
    await expect(
      refused.then((answer) => oauth.processRefreshTokenResponse(as, post.client, answer)),
    ).rejects.toMatchObject({ error: 'invalid_client', status: 401 })
    const userinfo = oauth.userInfoRequest(as, post.client, 'never-given', insecure)
    await expect(
      userinfo.then((answer) => oauth.processUserInfoResponse(as, post.client, oauth.skipSubjectCheck, answer)),
    ).rejects.toMatchObject({
      code: oauth.WWW_AUTHENTICATE_CHALLENGE,
      cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
    })
  })

  it('never lets another client use a code or a refresh token', async () => {
    const other = await addApp({ token_endpoint_auth_method: 'client_secret_post' }, oauth.ClientSecretPost)
    const { callback, verifier, parameters } = await authorized(post)
    const stolen = await oauth.authorizationCodeGrantRequest(
      as,
      other.client,
      other.auth,
      callback,
      REDIRECT_URI,
      verifier,
      insecure,
    )
    expect([stolen.status, await stolen.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
    const own = await oauth.processAuthorizationCodeResponse(
      as,
      post.client,
      await exchange(post, callback, verifier),
      {
        expectedNonce: parameters.get('nonce') ?? '',
      },
    )
    const stolenToken = await oauth.refreshTokenGrantRequest(
      as,
      other.client,
      other.auth,
      own.refresh_token ?? '',
      insecure,
    )
    expect([stolenToken.status, await stolenToken.json()]).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_grant' }),
    ])
  })

  describe('PKCE — RFC 7636, RFC 9700 §2.1.1', () => {
    it.each<[string, Record<string, string | undefined>]>([
      ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
      ['the method plain', { code_challenge_method: 'plain' }],
      ['no method, which would mean plain', { code_challenge_method: undefined }],
      ['an unknown method', { code_challenge_method: 'S512' }],
      ['a challenge that is too short', { code_challenge: 'c'.repeat(42) }],
      ['a challenge that is too long', { code_challenge: 'c'.repeat(129) }],
      ['a challenge of other letters', { code_challenge: `${'c'.repeat(42)}!` }],
    ])('refuses a request with %s', async (_case, change) => {
      const { url } = await new Citizen(REDIRECT_URI).get(authorizeUrl((await request(post, change)).parameters))
      expect(url.searchParams.get('error')).toBe('invalid_request')
      expect(url.searchParams.get('iss')).toBe(stage.issuer.origin)
      expect(url.searchParams.has('code')).toBe(false)
    })

    it('refuses no, another and a short verifier, and none of them spends the code', async () => {
      const { callback, verifier, parameters } = await authorized(post)
      for (const wrong of [
        oauth.nopkce,
        oauth.generateRandomCodeVerifier(),
        'v'.repeat(42),
        parameters.get('code_challenge') ?? '',
      ] as const) {
        const answer = await exchange(post, callback, wrong)
        expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
          400,
          expect.stringMatching(/^invalid_(grant|request)$/),
        ])
      }
      expect((await exchange(post, callback, verifier)).status).toBe(200)
    })

    it('refuses a verifier for a code that had no challenge: an exempt client is not a way around', async () => {
      const exempt = await addApp(
        { token_endpoint_auth_method: 'client_secret_post', dwar: { ...registration.dwar, profile: 'legacy' } },
        oauth.ClientSecretPost,
      )
      const bare = { code_challenge: undefined, code_challenge_method: undefined }
      const downgraded = await authorized(exempt, bare)
      const answer = await exchange(exempt, downgraded.callback, downgraded.verifier)
      expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_grant' })])
      const plain = await authorized(exempt, bare)
      expect((await exchange(exempt, plain.callback, oauth.nopkce)).status).toBe(200)
    })
  })

  describe('private_key_jwt — RFC 7523 §3', () => {
    type Change = {
      readonly claims?: Record<string, unknown>
      readonly alg?: string
      readonly by?: CryptoKey | Uint8Array
      readonly typ?: string
    }

    const now = () => Math.floor(Date.now() / 1000)

    function assertionClaims(change: Record<string, unknown> = {}) {
      const id = key.client.client_id
      const claims = {
        iss: id,
        sub: id,
        aud: stage.issuer.origin,
        iat: now(),
        exp: now() + 50,
        jti: crypto.randomUUID(),
        ...change,
      }
      return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
    }

    const assertion = ({ claims, alg = 'ES256', by = keys.privateKey, typ }: Change = {}) =>
      new SignJWT(assertionClaims(claims)).setProtectedHeader({ alg, ...(typ && { typ }) }).sign(by)

    async function present(client_assertion: string, clientId = key.client.client_id) {
      const form = {
        client_id: clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion,
        token: 'never-given',
      }
      const answer = await fetch(as.introspection_endpoint ?? '', { method: 'POST', body: new URLSearchParams(form) })
      return [answer.status, ((await answer.json()) as { error?: string }).error]
    }

    it.each(['JWT', 'client-authentication+jwt'])('takes the type %s', async (typ) => {
      expect(await present(await assertion({ typ }))).toEqual([200, undefined])
    })

    it('takes a good assertion, once', async () => {
      const good = await assertion()
      expect(await present(good)).toEqual([200, undefined])
      expect(await present(good)).toEqual([401, 'invalid_client'])
    })

    it.each<[string, () => Change]>([
      ['an array as audience', () => ({ claims: { aud: [stage.issuer.origin] } })],
      ['the token endpoint as audience', () => ({ claims: { aud: as.token_endpoint } })],
      ['another issuer as audience', () => ({ claims: { aud: 'https://other.example' } })],
      ['no audience', () => ({ claims: { aud: undefined } })],
      ['no jti', () => ({ claims: { jti: undefined } })],
      ['no expiry', () => ({ claims: { exp: undefined } })],
      ['an end in the past', () => ({ claims: { exp: now() - 60 } })],
      ['an end an hour ahead', () => ({ claims: { exp: now() + 3600 } })],
      ['a beginning in the future', () => ({ claims: { nbf: now() + 60 } })],
      ['the type of a request object, which has passed through a browser', () => ({ typ: 'oauth-authz-req+jwt' })],
      ['the type of a DPoP proof', () => ({ typ: 'dpop+jwt' })],
      ['another client as issuer', () => ({ claims: { iss: post.client.client_id } })],
    ])('refuses an assertion with %s', async (_case, change) => {
      expect(await present(await assertion(change()))).toEqual([401, 'invalid_client'])
    })

    /** What no library of ours would sign. */
    async function handmade(header: object, payload: string): Promise<string> {
      const input = [JSON.stringify({ alg: 'ES256', ...header }), payload].map((part) =>
        Buffer.from(part).toString('base64url'),
      )
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
      const signature = await crypto.subtle.sign(algorithm, keys.privateKey, Buffer.from(input.join('.')))
      return [...input, Buffer.from(signature).toString('base64url')].join('.')
    }

    it('refuses an assertion that is nested too deep, whoever signed it', async () => {
      const claims = JSON.stringify(assertionClaims())
      const deep = `${claims.slice(0, -1)},"more":${'['.repeat(15_000)}${']'.repeat(15_000)}}`
      expect(await present(await handmade({}, claims))).toEqual([200, undefined])
      expect(await present(await handmade({}, deep))).toEqual([401, 'invalid_client'])
    })

    it('refuses an assertion that calls its payload unencoded (RFC 7797 §7)', async () => {
      for (const header of [{ b64: false }, { b64: false, crit: ['b64'] }])
        expect(await present(await handmade(header, JSON.stringify(assertionClaims())))).toEqual([
          401,
          'invalid_client',
        ])
    })

    it('refuses another client as subject', async () => {
      const [status, error] = await present(await assertion({ claims: { sub: post.client.client_id } }))
      expect([
        [400, 'invalid_request'],
        [401, 'invalid_client'],
      ]).toContainEqual([status, error])
    })

    it('refuses another key, HS256 with the public key, and alg none', async () => {
      const stranger = await generateKeyPair('ES256')
      expect(await present(await assertion({ by: stranger.privateKey }))).toEqual([401, 'invalid_client'])
      const publicKey = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))
      expect(await present(await assertion({ alg: 'HS256', by: publicKey }))).toEqual([401, 'invalid_client'])
      const id = key.client.client_id
      const none = new UnsecuredJWT(assertionClaims()).setIssuer(id).encode()
      expect(await present(none)).toEqual([401, 'invalid_client'])
    })

    it('refuses a client that has a secret and signs with it (client_secret_jwt), and one that posts it when it must sign', async () => {
      const { client_id: id } = post.client
      const claims = { iss: id, sub: id }
      expect(
        await present(await assertion({ claims, alg: 'HS256', by: new TextEncoder().encode(post.secret) }), id),
      ).toEqual([401, 'invalid_client'])
      const form = { client_id: key.client.client_id, client_secret: 'anything', token: 'never-given' }
      const answer = await fetch(as.introspection_endpoint ?? '', { method: 'POST', body: new URLSearchParams(form) })
      expect(answer.status).toBe(401)
    })
  })

  describe('redirect URIs are compared as strings — RFC 9700 §2.1', () => {
    it.each([
      ['capitals in the host', 'https://SHOP.example/callback'],
      ['capitals in the path', 'https://shop.example/Callback'],
      ['a trailing slash', 'https://shop.example/callback/'],
      ['an added query', 'https://shop.example/callback?next=1'],
      ['an empty query', 'https://shop.example/callback?'],
      ['a fragment', 'https://shop.example/callback#here'],
      ['an encoded slash', 'https://shop.example%2fcallback'],
      ['an encoded letter', 'https://shop.example/%63allback'],
      ['a path behind', 'https://shop.example/callback/../evil'],
      ['a dot segment', 'https://shop.example/./callback'],
      ['its host as a user', 'https://shop.example@evil.example/callback'],
      ['a user', 'https://user@shop.example/callback'],
      ['its host as a label', 'https://shop.example.evil.example/callback'],
      ['a dot behind the host', 'https://shop.example./callback'],
      ['another port', 'https://shop.example:8443/callback'],
      ['the default port, spelt out', 'https://shop.example:443/callback'],
      ['http', 'http://shop.example/callback'],
      ['no scheme', '//evil.example/callback'],
      ['a path alone', '/callback'],
      ['a backslash', 'https://evil.example\\@shop.example/callback'],
      ['a tab', 'https://shop.example/\tcallback'],
      ['a space behind', 'https://shop.example/callback '],
      ['a script', 'javascript:alert(1)//https://shop.example/callback'],
      ['a loopback address', 'http://127.0.0.1/callback'],
      ['nothing', ''],
      ['two in one', `${REDIRECT_URI} https://evil.example/`],
    ])('never redirects to %s', async (_case, redirect_uri) => {
      const { parameters } = await request(post, { redirect_uri })
      const answer = await fetch(authorizeUrl(parameters), { redirect: 'manual', headers: { accept: 'text/html' } })
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
      // Shown to the developer beside what is registered, and nothing that a browser or a finger could follow.
      expect(await answer.text()).not.toMatch(/(?:href|src|action|content)="[^"]*evil\.example/i)
      expect(answer.headers.get('refresh')).toBeNull()
      const pushed = await oauth.pushedAuthorizationRequest(as, post.client, post.auth, parameters, insecure)
      expect([pushed.status, ((await pushed.json()) as { error: string }).error]).toEqual([400, 'invalid_request'])
    })

    it('never redirects when it is missing', async () => {
      const { parameters } = await request(post, { redirect_uri: undefined })
      const answer = await fetch(authorizeUrl(parameters), { redirect: 'manual' })
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    })
  })

  describe('requests that break a rule', () => {
    /** What the app is told, through its redirect URI. */
    async function refused(change: Record<string, string | undefined>) {
      const { parameters } = await request(post, change)
      const { url, status } = await new Citizen(REDIRECT_URI).get(authorizeUrl(parameters))
      expect([url.href.startsWith(REDIRECT_URI), status]).toEqual([true, 0])
      expect(url.searchParams.get('iss')).toBe(stage.issuer.origin)
      expect(url.searchParams.get('state')).toBe(parameters.get('state'))
      return { error: url.searchParams.get('error'), description: url.searchParams.get('error_description') ?? '' }
    }

    it.each(['token', 'id_token', 'code token', 'code id_token', 'code id_token token', 'none', 'CODE'])(
      'refuses the response type %s: the code flow alone',
      async (response_type) => {
        const { parameters } = await request(post, { response_type })
        const { url } = await new Citizen(REDIRECT_URI).get(authorizeUrl(parameters))
        const answer = new URLSearchParams(url.hash ? url.hash.slice(1) : url.search)
        expect(answer.get('error')).toMatch(/^(unsupported_response_type|unauthorized_client|invalid_request)$/)
        expect([answer.has('code'), answer.has('access_token'), answer.has('id_token')]).toEqual([false, false, false])
      },
    )

    it('refuses a scope the client is not registered for', async () => {
      const narrow = await addApp(
        { scope: 'openid profile', token_endpoint_auth_method: 'client_secret_post' },
        oauth.ClientSecretPost,
      )
      const { parameters } = await request(narrow, { scope: 'openid profile pan' })
      const { url } = await new Citizen(REDIRECT_URI).get(authorizeUrl(parameters))
      expect(url.searchParams.get('error')).toBe('invalid_scope')
    })

    it.each([
      ['no JSON', 'nonsense', 'claims'],
      ['an array', '[]', 'claims'],
      ['no known place', '{"somewhere":{}}', 'claims'],
      ['a member that is true', '{"userinfo":{"name":true}}', ' /userinfo '],
      ['verified_claims as null', '{"id_token":{"verified_claims":null}}', ' /id_token/verified_claims '],
      [
        'no verification',
        '{"userinfo":{"verified_claims":{"claims":{"name":null}}}}',
        ' /userinfo/verified_claims/verification ',
      ],
      [
        'no trust framework',
        '{"userinfo":{"verified_claims":{"verification":{},"claims":{"name":null}}}}',
        ' /userinfo/verified_claims/verification/trust_framework ',
      ],
      [
        'no claims',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null}}}}',
        ' /userinfo/verified_claims/claims ',
      ],
      [
        'empty claims',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{}}}}',
        ' /userinfo/verified_claims/claims ',
      ],
      [
        'a verified claim that is true',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":true}}}}',
        ' /userinfo/verified_claims/claims/name ',
      ],
      [
        'evidence that is no array',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":{}},"claims":{"name":null}}}}',
        ' /userinfo/verified_claims/verification/evidence ',
      ],
      [
        'evidence without a type',
        '{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[{}]},"claims":{"name":null}}}}',
        ' /userinfo/verified_claims/verification/evidence/0/type ',
      ],
    ])('names the place where a claims request is wrong: %s', async (_case, claims, place) => {
      const { error, description } = await refused({ claims })
      expect([error, description]).toEqual(['invalid_request', expect.stringContaining(place)])
    })

    it.each(['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'code_challenge', 'claims'])(
      'refuses %s given twice',
      async (name) => {
        const { parameters } = await request(post, { claims: '{}' })
        parameters.append(name, parameters.get(name) ?? '')
        const answer = await fetch(authorizeUrl(parameters), { redirect: 'manual', headers: { accept: 'text/html' } })
        const location = answer.headers.get('location')
        if (location === null) expect(answer.status).toBe(400)
        else expect(new URL(location).searchParams.get('error')).toBe('invalid_request')
      },
    )

    it.each(['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id', 'client_secret'])(
      'refuses %s given twice at the token endpoint',
      async (name) => {
        const { callback, verifier } = await authorized(post)
        const form = new URLSearchParams({
          grant_type: 'authorization_code',
          code: callback.get('code') ?? '',
          redirect_uri: REDIRECT_URI,
          code_verifier: verifier,
          client_id: post.client.client_id,
          client_secret: post.secret,
        })
        const twice = new URLSearchParams(form)
        twice.append(name, form.get(name) ?? '')
        expect((await fetch(as.token_endpoint ?? '', { method: 'POST', body: twice })).status).toBe(400)
        expect((await fetch(as.token_endpoint ?? '', { method: 'POST', body: form })).status).toBe(200)
      },
    )
  })

  describe('characters that a database or a parser may choke on', () => {
    const NASTY = ['\0', 'a\0b', '\ud800', '\u202e', '%', 'a'.repeat(5000)]

    function expectRefusedOrFine(status: number): void {
      expect(status).toBeLessThan(500)
    }

    it.each([
      'client_id',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
      'nonce',
      'login_hint',
      'id_token_hint',
      'claims',
      'ui_locales',
      'acr_values',
      'prompt',
      'max_age',
      'request_uri',
      'code_challenge',
      'unknown_parameter',
    ])('answers below 500 for %s, at /authorize and when pushed, and redirects nowhere else', async (name) => {
      for (const value of NASTY) {
        const { parameters } = await request(post, { [name]: value })
        const answer = await fetch(authorizeUrl(parameters), { redirect: 'manual', headers: { accept: 'text/html' } })
        expectRefusedOrFine(answer.status)
        const location = new URL(answer.headers.get('location') ?? '/', stage.issuer)
        expect([stage.issuer.origin, 'https://shop.example']).toContain(location.origin)
        expect(location.searchParams.get('error')).not.toBe('server_error')
        const pushed = await oauth.pushedAuthorizationRequest(as, post.client, post.auth, parameters, insecure)
        expectRefusedOrFine(pushed.status)
      }
    })

    it('refuses a null byte in every parameter that would be stored', async () => {
      for (const name of ['state', 'nonce', 'login_hint', 'ui_locales']) {
        const { parameters } = await request(post, { [name]: 'a\0b' })
        const answer = await fetch(authorizeUrl(parameters), { redirect: 'manual', headers: { accept: 'text/html' } })
        const location = answer.headers.get('location')
        const error = location && new URL(location, stage.issuer).searchParams.get('error')
        expect([name, answer.status === 400 || error === 'invalid_request']).toEqual([name, true])
      }
    })

    it('answers below 500 at the endpoints for programs', async () => {
      const credentials = { client_id: post.client.client_id, client_secret: post.secret }
      for (const value of NASTY) {
        const forms: [string, Record<string, string>][] = [
          [
            '/token',
            {
              ...credentials,
              grant_type: 'authorization_code',
              code: value,
              redirect_uri: REDIRECT_URI,
              code_verifier: 'v'.repeat(43),
            },
          ],
          ['/token', { ...credentials, grant_type: 'refresh_token', refresh_token: value }],
          ['/token', { ...credentials, grant_type: value }],
          ['/token', { client_id: value, client_secret: value, grant_type: 'refresh_token', refresh_token: 'x' }],
          ['/introspect', { ...credentials, token: value, token_type_hint: value }],
          ['/revoke', { ...credentials, token: value }],
          ['/logout', { id_token_hint: value, post_logout_redirect_uri: value, state: value }],
          ['/logout/confirm', { xsrf: value, logout: value }],
        ]
        for (const [path, form] of forms) {
          const answer = await fetch(new URL(path, stage.issuer), { method: 'POST', body: new URLSearchParams(form) })
          expect([path, answer.status >= 500]).toEqual([path, false])
        }
      }
    })

    it('answers below 500 for addresses of any shape', async () => {
      const paths = [
        '/interaction/%00',
        '/interaction/%ff',
        '/interaction/a%00b/start',
        '/authorize/%00',
        '/%00',
        '/%',
        '/%c0%80',
        '/callback/digilocker?state=%00&code=%00',
        '/callback/%00',
        '/assets/%2e%2e/%00',
        '/.well-known/%00',
      ]
      for (const path of paths) {
        for (const method of ['GET', 'POST']) {
          const answer = await fetch(`${stage.issuer.origin}${path}`, {
            method,
            redirect: 'manual',
            ...(method === 'POST' && { body: new URLSearchParams({ csrf: '\0' }) }),
          })
          expect([method, path, answer.status >= 500]).toEqual([method, path, false])
        }
      }
    })
  })
})
