import type { Middleware } from 'koa'
import {
  type AdapterFactory,
  type Configuration,
  type ExternalSigningKey,
  errors,
  type FindAccount,
  Provider,
} from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { ConsentStore } from '../privacy/consent.ts'
import type { DwarEvent } from '../privacy/event.ts'
import { withEngineErrors } from './adapter-errors.ts'
import { claimScopes, findClaimRow, toEngineClaims } from './claims.ts'
import type { ClientPolicy } from './clients.ts'
import { createPolicy } from './policy.ts'
import { claimsInVerifiedClaims, documentTypes, faultInVerifiedRequest, TRUST_FRAMEWORK } from './verified-claims.ts'

/** Pages that the engine asks for; HTML is made in `web`. */
export interface IssuerPages {
  error: NonNullable<Configuration['renderError']>
  signOut: (ctx: Parameters<NonNullable<Configuration['renderError']>>[0], action: string, xsrf: string) => void
  signedOut: (ctx: Parameters<NonNullable<Configuration['renderError']>>[0]) => void
}

export interface IssuerParts {
  readonly issuer: URL
  readonly adapter: AdapterFactory
  /** stores the tokens of one request together, before its response leaves */
  readonly tokenBatch: Middleware
  readonly insertReplay: (issuer: string, jti: string, expiresAt: number) => Promise<boolean>
  /** of each algorithm the one that signs first; all are published */
  readonly signingKeys: ExternalSigningKey[]
  readonly cookieKeys: readonly string[]
  readonly findAccount: FindAccount
  readonly pairwise: (sectorIdentifier: string, accountId: string) => string
  readonly consents: ConsentStore
  readonly pages: IssuerPages
  readonly locales: readonly string[]
  readonly clock: Clock
}

export const ACR_DOCUMENT = 'urn:dwar:acr:document'
export const ACR_ACCOUNT = 'urn:dwar:acr:account'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long things live, in seconds. A grant outlives every token it carries (oidc-provider.md §3). */
export const ttl = {
  Interaction: 15 * MINUTE,
  AuthorizationCode: MINUTE,
  AccessToken: 10 * MINUTE,
  IdToken: 10 * MINUTE,
  RefreshToken: 14 * DAY,
  Session: HOUR,
  Grant: 90 * DAY,
} as const

/** Seconds that another machine's clock may be off (security.md OP-15). */
export const CLOCK_TOLERANCE = 10

/** Builds the OpenID Connect engine with every unsafe default overridden (oidc-provider.md §1, security.md §1). */
export function createIssuer(parts: IssuerParts): Provider {
  const provider = new Provider(parts.issuer.origin, toConfiguration(parts))
  // The engine's own check is find-then-save, and lets two racing uses of one assertion both pass (oidc-provider.md §2).
  Object.assign(provider.ReplayDetection, { unique: parts.insertReplay })
  // Every URL comes from the issuer: `web` overwrites Host and X-Forwarded-Proto with it on each request (security.md OP-10).
  provider.proxy = true
  provider.use(parts.tokenBatch)
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.status !== 404 || ctx.body) return
    ctx.status = 404
    ctx.body = { error: 'not_found', error_description: 'there is nothing at this path' }
  })
  return provider
}

function toConfiguration(parts: IssuerParts): Configuration {
  const secure = parts.issuer.protocol === 'https:'
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const
  return {
    adapter: withEngineErrors(parts.adapter),
    jwks: { keys: parts.signingKeys },
    claims: toEngineClaims(),
    scopes: ['openid', 'offline_access', ...claimScopes],
    acrValues: [ACR_DOCUMENT, ACR_ACCOUNT],
    responseTypes: ['code'],
    subjectTypes: ['pairwise', 'public'],
    pairwiseIdentifier: async (_ctx, accountId, client) =>
      parts.pairwise(String(client.sectorIdentifier ?? client.clientId), accountId),
    // Fetching it would be a request to an address that a client chose; it is checked at registration instead.
    sectorIdentifierUriValidate: () => false,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      subject_type: 'pairwise',
    },
    extraClientMetadata: { properties: ['dwar'] },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    clockTolerance: CLOCK_TOLERANCE,
    conformIdTokenClaims: true,
    pkce: { required: (_ctx, client) => (client.dwar as ClientPolicy | undefined)?.pkceExempt !== true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
    ttl: { ...ttl },
    findAccount: parts.findAccount,
    renderError: parts.pages.error,
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      pushed_authorization_request: '/par',
      introspection: '/introspect',
      revocation: '/revoke',
      end_session: '/logout',
    },
    cookies: {
      keys: [...parts.cookieKeys],
      names: cookieNames(secure),
      long: cookie,
      short: cookie,
    },
    interactions: {
      policy: createPolicy(parts.consents),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    features: toFeatures(parts),
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'],
      clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    },
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims) => assertClientAssertion(claims, parts),
    discovery: {
      claims_parameter_supported: true,
      ui_locales_supported: [...parts.locales],
      verified_claims_supported: true,
      trust_frameworks_supported: [TRUST_FRAMEWORK],
      claims_in_verified_claims_supported: [...claimsInVerifiedClaims],
      evidence_supported: ['document'],
      documents_supported: Object.values(documentTypes),
      documents_check_methods_supported: ['vcrypt'],
    },
  }
}

