import { X509Certificate } from 'node:crypto'
import { importJWK, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createOperations } from '../../src/admin/operations.ts'
import { type PreparedPlan, prepareConformance, type Run } from '../../src/cli/conformance.ts'
import { freshPGlite } from '../support/databases.ts'
import { discover, insecure } from '../support/relying-app.ts'
import { logIn, openStage, type Stage } from '../support/stage.ts'

interface SuiteClient {
  readonly client_id: string
  readonly client_secret?: string
  readonly jwks?: { keys: JWK[] }
}

const open = freshPGlite()
let stage: Stage
let run: Run
let prepared: PreparedPlan[]
const CALLBACK = 'https://suite.example/test/a/dwar-fapi2-dpop/callback?dummy1=lorem&dummy2=ipsum'

beforeAll(async () => {
  stage = await openStage(await open(), {
    env: { DWAR_CLIENT_CERTIFICATE_HEADER: 'Client-Cert', DWAR_CLIENT_CERTIFICATE_PROXIES: '127.0.0.1' },
  })
  const operations = createOperations(stage.app)
  run = (name, input) => (operations[name] as (input: unknown) => Promise<unknown>)(input)
  prepared = await prepareConformance(options(), run)
})
afterAll(() => stage.close())

const options = (change: Partial<Parameters<typeof prepareConformance>[0]> = {}) => ({
  suite: new URL('https://suite.example'),
  alias: 'dwar',
  issuer: stage.issuer,
  plans: [],
  replace: false,
  mutualTls: true,
  clock: () => Math.floor(Date.now() / 1000),
  ...change,
})

const configurationOf = (short: string) =>
  prepared.find(({ configuration }) => configuration.alias === `dwar-${short}`)?.configuration as Record<
    string,
    SuiteClient
  >

it('prepares every plan an issuer like this one is certified by', () => {
  expect(prepared.map(({ plan }) => plan)).toEqual([
    'oidcc-basic-certification-test-plan',
    'oidcc-config-certification-test-plan',
    'oidcc-formpost-basic-certification-test-plan',
    'oidcc-rp-initiated-logout-certification-test-plan',
    'oidcc-backchannel-rp-initiated-logout-certification-test-plan',
    'oidcc-3rdparty-init-login-certification-test-plan',
    'fapi2-security-profile-final-test-plan',
    'fapi2-security-profile-final-test-plan',
    'fapi2-message-signing-final-test-plan',
    'ekyc-test-plan-oidccore',
  ])
  expect(prepared[0]?.configuration).toEqual({
    alias: 'dwar-basic',
    description: 'Dwar, oidcc-basic-certification-test-plan',
    server: { discoveryUrl: `${stage.issuer.origin}/.well-known/openid-configuration` },
    client: { client_id: 'conformance-dwar-basic-client', client_secret: expect.any(String) },
    client_secret_post: { client_id: 'conformance-dwar-basic-client-secret-post', client_secret: expect.any(String) },
    client2: { client_id: 'conformance-dwar-basic-client2', client_secret: expect.any(String) },
  })
})

it('registers what the plans expect', async () => {
  expect((await stage.app.clients.show('conformance-dwar-backchannel-client')).metadata).toMatchObject({
    redirect_uris: ['https://suite.example/test/a/dwar-backchannel/callback'],
    backchannel_logout_uri: 'https://suite.example/test/a/dwar-backchannel/backchannel_logout',
    backchannel_logout_session_required: true,
    dwar: { profile: 'legacy' },
  })
  expect((await stage.app.clients.show('conformance-dwar-message-signing-client2')).metadata).toMatchObject({
    require_signed_request_object: true,
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    dwar: { profile: 'fapi2' },
  })
})

it('keeps no private half, and prints certificates that are bound by themselves', async () => {
  const all = JSON.stringify(await stage.app.clients.list())
  expect(all).not.toContain('"d":')
  const { client, mtls } = configurationOf('fapi2-mtls') as unknown as {
    client: SuiteClient
    mtls: { cert: string; key: string }
  }
  expect(client.jwks?.keys[0]).toHaveProperty('d')
  const certificate = new X509Certificate(mtls.cert)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.checkPrivateKey((await import('node:crypto')).createPrivateKey(mtls.key))).toBe(true)
})

it('logs in with what it printed: PAR, private_key_jwt and DPoP, back to the address with a query', async () => {
  const { client2 } = configurationOf('fapi2-dpop')
  const jwk = client2?.jwks?.keys[0] as JWK
  const key = (await importJWK(jwk, 'ES256')) as CryptoKey
  const as = await discover(stage.issuer)
  const client: oauth.Client = { client_id: client2?.client_id ?? '', id_token_signed_response_alg: 'ES256' }
  const auth = oauth.PrivateKeyJwt({ key, kid: jwk.kid ?? '' })
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const verifier = oauth.generateRandomCodeVerifier()
  const parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid profile',
    state: 's',
    nonce: 'n',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const pushed = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, { ...insecure, DPoP })
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)
  const url = new URL(as.authorization_endpoint ?? '')
  url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString()
  const back = await logIn(url, { redirectUri: CALLBACK })
  const callback = oauth.validateAuthResponse(as, client, back, 's')
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, callback, CALLBACK, verifier, {
    ...insecure,
    DPoP,
  })
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: 'n' })
  expect(tokens.token_type).toBe('dpop')
})

it('refuses to run twice over the same clients, unless told to replace them', async () => {
  const only = { plans: ['basic'] }
  await expect(prepareConformance(options(only), run)).rejects.toMatchObject({ code: 'CLIENT_INVALID' })
  const again = await prepareConformance(options({ ...only, replace: true }), run)
  const { client } = (again[0]?.configuration ?? {}) as Record<string, SuiteClient>
  expect(client?.client_secret).not.toBe(configurationOf('basic').client?.client_secret)
})

it('leaves out what the issuer cannot serve, and knows its plans', async () => {
  const rest = await prepareConformance(
    options({ alias: 'other', plans: ['fapi2-dpop', 'fapi2-mtls'], mutualTls: false }),
    run,
  )
  expect(rest.map(({ configuration }) => configuration.alias)).toEqual(['other-fapi2-dpop'])
  await expect(prepareConformance(options({ plans: ['hybrid'] }), run)).rejects.toThrow('no such plan: hybrid')
})
