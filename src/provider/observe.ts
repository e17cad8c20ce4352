import type { EventEmitter } from 'node:events'
import type { Provider } from 'oidc-provider'
import { describeError, type Log } from '../log.ts'

/** What the engine reports and an operator must be able to find: which endpoint refused, with which code, and why. */
const REFUSALS = [
  'authorization.error',
  'grant.error',
  'userinfo.error',
  'introspection.error',
  'revocation.error',
  'pushed_authorization_request.error',
  'end_session.error',
  'end_session_confirm.error',
  'discovery.error',
  'jwks.error',
] as const

/**
 * Writes the engine's own reports to the log. Listeners run inside the request and an exception in one would turn a
 * token response into a 500 (oidc-provider.md §3, "Events"), so each is guarded and writes codes only.
 */
export function observe(provider: Provider, log: Log): void {
  const emitter = provider as unknown as EventEmitter
  for (const name of REFUSALS)
    emitter.on(
      name,
      guarded(log, (_ctx, error) => log.info({ event: name, ...oauthError(error) }, 'engine refused')),
    )
  emitter.on(
    'server_error',
    guarded(log, (_ctx, error) => log.error({ event: 'server_error', error: describeError(error) }, 'engine failed')),
  )
  emitter.on(
    'error',
    guarded(log, (error) => log.error({ event: 'error', error: describeError(error) }, 'engine failed')),
  )
}

function guarded(log: Log, listener: (...args: unknown[]) => void) {
  return (...args: unknown[]) => {
    try {
      listener(...args)
    } catch (error) {
      log.error({ error: describeError(error) }, 'a listener failed')
    }
  }
}

/** The engine's `error_detail` is its own fixed wording, but cut short all the same: a value could ride in its tail. */
function oauthError(error: unknown): Record<string, string> {
  if (typeof error !== 'object' || error === null) return {}
  const { error: code, error_detail: detail } = error as { error?: unknown; error_detail?: unknown }
  return {
    ...(typeof code === 'string' && { oauthError: code }),
    ...(typeof detail === 'string' && { detail: detail.replace(/[^\w ,.'-]/g, ' ').slice(0, 80) }),
  }
}
