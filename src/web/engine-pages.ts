import { errors } from 'oidc-provider'
import type { ErrorCode } from '../errors.ts'
import type { Log } from '../log.ts'
import { registeredDomain } from '../provider/clients.ts'
import type { IssuerPages } from '../provider/issuer.ts'
import { compareAddresses } from './address-diff.ts'
import { codeOf, report } from './middleware/problems.ts'
import { newIncidentId, type PageSender } from './page.ts'

/** The pages that the engine asks for, in our look and the person's language. */
export function createEnginePages(pages: PageSender, log: Log): IssuerPages {
  return {
    error: async (ctx, out, error) => {
      const code = toCode(error)
      const incidentId = newIncidentId()
      report(log, code, incidentId, error, ctx)
      const { status } = ctx
      if (code === 'REDIRECT_URI_MISMATCH') sendDifference(pages, ctx, incidentId)
      else pages.refuse(ctx, code, incidentId)
      // The engine has set the status that the protocol wants; a browser's error page keeps it.
      if (status >= 400) ctx.status = status
      ctx.set('X-OAuth-Error', out.error.replace(/[^\w.-]/g, ''))
    },
    signOut: (ctx, action, xsrf) => {
      pages.send(ctx, 'sign-out', (_words, languages) => ({
        action: new URL(action).pathname,
        xsrf,
        clientName: clientName(ctx),
        languages,
      }))
    },
    signedOut: (ctx) => {
      pages.send(ctx, 'signed-out', (_words, languages) => ({ clientName: clientName(ctx), languages }))
    },
  }
}

function clientName(ctx: Parameters<IssuerPages['signedOut']>[0]): string | undefined {
  const client = ctx.oidc.client
  return client && (client.clientName ?? registeredDomain(client.redirectUris))
}

const POST_LOGOUT_REFUSED = 'post_logout_redirect_uri not registered'

type EngineContext = Parameters<IssuerPages['signedOut']>[0]

/** Never a redirect: the address is what is in doubt. The client is known here, or the engine would not have compared. */
function sendDifference(pages: PageSender, ctx: EngineContext, incidentId: string): void {
  const { client, params } = ctx.oidc
  const parameter = params?.post_logout_redirect_uri === undefined ? 'redirect_uri' : 'post_logout_redirect_uri'
  const registered = parameter === 'redirect_uri' ? client?.redirectUris : client?.postLogoutRedirectUris
  pages.send(ctx, 'address-refused', (_words, languages) => ({
    code: 'REDIRECT_URI_MISMATCH',
    incidentId,
    clientName: clientName(ctx) ?? '',
    parameter,
    diff: compareAddresses(String(params?.[parameter] ?? ''), registered ?? []),
    languages,
  }))
}

/** The engine's own error, in our words. */
function toCode(error: Error): ErrorCode {
  if (error instanceof errors.InvalidClient) return 'CLIENT_UNKNOWN'
  if (error instanceof errors.InvalidRedirectUri) return 'REDIRECT_URI_MISMATCH'
  // The one refusal that the engine makes for this parameter, in its own fixed words.
  if (error instanceof errors.InvalidRequest && error.error_description === POST_LOGOUT_REFUSED)
    return 'REDIRECT_URI_MISMATCH'
  if (error instanceof errors.SessionNotFound) return 'INTERACTION_EXPIRED'
  if (error instanceof errors.OIDCProviderError && error.statusCode < 500) return 'REQUEST_INVALID'
  return codeOf(error)
}
