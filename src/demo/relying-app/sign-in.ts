import { createHash } from 'node:crypto'
import * as openid from 'openid-client'

/** A sign-in that the shop offers: what it asks for, in scopes and the `claims` parameter (OpenID Connect Core §5.5). */
export interface Offer {
  readonly label: string
  readonly about: string
  readonly scope: string
  readonly claims?: object
}

const proof = {
  userinfo: {
    verified_claims: {
      verification: {
        trust_framework: null,
        evidence: [{ type: { value: 'document' }, document_details: { type: null } }],
      },
      claims: { name: null, birthdate: null },
    },
  },
  id_token: { age_over_18: null },
}

export const offers = {
  basic: {
    label: 'basic profile',
    about: 'Name, date of birth and gender.',
    scope: 'openid offline_access profile',
  },
  licence: {
    label: 'with driving licence',
    about: 'The profile, and what the driving licence says.',
    scope: 'openid offline_access profile driving_licence',
  },
  proof: {
    label: 'with proof (verified_claims)',
    about: 'Name and date of birth, with the evidence behind them, and only the answer whether you are 18.',
    scope: 'openid offline_access',
    claims: proof,
  },
} satisfies Record<string, Offer>

export type OfferId = keyof typeof offers

/** What has to be remembered while the person is away. */
export interface PendingSignIn {
  readonly offer: OfferId
  readonly codeVerifier: string
  readonly state: string
  readonly nonce: string
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string | undefined
}

/** What the shop received. */
export interface SignedIn {
  readonly offer: OfferId
  readonly idToken: string
  readonly header: unknown
  readonly claims: Readonly<Record<string, unknown>>
  readonly userinfo: Readonly<Record<string, unknown>>
  readonly tokens: Tokens
  /** the refresh token before the last one: used up */
  readonly oldRefreshToken?: string | undefined
  readonly refreshes: number
}

/** What came of using the old refresh token again. */
export interface Replay {
  readonly refresh: string
  readonly userinfo: string
}

export interface SignInSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly afterSignOut: string
  readonly fetch?: openid.CustomFetch | undefined
}

/** The protocol, all of it by openid-client: discovery, code + PKCE + state + nonce, userinfo, refresh, sign-out. */
export class SignIn {
  readonly #settings: SignInSettings
  #discovered: Promise<openid.Configuration> | undefined

  constructor(settings: SignInSettings) {
    this.#settings = settings
  }

  async begin(offer: OfferId): Promise<{ url: URL; pending: PendingSignIn }> {
    const config = await this.#configuration()
    const pending = {
      offer,
      codeVerifier: openid.randomPKCECodeVerifier(),
      state: openid.randomState(),
      nonce: openid.randomNonce(),
    }
    const { scope, claims }: Offer = offers[offer]
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: this.#settings.redirectUri,
      scope,
      // without it a refresh token is not given (OpenID Connect Core §11)
      prompt: 'consent',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
      ...(claims && { claims: JSON.stringify(claims) }),
    })
    return { url, pending }
  }

  /** @throws of openid-client: for another state or issuer, for an error that the issuer reports, for a bad ID token */
  async finish(callback: URL, pending: PendingSignIn): Promise<SignedIn> {
    const config = await this.#configuration()
    const response = await openid.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: pending.codeVerifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
    })
    const claims = response.claims()
    const idToken = response.id_token
    if (!claims || !idToken) throw new Error('the issuer gave no ID token')
    return {
      offer: pending.offer,
      idToken,
      header: decodeHeader(idToken),
      claims,
      userinfo: await openid.fetchUserInfo(config, response.access_token, claims.sub),
      tokens: { accessToken: response.access_token, refreshToken: response.refresh_token },
      refreshes: 0,
    }
  }

  /** New tokens for the refresh token; the one used is kept to show that it is worth nothing now. */
  async refresh(signedIn: SignedIn): Promise<SignedIn> {
    const { refreshToken } = signedIn.tokens
    if (!refreshToken) throw new Error('there is no refresh token')
    const response = await openid.refreshTokenGrant(await this.#configuration(), refreshToken)
    return {
      ...signedIn,
      idToken: response.id_token ?? signedIn.idToken,
      tokens: { accessToken: response.access_token, refreshToken: response.refresh_token ?? refreshToken },
      oldRefreshToken: refreshToken,
      refreshes: signedIn.refreshes + 1,
    }
  }

  /** What a thief of an old refresh token gets, and what becomes of the whole family (RFC 9700 §4.14). */
  async replay({ oldRefreshToken = '', tokens, claims }: SignedIn): Promise<Replay> {
    const config = await this.#configuration()
    const refresh = await outcome(openid.refreshTokenGrant(config, oldRefreshToken))
    const userinfo = await outcome(openid.fetchUserInfo(config, tokens.accessToken, String(claims.sub)))
    return { refresh, userinfo }
  }

  async signOutUrl(signedIn: SignedIn): Promise<URL> {
    return openid.buildEndSessionUrl(await this.#configuration(), {
      id_token_hint: signedIn.idToken,
      post_logout_redirect_uri: this.#settings.afterSignOut,
    })
  }

  /** Asked once; a failure is forgotten, so that the shop may be started before its issuer. */
  #configuration(): Promise<openid.Configuration> {
    this.#discovered ??= this.#discover().catch((error: unknown) => {
      this.#discovered = undefined
      throw error
    })
    return this.#discovered
  }

  #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret, fetch } = this.#settings
    const url = new URL(issuer)
    return openid.discovery(url, clientId, undefined, openid.ClientSecretBasic(clientSecret), {
      // http only where the developer named it: an issuer on this very machine
      execute: url.protocol === 'http:' ? [openid.allowInsecureRequests] : [],
      ...(fetch && { [openid.customFetch]: fetch }),
    })
  }
}

async function outcome(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return 'it still works'
  } catch (error) {
    return nameOf(error) // the refusal is what is to be shown
  }
}

/** The protocol's own word for an error: `access_denied`, `invalid_grant`, `invalid_token`. */
export function nameOf(error: unknown): string {
  if (error instanceof openid.AuthorizationResponseError) return error.error
  if (error instanceof openid.ResponseBodyError) return error.error
  if (error instanceof openid.WWWAuthenticateChallengeError)
    return error.cause[0]?.parameters.error ?? `HTTP ${error.status}`
  if (error instanceof openid.ClientError) return error.code ?? 'refused by the client library'
  return 'the issuer could not be reached'
}

/** Enough of a token to tell it from another, never enough to use it. */
export function fingerprint(token: string | undefined): string {
  if (token === undefined) return 'none'
  return `${token.slice(0, 8)}… (SHA-256 ${createHash('sha256').update(token).digest('hex').slice(0, 12)})`
}

function decodeHeader(jwt: string): unknown {
  return JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString('utf8'))
}
