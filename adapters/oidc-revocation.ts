import Provider from 'oidc-provider'
import type { DwarEvent, EventBody } from '../src/privacy/event.ts'
import { toEventRows } from './event-rows.ts'
import { type OidcAdapterParts, send } from './oidc-parts.ts'
import { REVOKE_GRANT } from './oidc-sql.ts'

type Reason = Extract<EventBody, { type: 'grant.revoked' }>['reason']

/**
 * Ends a token family with its event, in one statement. The engine asks once for every model that the client may hold
 * and once more for the grant: within one of its requests the first call does it, and the others wait for that.
 */
export function revokeGrant(parts: OidcAdapterParts, grantId: string): Promise<void> {
  const notes = parts.memo()
  const known = notes?.revocations.get(grantId)
  if (known) return known
  const revoked = send(parts, REVOKE_GRANT, [grantId, revocationEvents(parts)]).then(() => notes?.forgetFamilies())
  notes?.revocations.set(grantId, revoked)
  return revoked
}

/** The events of a replay, as rows. */
export function reuseEvents({ database, clock }: OidcAdapterParts, model: string): string {
  return toEventRows(database, clock, reuse(model))
}

function revocationEvents({ database, clock }: OidcAdapterParts): string {
  const reason = reasonOf(Provider.ctx?.oidc?.route)
  const events = reason === 'reuse' ? reuse(replayedModel()) : [revoked(reason)]
  return toEventRows(database, clock, events)
}

function reuse(model: string): DwarEvent[] {
  return [{ body: { type: 'token.reused', model } }, revoked('reuse')]
}

function revoked(reason: Reason): DwarEvent {
  return { body: { type: 'grant.revoked', reason } }
}

/** At the token endpoint the engine revokes only when something comes a second time. */
function reasonOf(route: string | undefined): Reason {
  if (route === 'token') return 'reuse'
  if (route === 'revocation') return 'client'
  return route?.startsWith('end_session') ? 'logout' : 'other'
}

const MODEL_OF_GRANT_TYPE: Readonly<Record<string, string>> = {
  authorization_code: 'AuthorizationCode',
  refresh_token: 'RefreshToken',
  'urn:ietf:params:oauth:grant-type:device_code': 'DeviceCode',
  'urn:openid:params:grant-type:ciba': 'BackchannelAuthenticationRequest',
}

function replayedModel(): string {
  const grantType = Provider.ctx?.oidc?.params?.grant_type
  return (typeof grantType === 'string' && MODEL_OF_GRANT_TYPE[grantType]) || 'unknown'
}
