import type { DwarEvent } from '../privacy/event.ts'
import { claimScopes, findClaimRow } from './claims.ts'

/** The event of a login that begins: names of ours only, whatever the request carries beside them. */
export function interactionStarted(
  uid: string,
  { params = {} }: { params?: Record<string, unknown> | undefined },
): DwarEvent {
  const asked = typeof params.claims === 'string' ? (JSON.parse(params.claims) as Record<string, object | null>) : {}
  const named = new Set(Object.values(asked).flatMap((place) => Object.keys(place ?? {})))
  const scopes = String(params.scope ?? '').split(' ')
  return {
    body: {
      type: 'login.started',
      scopes: scopes.filter((scope) => scope === 'openid' || claimScopes.includes(scope)),
      claims: [...named].filter((name) => name === 'verified_claims' || findClaimRow(name)),
    },
    clientId: String(params.client_id),
    interactionUid: uid,
  }
}
