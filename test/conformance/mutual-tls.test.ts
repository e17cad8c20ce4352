import { calculateJwkThumbprint, decodeJwt, exportJWK, importX509, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDistinguishedName } from '../../src/provider/distinguished-name.ts'
import { makeClientCertificate } from '../support/client-certificate.ts'
import { freshPGlite } from '../support/databases.ts'
import { discover, makeKey } from '../support/relying-app.ts'
import { logIn, openStage, REDIRECT_URI, registration, type Stage } from '../support/stage.ts'

const open = freshPGlite()
const PROXY = {
  DWAR_CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert',
  DWAR_CLIENT_CERTIFICATE_VERIFIED_HEADER: 'X-Client-Verify',
  DWAR_CLIENT_CERTIFICATE_PROXIES: '127.0.0.0/8, ::1',
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function post(
  url: URL,
  form: Record<string, string>,
  headers: Record<string, string | string[]>,
): Promise<Answer> {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  })
  return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> }
}

describe('mutual TLS behind a proxy — RFC 8705', () => {
  let stage: Stage
  let own: Awaited<ReturnType<typeof makeClientCertificate>>
  let other: Awaited<ReturnType<typeof makeClientCertificate>>
  let selfSigned: string
  let byName: string

  beforeAll(async () => {
    stage = await openStage(await open(), { env: { ...PROXY, DWAR_MTLS_ISSUER: 'http://mtls.localhost:9' } })
    own = await makeClientCertificate({ cn: 'Shop, Ltd', o: 'Shop', dns: 'shop.example', ip: '192.0.2.7' })
    other = await makeClientCertificate({ cn: 'Other', o: 'Other', dns: 'evil.example', ip: '192.0.2.8' })
    const jwk = {
      ...(await exportJWK(await importX509(own.pem, 'ES256'))),
      kid: 'c1',
      x5c: [own.der.toString('base64')],
    }
    const bound = { tls_client_certificate_bound_access_tokens: true }
    selfSigned = (
      await stage.addClient({
        ...bound,
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [jwk] },
      })
    ).client_id
    byName = await named({ tls_client_auth_subject_dn: 'CN=Shop\\, Ltd,O=Shop,C=IN' })
  })
  afterAll(() => stage.close())

  const named = async (subject: Record<string, string>) =>
    (await stage.addClient({ token_endpoint_auth_method: 'tls_client_auth', ...subject })).client_id

  const asNginx = ({ pem }: { pem: string }, verified = 'SUCCESS') => ({
    'x-client-cert': encodeURIComponent(pem),
    'x-client-verify': verified,
  })
  /** `invalid_grant` when the client was let in, `invalid_client` when it was not */
  const knock = async (client_id: string, headers: Record<string, string | string[]>, at = stage) =>
    (
      await post(
        new URL('/token', at.issuer),
        {
          client_id,
          grant_type: 'authorization_code',
          code: 'never-given',
          redirect_uri: REDIRECT_URI,
          code_verifier: 'v'.repeat(43),
        },
        headers,
      )
    ).body.error

  it('§3.3: announces what it can do, and where (§5)', async () => {
    expect(await discover(stage.issuer)).toMatchObject({
      token_endpoint_auth_methods_supported: expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: {
        token_endpoint: 'http://mtls.localhost:9/token',
        userinfo_endpoint: 'http://mtls.localhost:9/userinfo',
        pushed_authorization_request_endpoint: 'http://mtls.localhost:9/par',
        introspection_endpoint: 'http://mtls.localhost:9/introspect',
        revocation_endpoint: 'http://mtls.localhost:9/revoke',
      },
    })
  })

  it('§5: serves the other origin for these endpoints alone', async () => {
    const headers = { host: 'mtls.localhost:9', ...asNginx(own) }
    expect(await knock(selfSigned, headers)).toBe('invalid_grant')
    const pages = await request(new URL('/authorize', stage.issuer), { headers: { host: 'mtls.localhost:9' } })
    expect(pages.statusCode).toBe(421)
    await pages.body.dump()
  })

  it('§2.2: knows a client by the registered certificate itself (self_signed_tls_client_auth)', async () => {
    expect(await knock(selfSigned, asNginx(own, 'NONE'))).toBe('invalid_grant')
    expect(await knock(selfSigned, asNginx(other))).toBe('invalid_client')
    expect(await knock(selfSigned, {})).toBe('invalid_client')
    expect(await knock(selfSigned, { 'x-client-cert': 'nonsense' })).toBe('invalid_client')
  })

  it('§2.1: knows a client by the subject of a certificate that the proxy verified (tls_client_auth)', async () => {
    expect(await knock(byName, asNginx(own))).toBe('invalid_grant')
    expect(await knock(byName, asNginx(other))).toBe('invalid_client')
    expect(await knock(byName, asNginx(own, 'FAILED:unable to verify'))).toBe('invalid_client')
    expect(await knock(byName, { 'x-client-cert': encodeURIComponent(own.pem) })).toBe('invalid_client')
  })

  it.each([
    ['tls_client_auth_san_dns', 'shop.example'],
    ['tls_client_auth_san_ip', '192.0.2.7'],
    ['tls_client_auth_san_uri', 'https://shop.example/client'],
    ['tls_client_auth_san_email', 'ops@shop.example'],
  ])('§2.1.2: knows a client by %s, exactly', async (name, value) => {
    const client = await named({ [name]: value })
    expect(await knock(client, asNginx(own))).toBe('invalid_grant')
    expect(await knock(client, asNginx(other))).toBe('invalid_client')
  })

  it('§7.1: takes the header from the listed proxy only, and once only', async () => {
    const twice = { ...asNginx(own), 'x-client-cert': [encodeURIComponent(other.pem), encodeURIComponent(own.pem)] }
    expect(await knock(selfSigned, twice)).toBe('invalid_client')
    const strict = await openStage(stage.database, {
      env: { ...PROXY, DWAR_CLIENT_CERTIFICATE_PROXIES: '192.0.2.1' },
      secrets: secretsOf(stage),
      simulator: stage.simulator,
    })
    expect(await knock(selfSigned, asNginx(own), strict)).toBe('invalid_client')
    await strict.close()
  })

  it('§3: binds tokens to the certificate, and reads RFC 9440’s form as well', async () => {
    const rfc9440 = await openStage(stage.database, {
      env: {
        DWAR_CLIENT_CERTIFICATE_HEADER: 'Client-Cert',
        DWAR_CLIENT_CERTIFICATE_FORMAT: 'rfc9440',
        DWAR_CLIENT_CERTIFICATE_PROXIES: '127.0.0.1',
      },
      secrets: secretsOf(stage),
      simulator: stage.simulator,
    })
    const as = await discover(rfc9440.issuer)
    expect(as.token_endpoint_auth_methods_supported).not.toContain('tls_client_auth')
    const verifier = oauth.generateRandomCodeVerifier()
    const url = new URL(as.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      client_id: selfSigned,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid profile',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    const code = (await logIn(url)).searchParams.get('code') ?? ''
    const shown = (der: Buffer) => ({ 'client-cert': `:${der.toString('base64')}:` })
    const { body } = await post(
      new URL('/token', rfc9440.issuer),
      {
        client_id: selfSigned,
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT_URI,
        code_verifier: verifier,
      },
      shown(own.der),
    )
    const introspected = await post(
      new URL('/introspect', rfc9440.issuer),
      { client_id: selfSigned, token: String(body.access_token) },
      shown(own.der),
    )
    const thumbprint = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(own.der))).toString('base64url')
    expect(introspected.body).toMatchObject({ active: true, cnf: { 'x5t#S256': thumbprint } })
    const userinfo = async (headers: Record<string, string>) => {
      const answer = await request(new URL('/userinfo', rfc9440.issuer), {
        headers: { authorization: `Bearer ${String(body.access_token)}`, ...headers },
      })
      await answer.body.dump()
      return answer.statusCode
    }
    expect([await userinfo(shown(own.der)), await userinfo(shown(other.der)), await userinfo({})]).toEqual([
      200, 401, 401,
    ])
    await rfc9440.close()
  })

  it('§4: binds the refresh token of a public client to its certificate, and tells an API of the thumbprint (§3.1)', async () => {
    const api = 'https://api.shop.example/v1'
    const { client_id } = await stage.addClient({
      token_endpoint_auth_method: 'none',
      tls_client_certificate_bound_access_tokens: true,
      dwar: { ...registration.dwar, resources: [{ identifier: api, scopes: ['rent'] }] },
    })
    const verifier = oauth.generateRandomCodeVerifier()
    const url = new URL('/authorize', stage.issuer)
    url.search = new URLSearchParams({
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid offline_access rent',
      resource: api,
      prompt: 'consent',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    const code = (await logIn(url)).searchParams.get('code') ?? ''
    const token = (form: Record<string, string>, headers: Record<string, string>) =>
      post(new URL('/token', stage.issuer), { client_id, ...form }, headers)
    const first = await token(
      { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier, resource: api },
      asNginx(own),
    )
    const thumbprint = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(own.der))).toString('base64url')
    expect(decodeJwt(String(first.body.access_token)).cnf).toEqual({ 'x5t#S256': thumbprint })
    const refresh = { grant_type: 'refresh_token', refresh_token: String(first.body.refresh_token) }
    expect((await token(refresh, asNginx(other))).body.error).toBe('invalid_grant')
    expect((await token(refresh, {})).body.error).toBe('invalid_grant')
    expect((await token(refresh, asNginx(own))).status).toBe(200)
  })

  it('§3: gives a client whose tokens must be bound none at all where no certificate arrives any more', async () => {
    const key = await makeKey()
    const { client_id } = await stage.addClient({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.jwk] },
      tls_client_certificate_bound_access_tokens: true,
      dwar: { ...registration.dwar, profile: 'fapi2' },
    })
    const bare = await openStage(stage.database, { secrets: secretsOf(stage), simulator: stage.simulator })
    const as = await discover(bare.issuer)
    expect(as).not.toHaveProperty('tls_client_certificate_bound_access_tokens')
    expect(as).not.toHaveProperty('mtls_endpoint_aliases')
    const assertion = await new SignJWT({ jti: await calculateJwkThumbprint(key.jwk) })
      .setProtectedHeader({ alg: 'ES256', kid: key.jwk.kid ?? '' })
      .setIssuer(client_id)
      .setSubject(client_id)
      .setAudience(bare.issuer.origin)
      .setExpirationTime('30s')
      .sign(key.privateKey)
    const refused = await post(
      new URL('/token', bare.issuer),
      {
        grant_type: 'authorization_code',
        code: 'never-given',
        redirect_uri: REDIRECT_URI,
        code_verifier: 'v'.repeat(43),
        client_assertion: assertion,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      },
      asNginx(own),
    )
    expect(refused.body.error).toBe('invalid_grant')
    await bare.close()
  })

  it('§3.4: registers nothing that it cannot serve', async () => {
    const bare = await openStage(stage.database, { secrets: secretsOf(stage), simulator: stage.simulator })
    await expect(
      bare.addClient({
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_san_dns: 'shop.example',
        tls_client_certificate_bound_access_tokens: true,
      }),
    ).rejects.toThrow(/tls_client_auth is not available[\s\S]*sees no client certificates/)
    await bare.close()
  })
})

