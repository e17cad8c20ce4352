import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'

/** Who is signed in at this issuer in this browser. */
export interface BrowserSession {
  readonly accountId: string
  /** stays when the engine gives the session another id */
  readonly uid: string
}

/**
 * Reads the engine's session by its signed cookie, as the engine would. Looking changes nothing: neither the session nor how
 * long it lives.
 */
export async function findBrowserSession(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<BrowserSession | undefined> {
  const id = provider.createContext(request, response).cookies.get(provider.cookieName('session'), { signed: true })
  const session = id === undefined ? undefined : await provider.Session.find(id)
  return session?.accountId === undefined ? undefined : { accountId: session.accountId, uid: session.uid }
}
