import type { Middleware } from 'koa'
import {
  type AdapterFactory,
  type ClientAuthMethod,
  type Configuration,
  type ExternalSigningKey,
  errors,
  type FindAccount,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { ConsentStore } from '../privacy/consent.ts'
import { accountClient, loadGrant } from './account-client.ts'
import { withEngineErrors } from './adapter-errors.ts'
import { enabledAlgorithms } from './algorithms.ts'
import { acrValues } from './assurance-levels.ts'
import { noteLogouts } from './back-channel-logout.ts'
import { claimScopes, toEngineClaims } from './claims.ts'
import { assertClientAssertion } from './client-authentication.ts'
import { type ClientCertificateSettings, certificateAuthMethods } from './client-certificate.ts'
import { createCookieSigner } from './cookie-signer.ts'
import { clientBasedCors } from './cors.ts'
import { toFeatures } from './features.ts'
import { httpRules } from './http-rules.ts'
import { refuseDeepJwts } from './jwt-depth.ts'
import { CLOCK_TOLERANCE, DPOP_WINDOW, ttl } from './lifetimes.ts'
import { tellTruth, toMetadata } from './metadata.ts'
import { createGuardedFetch } from './outgoing.ts'
import { sectorOf } from './pairwise.ts'
import { createPolicy, tellAskedAcr } from './policy.ts'
import { needsPkce, rotatesRefreshTokens } from './profile.ts'
import { createRefreshTtl, type RefreshLifetimes, sessionTtl } from './refresh-lifetime.ts'
import { assertRefreshResource } from './resources.ts'
import { ROUTES } from './routes.ts'
import type { LogoutStore } from './stores.ts'

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
  /** an app of the session that the running request ends must be told of it */
  readonly noteLogout: LogoutStore['note']
  /** of each algorithm the one that signs first; all are published */
  readonly signingKeys: ExternalSigningKey[]
  readonly cookieKeys: readonly string[]
  /** 32 bytes, the same in every instance */
  readonly dpopNonceSecret: Buffer
  /** how certificates of clients reach us; undefined when they do not */
  readonly clientCertificates: ClientCertificateSettings | undefined
  /** another origin of ours at which the proxy asks for certificates (RFC 8705 §5) */
  readonly mtlsOrigin: URL | undefined
  readonly findAccount: FindAccount
  readonly pairwise: (sectorIdentifier: string, accountId: string) => string
  readonly consents: ConsentStore
  readonly pages: IssuerPages
  readonly locales: readonly string[]
  readonly refreshLifetimes: RefreshLifetimes
  readonly clock: Clock
}

/** Builds the OpenID Connect engine with every unsafe default overridden (oidc-provider.md §1, security.md §1). */
export function createIssuer(parts: IssuerParts): Provider {
  const provider = new Provider(parts.issuer.origin, toConfiguration(parts))
  // The engine's own check is find-then-save, and lets two racing uses of one assertion both pass (oidc-provider.md §2).
  // And it forgets a proof after five minutes, though one dated ahead is good for longer.
  Object.assign(provider.ReplayDetection, {
    unique: (issuer: string, jti: string, expiresAt: number) =>
      parts.insertReplay(issuer, jti, expiresAt + DPOP_WINDOW),
  })
  // Every URL comes from the issuer: `web` overwrites Host and X-Forwarded-Proto with it on each request (security.md OP-10).
  provider.proxy = true
  noteLogouts(provider, parts.noteLogout)
  tellAskedAcr(provider)
  refuseDeepJwts(provider)
  provider.use(lateRefusals(parts.pages))
  provider.use(parts.tokenBatch)
  provider.use(httpRules)
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.status === 200 && ctx.path.startsWith('/.well-known/')) tellTruth(ctx.body, parts)
  })
  return provider
}

/** What is refused after the engine has answered, when its answer is stored, gets the page of its other refusals. */
function lateRefusals(pages: IssuerPages): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error
      if (error instanceof errors.SessionNotFound && canComeAgain(ctx as KoaContextWithOIDC)) return comeAgain(ctx)
      ctx.status = error.statusCode
      ctx.remove('Location')
      const out = { error: error.error, error_description: error.error_description }
      await pages.error(ctx as Parameters<IssuerPages['error']>[0], out, error)
    }
  }
}

/** The session ended, or got another id, while this request for a code ran. */
const canComeAgain = ({ method, oidc }: KoaContextWithOIDC): boolean =>
  method === 'GET' && oidc?.route === 'authorization'

/** With the cookie that the browser has by now: then she is signed in, or the app hears that she is not. */
function comeAgain(ctx: Parameters<Middleware>[0]): void {
  ctx.status = 303
  ctx.set('Location', ctx.url)
  ctx.body = ''
}

function toConfiguration(parts: IssuerParts): Configuration {
  const secure = parts.issuer.protocol === 'https:'
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const
  return {
    adapter: withEngineErrors(parts.adapter),
    clients: [accountClient(parts.issuer)],
    loadExistingGrant: loadGrant,
    jwks: { keys: parts.signingKeys },
    claims: toEngineClaims(),
    scopes: ['openid', 'offline_access', ...claimScopes],
    acrValues: [...acrValues],
    responseTypes: ['code', 'none'],
    subjectTypes: ['pairwise', 'public'],
    pairwiseIdentifier: async (_ctx, accountId, client) => parts.pairwise(sectorOf(client), accountId),
    // Fetching it would be a request to an address that a client chose; it is checked at registration instead.
    sectorIdentifierUriValidate: () => false,
    clientAuthMethods: authMethods(parts),
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      subject_type: 'pairwise',
    },
    extraClientMetadata: { properties: ['dwar'] },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    clientBasedCORS: clientBasedCors,
    clockTolerance: CLOCK_TOLERANCE,
    conformIdTokenClaims: true,
    pkce: { required: (_ctx, client) => needsPkce(client) },
    rotateRefreshToken: (ctx) => {
      assertRefreshResource(ctx)
      return rotatesRefreshTokens(ctx.oidc.client)
    },
    issueRefreshToken: async (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
    ttl: {
      ...ttl,
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? ttl.AccessToken,
      RefreshToken: createRefreshTtl(parts.refreshLifetimes, parts.clock),
      Session: sessionTtl(parts.clock),
    },
    fetch: createGuardedFetch(!secure),
    findAccount: parts.findAccount,
    renderError: parts.pages.error,
    routes: ROUTES,
    cookies: {
      keys: createCookieSigner(parts.cookieKeys),
      names: cookieNames(secure),
      long: cookie,
      short: cookie,
    },
    interactions: {
      policy: createPolicy(parts.consents, parts.clock),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    features: toFeatures(parts),
    enabledJWA: enabledAlgorithms,
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims, header, client) =>
      assertClientAssertion(claims, header, client, parts),
    discovery: toMetadata(parts),
  }
}

const authMethods = (parts: IssuerParts) =>
  [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    ...certificateAuthMethods(parts.clientCertificates),
    'none',
  ] as const satisfies readonly ClientAuthMethod[]

/** `__Host-` binds a cookie to this host; the interaction cookies are bound to a path and can only be `__Secure-`. */
function cookieNames(secure: boolean) {
  const [host, path] = secure ? ['__Host-', '__Secure-'] : ['', '']
  return { session: `${host}dwar_session`, interaction: `${path}dwar_interaction`, resume: `${path}dwar_resume` }
}