function toFeatures(parts: IssuerParts): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    dPoP: { enabled: false },
    resourceIndicators: { enabled: false },
    pushedAuthorizationRequests: { enabled: true },
    claimsParameter: { enabled: true, assertClaimsParameter: async (_ctx, claims) => assertClaims(claims) },
    // A client learns about its own tokens only; of another's it hears what it would hear of nonsense (security.md OP-13).
    introspection: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => parts.pages.signOut(ctx, attribute(form, 'action'), attribute(form, 'value')),
      postLogoutSuccessSource: (ctx) => parts.pages.signedOut(ctx),
    },
  }
}

/** `__Host-` binds a cookie to this host; the interaction cookies are bound to a path and can only be `__Secure-`. */
function cookieNames(secure: boolean) {
  const [host, path] = secure ? ['__Host-', '__Secure-'] : ['', '']
  return { session: `${host}dwar_session`, interaction: `${path}dwar_interaction`, resume: `${path}dwar_resume` }
}

/** The event of a login that begins: names of ours only, whatever the request carries beside them. */
export function interactionStarted(
  uid: string,
  { params = {} }: { params?: Record<string, unknown> | undefined },
): DwarEvent {
  const asked = typeof params.claims === 'string' ? (JSON.parse(params.claims) as Record<string, object | null>) : {}
  const named = new Set(Object.values(asked).flatMap((place) => Object.keys(place ?? {})))
  const scopes = String(params.scope ?? '').split(' ')
  return {
    body: {
      type: 'login.started',
      scopes: scopes.filter((scope) => scope === 'openid' || claimScopes.includes(scope)),
      claims: [...named].filter((name) => name === 'verified_claims' || findClaimRow(name)),
    },
    clientId: String(params.client_id),
    interactionUid: uid,
  }
}

function assertClaims(claims: { id_token?: unknown; userinfo?: unknown }): void {
  for (const place of ['id_token', 'userinfo'] as const) {
    const members = claims[place]
    if (members === undefined || members === null) continue
    for (const [name, member] of Object.entries(members)) {
      if (name === 'verified_claims') {
        const fault = faultInVerifiedRequest(member)
        if (fault) throw new errors.InvalidRequest(`claims.${place}.${fault}`)
      } else if (member !== null && (typeof member !== 'object' || Array.isArray(member)))
        throw new errors.InvalidRequest(`claims.${place} members must be null or objects`)
    }
  }
}

/** The issuer alone as audience, and a short life: an assertion for us is good nowhere else and not for long (security.md OP-8). */
function assertClientAssertion(claims: Record<string, unknown>, { issuer, clock }: IssuerParts): void {
  if (claims.aud !== issuer.origin)
    throw new errors.InvalidClientAuth('aud must be the issuer identifier, as a single string')
  if (typeof claims.exp !== 'number' || claims.exp > clock() + MINUTE + CLOCK_TOLERANCE)
    throw new errors.InvalidClientAuth('exp must be at most 60 seconds ahead')
}

/** The engine hands over its sign-out form as HTML of its own making; our page prints the two values in our own form. */
function attribute(form: string, name: 'action' | 'value'): string {
  const found = new RegExp(`${name}="([^"]*)"`).exec(form)?.[1]
  if (found === undefined) throw new TypeError(`the engine's sign-out form has no ${name}`)
  return found
}
