import type { ClientMetadata, Grant, KoaContextWithOIDC } from 'oidc-provider'

/**
 * We are a relying app of our own: at `/account` a person signs in with DigiLocker to see what she shares, and shares
 * nothing by it. It is in no database, and gets neither code nor token: there is nothing to use them for.
 */
export const ACCOUNT_CLIENT = 'dwar-account'

const RESPONSE_TYPE = 'none'

export const isAccountClient = (clientId: string): boolean => clientId === ACCOUNT_CLIENT

/** @see OAuth 2.0 Multiple Response Type Encoding Practices §4 (`none`) */
export const accountClient = (issuer: URL): ClientMetadata => ({
  client_id: ACCOUNT_CLIENT,
  client_name: 'Dwar',
  redirect_uris: [accountAddress(issuer)],
  response_types: [RESPONSE_TYPE],
  grant_types: [],
  token_endpoint_auth_method: 'none',
  scope: 'openid',
  // DigiLocker shows it, in Latin letters; our own page has its own words.
  dwar: { purpose: { en: 'To see what you share and with whom' } },
})

/** What the request is granted. Apps have theirs with a consent; ours asks for nothing and is given nothing to keep. */
export async function loadGrant({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, result, provider } = oidc
  const clientId = String(client?.clientId)
  if (isAccountClient(clientId)) {
    const grant = new provider.Grant({ clientId, accountId: session?.accountId })
    grant.addOIDCScope('openid')
    return grant
  }
  const grantId = result?.consent?.grantId ?? session?.grantIdFor(clientId)
  return grantId === undefined ? undefined : provider.Grant.find(grantId)
}

/** Always with a new sign-in at DigiLocker: the session there may be that of whoever held the phone before. */
export function accountSignIn(issuer: URL): string {
  const query = new URLSearchParams({
    client_id: ACCOUNT_CLIENT,
    response_type: RESPONSE_TYPE,
    redirect_uri: accountAddress(issuer),
    scope: 'openid',
    prompt: 'login',
  })
  return `/authorize?${query}`
}

const accountAddress = (issuer: URL): string => new URL('/account', issuer).href
