import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshPGlite } from '../support/databases.ts'
import { openStage, type Stage } from '../support/stage.ts'

const open = freshPGlite()

describe('authorization server metadata — OpenID Connect Discovery §3, RFC 8414 §2', () => {
  let stage: Stage
  let metadata: Record<string, unknown>
  beforeAll(async () => {
    stage = await openStage(await open())
    const answer = await fetch(new URL('/.well-known/openid-configuration', stage.issuer))
    const told = Object.entries((await answer.json()) as Record<string, unknown>)
    metadata = Object.fromEntries(told.map(([name, value]) => [name, Array.isArray(value) ? value.toSorted() : value]))
  })
  afterAll(() => stage.close())

  const signing = ['ES256', 'EdDSA', 'RS256']
  const encryption = ['ECDH-ES', 'ECDH-ES+A256KW', 'RSA-OAEP-256']
  const content = ['A128CBC-HS256', 'A128GCM', 'A256CBC-HS512', 'A256GCM']
  const clients = ['ES256', 'EdDSA', 'PS256', 'RS256']

  it('RFC 8414 §2: names every protocol that is on, with its algorithms', () => {
    expect(metadata).toMatchObject({
      pushed_authorization_request_endpoint: `${stage.issuer.origin}/par`,
      introspection_endpoint: `${stage.issuer.origin}/introspect`,
      revocation_endpoint: `${stage.issuer.origin}/revoke`,
      end_session_endpoint: `${stage.issuer.origin}/logout`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: ['consent', 'login', 'none'],
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256'],
      id_token_signing_alg_values_supported: signing,
      userinfo_signing_alg_values_supported: signing,
      authorization_signing_alg_values_supported: signing,
      introspection_signing_alg_values_supported: signing,
      id_token_encryption_alg_values_supported: encryption,
      id_token_encryption_enc_values_supported: content,
      userinfo_encryption_alg_values_supported: encryption,
      userinfo_encryption_enc_values_supported: content,
      authorization_encryption_alg_values_supported: encryption,
      authorization_encryption_enc_values_supported: content,
      introspection_encryption_alg_values_supported: encryption,
      introspection_encryption_enc_values_supported: content,
      request_object_signing_alg_values_supported: clients,
      token_endpoint_auth_signing_alg_values_supported: clients,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    })
    expect([metadata.response_modes_supported].flat().toSorted()).toEqual([
      'form_post',
      'form_post.jwt',
      'fragment',
      'fragment.jwt',
      'jwt',
      'query',
      'query.jwt',
    ])
  })

  it('RFC 8414 §3.2: has no list without a member, and names nothing that is off', () => {
    expect(Object.entries(metadata).filter(([, value]) => Array.isArray(value) && value.length === 0)).toEqual([])
    for (const name of [
      'tls_client_certificate_bound_access_tokens',
      'mtls_endpoint_aliases',
      'request_object_encryption_alg_values_supported',
      'registration_endpoint',
      'frontchannel_logout_supported',
      'check_session_iframe',
    ])
      expect(metadata).not.toHaveProperty(name)
  })

  it('Discovery §3: names no shared-key algorithm and no none', () => {
    const named = Object.entries(metadata)
      .filter(([name]) => name.endsWith('_alg_values_supported'))
      .flatMap(([, values]) => values)
    expect(named.filter((alg) => /^(HS|none$|dir$|A\d|RSA1)/.test(String(alg)))).toEqual([])
    expect(named.length).toBeGreaterThan(30)
  })
})