describe('distinguished names — RFC 4514', () => {
  const form = (...parts: [string, string][]) => JSON.stringify(parts)
  it.each<[string, string | undefined]>([
    ['CN=shop.example,O=Shop,C=IN', form(['2.5.4.6', 'in'], ['2.5.4.10', 'shop'], ['2.5.4.3', 'shop.example'])],
    ['CN=Shop\\, Ltd,C=IN', form(['2.5.4.6', 'in'], ['2.5.4.3', 'shop, ltd'])],
    ['CN=Caf\\C3\\A9', form(['2.5.4.3', 'café'])],
    ['2.5.4.3=shop', form(['2.5.4.3', 'shop'])],
    ['CN=a+OU=b', undefined],
    ['CN=#0403', undefined],
    ['WHAT=x', undefined],
    ['CN=\\FF', undefined],
    ['CN=a,,C=IN', undefined],
    ['', undefined],
  ])('RFC 4514 §3: reads %s', (text, expected) => {
    expect(parseDistinguishedName(text)).toBe(expected)
  })
})

function secretsOf({ config }: Stage): Record<string, string> {
  return {
    DWAR_VAULT_KEYS: config.vaultKeys.reveal(),
    DWAR_INDEX_SECRET: config.indexSecret.reveal(),
    DWAR_COOKIE_KEYS: config.cookieKeys.map((key) => key.reveal()).join(','),
  }
}
