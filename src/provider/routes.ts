/** Where everything is. Relying apps read it from discovery, but it is settled: some write it down. */
export const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  pushed_authorization_request: '/par',
  introspection: '/introspect',
  revocation: '/revoke',
  end_session: '/logout',
} as const

/** Endpoints at which a client may show a certificate, by their name in the metadata (RFC 8705 §5). */
export const MTLS_ENDPOINTS = {
  token_endpoint: ROUTES.token,
  userinfo_endpoint: ROUTES.userinfo,
  pushed_authorization_request_endpoint: ROUTES.pushed_authorization_request,
  introspection_endpoint: ROUTES.introspection,
  revocation_endpoint: ROUTES.revocation,
} as const

export const MTLS_PATHS: readonly string[] = Object.values(MTLS_ENDPOINTS)
