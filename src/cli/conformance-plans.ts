/** A client as a plan of the OpenID Foundation's suite wants it, and where its configuration names it. */
export interface PlannedClient {
  readonly member: 'client' | 'client2' | 'client_secret_post'
  readonly registration: Record<string, unknown>
  /** makes a key pair for it: the public half is registered, the private one printed */
  readonly signs: boolean
  /** makes a certificate for it, to be shown in TLS */
  readonly certificate: boolean
}

export interface Plan {
  readonly name: string
  /** short, for client ids and the alias */
  readonly short: string
  readonly variant: Readonly<Record<string, string>>
  readonly clients: readonly PlannedClient[]
  /** further members of the configuration */
  readonly further?: Readonly<Record<string, unknown>>
}

const STATIC = { server_metadata: 'discovery', client_registration: 'static_client' }
const SECURITY_PROFILE = 'fapi2-security-profile-final-test-plan'
const CLAIMS = 'openid profile email phone address offline_access'

/**
 * The plans that an issuer like this one is certified by, with the clients that each needs. Names of plans, variants and
 * members are those of the suite's source (openid-certification/conformance-suite, Java classes under
 * `net.openid.conformance`): a plan's name stands in its `@PublishTestPlan`, what may be chosen in the enumerations of
 * `variant`, and what a plan fixes by itself is not chosen:
 * - `oidcc-*` take `server_metadata`, `client_registration`, and logout plans `response_type`; with static clients
 *   `client`, `client2` and `client_secret_post` are read. They come back to `callback`, `post_logout_redirect` and
 *   `backchannel_logout` below the alias, and send no PKCE.
 * - `fapi2-*` (`fapi2spfinal`) take `client_auth_type`, `sender_constrain`, `openid`, `fapi_profile`,
 *   `authorization_request_type`, `grant_management`, and message signing `fapi_request_method` and `fapi_response_mode`;
 *   they read `client.scope`, `client.jwks` with private keys, `client.dpop_signing_alg` with DPoP, `mtls` and `mtls2`
 *   with certificates, and `resource.resourceUrl`. The second client comes back to an address with a query.
 * - `ekyc-test-plan-oidccore` (`ekyc.plan`) takes what `AbstractOIDCCServerSecurityProfileTest` takes, and reads claims to
 *   ask for under `ekyc`.
 * - Third-party-initiated login (`oidcc-3rdparty-init-login-certification-test-plan`) is for dynamic registration alone,
 *   which we do not offer: it cannot be run here.
 * @param base the suite's addresses of this run: `<suite>/test/a/<alias>`, by the plan's short name
 */
export function conformancePlans(base: (short: string) => string): Plan[] {
  const oidc = (
    short: string,
    name: string,
    variant: Record<string, string>,
    more: Record<string, unknown> = {},
  ): Plan => ({
    name,
    short,
    variant,
    clients: [
      oidcClient('client', base(short), 'client_secret_basic', more),
      oidcClient('client_secret_post', base(short), 'client_secret_post', more),
      oidcClient('client2', base(short), 'client_secret_basic', more),
    ],
  })
  const at = (short: string, path: string) => `${base(short)}/${path}`
  return [
    oidc('basic', 'oidcc-basic-certification-test-plan', STATIC),
    { name: 'oidcc-config-certification-test-plan', short: 'config', variant: {}, clients: [] },
    oidc('formpost', 'oidcc-formpost-basic-certification-test-plan', STATIC),
    oidc(
      'logout',
      'oidcc-rp-initiated-logout-certification-test-plan',
      { client_registration: 'static_client', response_type: 'code' },
      { post_logout_redirect_uris: [at('logout', 'post_logout_redirect')] },
    ),
    oidc(
      'backchannel',
      'oidcc-backchannel-rp-initiated-logout-certification-test-plan',
      { client_registration: 'static_client', response_type: 'code' },
      {
        post_logout_redirect_uris: [at('backchannel', 'post_logout_redirect')],
        backchannel_logout_uri: at('backchannel', 'backchannel_logout'),
        backchannel_logout_session_required: true,
      },
    ),
    fapi2('fapi2-dpop', SECURITY_PROFILE, { bound: 'dpop', auth: 'private_key_jwt' }, base),
    fapi2('fapi2-mtls', SECURITY_PROFILE, { bound: 'mtls', auth: 'private_key_jwt' }, base),
    fapi2('fapi2-mtls-auth', SECURITY_PROFILE, { bound: 'mtls', auth: 'self_signed_tls_client_auth' }, base),
    fapi2('message-signing', 'fapi2-message-signing-final-test-plan', { bound: 'dpop', auth: 'private_key_jwt' }, base),
    { ...oidc('ekyc', 'ekyc-test-plan-oidccore', EKYC), further: { ekyc: EKYC_CLAIMS } },
  ]
}

const EKYC = {
  ...STATIC,
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
}

const ASKED = {
  verified_claims: {
    verification: {
      trust_framework: null,
      evidence: [{ type: { value: 'document' }, document_details: { type: null } }],
    },
    claims: { name: null, birthdate: null },
  },
}

/** What the suite asks for; without it, the first that the metadata names. */
const EKYC_CLAIMS = {
  verified_claims_names: ['name', 'birthdate'],
  unverified_claims_names: ['gender'],
  verified_claims_request_list: [{ userinfo: ASKED }, { id_token: ASKED }],
}

/** The suite sends no PKCE in these plans. */
function oidcClient(
  member: PlannedClient['member'],
  base: string,
  method: string,
  more: Record<string, unknown>,
): PlannedClient {
  return {
    member,
    registration: {
      redirect_uris: [`${base}/callback`],
      scope: CLAIMS,
      token_endpoint_auth_method: method,
      ...more,
      dwar: policy('legacy'),
    },
    signs: false,
    certificate: false,
  }
}

interface Fapi2 {
  readonly bound: 'dpop' | 'mtls'
  readonly auth: 'private_key_jwt' | 'self_signed_tls_client_auth'
}

function fapi2(short: string, name: string, { bound, auth }: Fapi2, base: (short: string) => string): Plan {
  const signing = short === 'message-signing'
  return {
    name,
    short,
    variant: {
      client_auth_type: auth === 'private_key_jwt' ? auth : 'mtls',
      sender_constrain: bound,
      openid: 'openid_connect',
      fapi_profile: 'plain_fapi',
      authorization_request_type: 'simple',
      grant_management: 'disabled',
      ...(signing && { fapi_request_method: 'signed_non_repudiation', fapi_response_mode: 'jarm' }),
    },
    clients: (['client', 'client2'] as const).map((member) => ({
      member,
      registration: {
        // The second of the suite's clients comes back to an address with a query.
        redirect_uris: [`${base(short)}/callback`, `${base(short)}/callback?dummy1=lorem&dummy2=ipsum`],
        scope: 'openid profile offline_access',
        token_endpoint_auth_method: auth,
        ...(bound === 'dpop' && { dpop_bound_access_tokens: true }),
        ...(bound === 'mtls' && { tls_client_certificate_bound_access_tokens: true }),
        ...(signing && { require_signed_request_object: true }),
        dwar: policy('fapi2'),
      },
      signs: true,
      certificate: bound === 'mtls',
    })),
  }
}

const policy = (profile: string) => ({
  purpose: { en: 'To certify this issuer' },
  optional: ['email', 'phone_number', 'address', 'gender', 'birthdate'],
  profile,
})
