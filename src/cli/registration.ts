/** What `dwar client add` may be told on the command line; everything else there is goes into a file. */
export interface ClientOptions {
  readonly name?: string
  readonly redirectUri?: string[]
  readonly purpose?: string
  readonly purposeHi?: string
  readonly postLogoutRedirectUri?: string[]
  readonly scope: string
  readonly optional?: string
  readonly retentionDays: number
  readonly auth: string
  readonly alg?: string
  readonly jwks?: string
  readonly native?: boolean
  readonly profile: string
  readonly dpop?: boolean
  readonly graceSeconds?: number
  readonly backchannelLogoutUri?: string
  readonly initiateLoginUri?: string
  /** `name=value`, each */
  readonly upstreamAdd?: string[]
  readonly upstreamDrop?: string[]
  readonly upstreamServiceName?: string
  readonly fromFile?: string
  readonly id?: string
}

/** The registration that the options spell; what is missing or wrong in it is named by `client add` itself. */
export function toRegistration(options: ClientOptions, readJson: (file: string) => unknown): unknown {
  return {
    client_name: options.name,
    application_type: options.native ? 'native' : 'web',
    redirect_uris: options.redirectUri,
    post_logout_redirect_uris: options.postLogoutRedirectUri ?? [],
    scope: options.scope,
    token_endpoint_auth_method: options.auth,
    ...(options.alg && { id_token_signed_response_alg: options.alg }),
    ...(options.dpop && { dpop_bound_access_tokens: true }),
    ...(options.backchannelLogoutUri && { backchannel_logout_uri: options.backchannelLogoutUri }),
    ...(options.initiateLoginUri && { initiate_login_uri: options.initiateLoginUri }),
    ...(options.jwks && { jwks: readJson(options.jwks) }),
    dwar: {
      purpose: { en: options.purpose, ...(options.purposeHi && { hi: options.purposeHi }) },
      optional: options.optional?.split(',').map((claim) => claim.trim()) ?? [],
      retentionDays: options.retentionDays,
      profile: options.profile,
      ...(options.graceSeconds !== undefined && { graceSeconds: options.graceSeconds }),
      ...toUpstream(options),
    },
  }
}

function toUpstream({ upstreamAdd, upstreamDrop, upstreamServiceName }: ClientOptions) {
  if (!upstreamAdd && !upstreamDrop && upstreamServiceName === undefined) return undefined
  const pairs = (upstreamAdd ?? []).map((pair) => [pair.split('=', 1).join(''), pair.slice(pair.indexOf('=') + 1)])
  return {
    upstream: {
      add: Object.fromEntries(pairs),
      drop: upstreamDrop ?? [],
      ...(upstreamServiceName !== undefined && { service_name: upstreamServiceName }),
    },
  }
}
