import type { Context, Middleware } from 'koa'
import { errors } from 'oidc-provider'
import type { ErrorCode } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { newIncidentId, type PageSender, type WayOut } from '../page.ts'
import { refusals, toErrorCode } from '../refusals.ts'

/**
 * Turns every failure of our own routes into a page (or JSON for a program) with a code and an incident id, and one log
 * line that carries the same id. Nothing of the error itself is shown.
 */
export function problems(pages: PageSender, log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const code = codeOf(error)
      const incidentId = newIncidentId()
      report(log, code, incidentId, error, ctx)
      answer(ctx, pages, code, incidentId)
    }
  }
}

/** The engine knows an interaction by cookie; without one there is nothing to go on with. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof errors.SessionNotFound) return 'INTERACTION_EXPIRED'
  if (isHttpError(error)) {
    if (error.status === 413) return 'REQUEST_TOO_LARGE'
    if (error.status === 404) return 'NOT_FOUND'
    if (error.status === 405 || error.status === 501) return 'METHOD_NOT_ALLOWED'
    if (error.status < 500) return 'REQUEST_INVALID'
  }
  return toErrorCode(error)
}

export function report(log: Log, code: ErrorCode, incidentId: string, error: unknown, ctx: Context): void {
  const line = { code, incidentId, route: ctx.state.route as string | undefined, error }
  if (refusals[code].severity === 'operator') log.error(line, 'refused')
  else log.info({ ...line, error: undefined }, 'refused')
}

function answer(ctx: Context, pages: PageSender, code: ErrorCode, incidentId: string): void {
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.status = refusals[code].status
    ctx.body = { error: refusals[code].oauth, code, incident_id: incidentId }
    return
  }
  pages.refuse(ctx, code, incidentId, ctx.state.wayOut as WayOut | undefined)
}

function isHttpError(error: unknown): error is { status: number } {
  return (
    typeof error === 'object' &&
    error !== null &&
    'status' in error &&
    typeof error.status === 'number' &&
    'expose' in error
  )
}
