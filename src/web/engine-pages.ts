import { errors } from 'oidc-provider'
import type { ErrorCode } from '../errors.ts'
import type { Log } from '../log.ts'
import { registeredDomain } from '../provider/clients.ts'
import type { IssuerPages } from '../provider/issuer.ts'
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
      pages.refuse(ctx, code, incidentId)
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

/** The engine's own error, in our words. */
function toCode(error: Error): ErrorCode {
  if (error instanceof errors.InvalidClient) return 'CLIENT_UNKNOWN'
  if (error instanceof errors.SessionNotFound) return 'INTERACTION_EXPIRED'
  if (error instanceof errors.OIDCProviderError && error.statusCode < 500) return 'REQUEST_INVALID'
  return codeOf(error)
}
