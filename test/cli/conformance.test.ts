import { X509Certificate } from 'node:crypto'
import { importJWK, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createOperations } from '../../src/admin/operations.ts'
import { type PreparedPlan, prepareConformance, type Run } from '../../src/cli/conformance.ts'
import { freshPGlite } from '../support/databases.ts'
import { officialSchemasAreHere, officialValidators } from '../support/official-schemas.ts'
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
    'fapi2-security-profile-final-test-plan',
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

it('chooses every variant that a plan leaves open, and no other', () => {
  const variants = Object.fromEntries(
    prepared.map(({ configuration, variant }) => [String(configuration.alias).replace('dwar-', ''), variant]),
  )
  const fapi2 = {
    client_auth_type: 'private_key_jwt',
    openid: 'openid_connect',
    fapi_profile: 'plain_fapi',
    authorization_request_type: 'simple',
    grant_management: 'disabled',
  }
  const found = { server_metadata: 'discovery', client_registration: 'static_client' }
  const code = { client_registration: 'static_client', response_type: 'code' }
  expect(variants).toEqual({
    basic: found,
    config: {},
    formpost: found,
    logout: code,
    backchannel: code,
    'fapi2-dpop': { ...fapi2, sender_constrain: 'dpop' },
    'fapi2-mtls': { ...fapi2, sender_constrain: 'mtls' },
    'fapi2-mtls-auth': { ...fapi2, client_auth_type: 'mtls', sender_constrain: 'mtls' },
    'message-signing': {
      ...fapi2,
      sender_constrain: 'dpop',
      fapi_request_method: 'signed_non_repudiation',
      fapi_response_mode: 'jarm',
    },
    ekyc: {
      ...found,
      client_auth_type: 'client_secret_basic',
      response_type: 'code',
      response_mode: 'default',
      security_profile: 'none',
      auth_request_method: 'http_query',
      auth_request_non_repudiation_method: 'unsigned',
      sender_constrain: 'none',
      fapi_response_mode: 'plain_response',
      ekyc_verified_claims_response_support: 'id_token_userinfo',
      ekyc_profile: 'plain_ekyc',
    },
  })
})

it('writes the members of each plan, and no other', () => {
  const membersOf = (short: string) => Object.keys(configurationOf(short)).toSorted()
  const shared = ['alias', 'client', 'client2', 'description', 'server']
  expect(membersOf('config')).toEqual(['alias', 'description', 'server'])
  for (const short of ['basic', 'formpost', 'logout', 'backchannel'])
    expect(membersOf(short)).toEqual([...shared, 'client_secret_post'].toSorted())
  expect(membersOf('fapi2-dpop')).toEqual([...shared, 'resource'].toSorted())
  expect(membersOf('message-signing')).toEqual([...shared, 'resource'].toSorted())
  expect(membersOf('fapi2-mtls')).toEqual([...shared, 'mtls', 'mtls2', 'resource'].toSorted())
  expect(membersOf('ekyc')).toEqual([...shared, 'client_secret_post', 'ekyc'].toSorted())
  const fields = (client: SuiteClient | undefined) => Object.keys(client ?? {}).toSorted()
  expect(fields(configurationOf('fapi2-dpop').client)).toEqual(['client_id', 'dpop_signing_alg', 'jwks', 'scope'])
  expect(fields(configurationOf('fapi2-mtls').client2)).toEqual(['client_id', 'jwks', 'scope'])
  expect(configurationOf('fapi2-dpop').resource).toEqual({ resourceUrl: `${stage.issuer.origin}/userinfo` })
})

it('asks in the eKYC plan for what the metadata names', async () => {
  const { ekyc } = configurationOf('ekyc') as unknown as {
    ekyc: { verified_claims_names: string[]; unverified_claims_names: string[]; verified_claims_request_list: object[] }
  }
  const metadata = (await discover(stage.issuer)) as unknown as Record<string, string[]>
  expect(metadata.claims_in_verified_claims_supported).toEqual(expect.arrayContaining(ekyc.verified_claims_names))
  expect(metadata.claims_supported).toEqual(expect.arrayContaining(ekyc.unverified_claims_names))
  expect(ekyc.verified_claims_request_list.map((asked) => Object.keys(asked))).toEqual([['userinfo'], ['id_token']])
  for (const validate of officialSchemasAreHere ? officialValidators('verified_claims_request', 'lax') : [])
    for (const asked of ekyc.verified_claims_request_list) expect(validate(asked)).toBe(true)
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

it('lets in by its certificate whom the plan of mutual TLS describes', async () => {
  const { client, mtls, mtls2 } = configurationOf('fapi2-mtls-auth') as unknown as {
    client: SuiteClient
    mtls: { cert: string }
    mtls2: { cert: string }
  }
  const errorWith = async (cert: string) => {
    const answer = await fetch(new URL('/par', stage.issuer), {
      method: 'POST',
      headers: { 'client-cert': encodeURIComponent(cert) },
      body: new URLSearchParams({ client_id: client.client_id }),
    })
    return ((await answer.json()) as { error: string }).error
  }
  expect([await errorWith(mtls.cert), await errorWith(mtls2.cert)]).toEqual(['invalid_request', 'invalid_client'])
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
