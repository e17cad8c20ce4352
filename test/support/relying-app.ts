import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { logIn, REDIRECT_URI, type Stage } from './stage.ts'

export const insecure = { [oauth.allowInsecureRequests]: true }

type Parameters = Record<string, string | readonly string[] | undefined>

/** A relying app on oauth4webapi: every answer goes through a strict second implementation. */
export interface RelyingApp {
  readonly as: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly auth: oauth.ClientAuth
  readonly secret: string
  request(change?: Parameters): Promise<{ readonly verifier: string; readonly parameters: URLSearchParams }>
  authorizeUrl(parameters: URLSearchParams): URL
  /** a whole login up to the callback */
  authorized(
    change?: Parameters,
  ): Promise<{ readonly callback: URLSearchParams; readonly verifier: string; readonly parameters: URLSearchParams }>
  exchange(
    callback: URLSearchParams,
    verifier: string,
    options?: oauth.TokenEndpointRequestOptions,
  ): Promise<globalThis.Response>
}

export async function discover(issuer: URL): Promise<oauth.AuthorizationServer> {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
}

/** Registers an app and gives it a client library. */
export async function addRelyingApp(
  stage: Stage,
  change: Record<string, unknown> = {},
  authenticate: (secret: string) => oauth.ClientAuth = oauth.ClientSecretPost,
): Promise<RelyingApp> {
  const as = await discover(stage.issuer)
  const { client_id, client_secret, metadata } = await stage.addClient({
    token_endpoint_auth_method: 'client_secret_post',
    ...change,
  })
  const client: oauth.Client = {
    client_id,
    id_token_signed_response_alg: String(metadata.id_token_signed_response_alg),
    ...(metadata.userinfo_signed_response_alg
      ? { userinfo_signed_response_alg: String(metadata.userinfo_signed_response_alg) }
      : {}),
    ...(metadata.authorization_signed_response_alg
      ? { authorization_signed_response_alg: String(metadata.authorization_signed_response_alg) }
      : {}),
  }
  const auth = authenticate(client_secret)

  async function request(changed: Parameters = {}) {
    const verifier = oauth.generateRandomCodeVerifier()
    const all: Parameters = {
      client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid offline_access profile',
      prompt: 'consent',
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...changed,
    }
    const given = Object.entries(all).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one as string]),
    )
    return { verifier, parameters: new URLSearchParams(given) }
  }
  const authorizeUrl = (parameters: URLSearchParams) => new URL(`${as.authorization_endpoint}?${parameters}`)
  return {
    as,
    client,
    auth,
    secret: client_secret,
    request,
    authorizeUrl,
    async authorized(changed = {}) {
      const { verifier, parameters } = await request(changed)
      const back = await logIn(authorizeUrl(parameters))
      return {
        callback: oauth.validateAuthResponse(as, client, back, parameters.get('state') ?? oauth.expectNoState),
        verifier,
        parameters,
      }
    },
    exchange: (callback, verifier, options = {}) =>
      oauth.authorizationCodeGrantRequest(as, client, auth, callback, REDIRECT_URI, verifier, {
        ...insecure,
        ...options,
      }),
  }
}

export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  /** public */
  readonly jwk: JWK
}

export async function makeKey(alg = 'ES256', members: Record<string, unknown> = {}): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid: `k-${alg}`, ...members } }
}

/** A request object (RFC 9101), with members changed or left out. */
export async function signRequest(
  { client }: Pick<RelyingApp, 'client'>,
  issuer: URL,
  key: CryptoKey | Uint8Array,
  parameters: URLSearchParams,
  change: { readonly claims?: Record<string, unknown>; readonly header?: Record<string, unknown> } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    ...Object.fromEntries(parameters),
    iss: client.client_id,
    aud: issuer.origin,
    iat: now,
    nbf: now,
    exp: now + 120,
    ...change.claims,
  }
  const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
  return new SignJWT(given).setProtectedHeader({ alg: 'ES256', typ: 'oauth-authz-req+jwt', ...change.header }).sign(key)
}
