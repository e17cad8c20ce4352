import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { clientRegistration } from '../../src/provider/clients.ts'
import { needsPkce, profileOf, rotatesRefreshTokens } from '../../src/provider/profile.ts'
import { faultsInRegistration, warningsOf, withDefaults } from '../../src/provider/registration.ts'

const terms = { issuer: new URL('https://id.example'), certificateMethods: ['self_signed_tls_client_auth'] }
const publicJwk = (pair: { publicKey: KeyObject }) => pair.publicKey.export({ format: 'jwk' })
const EC = publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const RSA = publicJwk(generateKeyPairSync('rsa', { modulusLength: 2048 }))

const parse = (change: Record<string, unknown> = {}, policy: Record<string, unknown> = {}) =>
  clientRegistration.parse({
    client_name: 'Shop',
    redirect_uris: ['https://shop.example/callback'],
    dwar: { purpose: { en: 'To check' }, ...policy },
    ...change,
  })
const faults = (change: Record<string, unknown>, policy?: Record<string, unknown>) =>
  faultsInRegistration(parse(change, policy), terms)

describe('a registration', () => {
  it('has no fault when it is plain', () => {
    expect(faults({})).toEqual([])
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'back-channel logout in clear',
      { backchannel_logout_uri: 'http://shop.example/out' },
      'backchannel_logout_uri must be https',
    ],
    [
      'back-channel logout at an inner port',
      { backchannel_logout_uri: 'https://shop.example:8443/out' },
      'backchannel_logout_uri must be at port 443',
    ],
    [
      'back-channel logout inside our network',
      { backchannel_logout_uri: 'https://10.0.0.1/out' },
      'backchannel_logout_uri is an address of a machine that not everybody can reach',
    ],
    [
      'back-channel logout on our own machine',
      { backchannel_logout_uri: 'https://[::1]/out' },
      'backchannel_logout_uri is an address of a machine that not everybody can reach',
    ],
    [
      'sid without back-channel logout',
      { backchannel_logout_session_required: true },
      'backchannel_logout_session_required needs backchannel_logout_uri',
    ],
    [
      'redirect URIs on two hosts',
      { redirect_uris: ['https://a.example/', 'https://b.example/'] },
      'redirect URIs are on several hosts: register a client for each, or subject_type public',
    ],
    [
      'tls_client_auth without the proxy’s word',
      { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'a' },
      'tls_client_auth is not available: this issuer is not told of client certificates that way',
    ],
    [
      'a subject with another method',
      { tls_client_auth_san_dns: 'a' },
      'tls_client_auth_san_dns belongs to tls_client_auth only',
    ],
    [
      'a key without its certificate',
      { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [EC] } },
      'self_signed_tls_client_auth needs the certificate of every key in jwks (x5c)',
    ],
    [
      'a private key',
      { jwks: { keys: [{ ...EC, d: 'secret' }] } },
      'jwks: key 1 has a private part: register public keys only',
    ],
    [
      'a shared key',
      { jwks: { keys: [{ kty: 'oct', k: 'secret' }] } },
      'jwks: key 1 has a private part: register public keys only',
    ],
    [
      'a short RSA key',
      { jwks: { keys: [{ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(128, 1).toString('base64url') }] } },
      'jwks: key 1 is an RSA key of fewer than 2048 bits',
    ],
    [
      'an RSA key that OpenSSL does not take',
      { jwks: { keys: [{ ...RSA, n: Buffer.alloc(2049, 1).toString('base64url') }] } },
      'jwks: key 1 is an RSA key of more than 16384 bits',
    ],
    [
      'an RSA key whose signatures are the text itself',
      { jwks: { keys: [RSA, { ...RSA, e: 'AQ' }] } },
      'jwks: key 2 has an RSA exponent under which anybody can sign',
    ],
    ['a point off its curve', { jwks: { keys: [{ ...EC, x: EC.y }] } }, 'jwks: key 1 cannot be read'],
    [
      'an odd curve',
      { jwks: { keys: [{ ...EC, crv: 'secp256k1' }] } },
      'jwks: key 1 has a curve that is not supported',
    ],
    [
      'encryption without a key',
      { id_token_encrypted_response_alg: 'ECDH-ES' },
      'id_token_encrypted_response_alg ECDH-ES needs a key to encrypt to in jwks',
    ],
    [
      'encryption to a signing key',
      { jwks: { keys: [{ ...EC, use: 'sig' }] }, userinfo_encrypted_response_alg: 'ECDH-ES' },
      'userinfo_encrypted_response_alg ECDH-ES needs a key to encrypt to in jwks',
    ],
    [
      'enc without alg',
      { id_token_encrypted_response_enc: 'A256GCM' },
      'id_token_encrypted_response_enc needs id_token_encrypted_response_alg',
    ],
    [
      'two ways of binding',
      { dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true },
      'tokens are bound either by dpop_bound_access_tokens or by tls_client_certificate_bound_access_tokens',
    ],
    [
      'signed requests without a key',
      { require_signed_request_object: true },
      'require_signed_request_object needs jwks',
    ],
    ['an unknown scope', { scope: 'openid everything' }, 'scope everything does not exist'],
  ])('refuses %s in a registration, and names the fault', (_case, change, fault) => {
    expect(faults(change)).toEqual([fault])
  })

  it.each([
    ['relative', [{ identifier: '/api', scopes: [] }], 'resource /api is not an absolute URI'],
    [
      'with a fragment',
      [{ identifier: 'https://a.example/#x', scopes: [] }],
      'resource https://a.example/#x has a fragment',
    ],
    [
      'with our scopes',
      [{ identifier: 'https://a.example/', scopes: ['profile'] }],
      'resource https://a.example/: scope profile is the issuer’s own',
    ],
  ])('names a resource %s', (_case, resources, fault) => {
    expect(faults({}, { resources })).toEqual([fault])
  })

  // Each would have us call what a client chose (security.md SE-6).
  it.each(['sector_identifier_uri', 'jwks_uri', 'request_uris', 'logo_uri', 'client_uri'])('takes no %s', (name) => {
    expect(() => parse({ [name]: name.endsWith('s') ? ['https://shop.example/'] : 'https://shop.example/' })).toThrow(
      name,
    )
  })

  it('may be told of sign-outs next door where the issuer is a developer’s', () => {
    const next = parse({ backchannel_logout_uri: 'http://localhost:8080/out' })
    expect(faultsInRegistration(next, { ...terms, issuer: new URL('http://localhost:3000') })).toEqual([])
  })

  it.each(['HS256', 'none', 'RS512'])('takes no signature %s', (alg) => {
    expect(() =>
      parse({ token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg }),
    ).toThrow()
    expect(() => parse({ id_token_signed_response_alg: alg })).toThrow()
  })

  it.each(['RSA1_5', 'RSA-OAEP', 'dir', 'A256KW'])('takes no encryption %s', (alg) => {
    expect(() => parse({ id_token_encrypted_response_alg: alg })).toThrow()
  })

  it('says under fapi2 what it left open', () => {
    expect(withDefaults(parse({}, { profile: 'fapi2' }))).toMatchObject({
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      require_pushed_authorization_requests: true,
    })
    expect(withDefaults(parse()).id_token_signed_response_alg).toBe('RS256')
  })

  it('warns of legacy, and of nothing else', () => {
    expect(warningsOf(parse({}, { profile: 'legacy' }))).toEqual([expect.stringContaining('without PKCE')])
    expect(warningsOf(parse({}, { profile: 'fapi2' }))).toEqual([])
  })
})

describe('the profile of a client that is stored already', () => {
  it.each<[string, unknown, string]>([
    ['exempt from PKCE by an earlier release', { pkceExempt: true }, 'legacy'],
    ['not exempt', { pkceExempt: false }, 'standard'],
    ['without a word', undefined, 'standard'],
    ['of this release', { profile: 'fapi2' }, 'fapi2'],
  ])('%s', (_case, dwar, profile) => {
    const client = { dwar }
    expect(profileOf(client)).toBe(profile)
    expect(needsPkce(client)).toBe(profile !== 'legacy')
    expect(rotatesRefreshTokens(client)).toBe(profile !== 'fapi2')
  })
})
