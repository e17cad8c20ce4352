import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader } from 'jose'
import Provider, { type KoaContextWithOIDC } from 'oidc-provider'
import { type ClientCertificateSettings, toMutualTls } from './client-certificate.ts'
import type { ClientPolicy } from './clients.ts'

/** How a refresh that is under way may be repeated, should its answer be lost on the way. */
export interface RepeatTerms {
  /** 1 to 30 */
  readonly graceSeconds: number
  /** SHA-256 of all that makes this request this one: only the very same request is a repetition */
  readonly requestHash: Buffer
}

/** What is needed to know of the refresh token in hand. */
export interface PresentedRefreshToken {
  readonly jkt?: string | undefined
  readonly 'x5t#S256'?: string | undefined
}

/**
 * The terms of the refresh that the engine is serving; undefined where no repetition is allowed (security.md OP-6): at any
 * other endpoint, without a window of the client's, and for a client that proves itself neither by authentication nor by
 * the key that its tokens are bound to, since whoever copied the token could then fetch its successor.
 */
export function createRepeatTerms(certificates: ClientCertificateSettings | undefined) {
  const { getCertificate } = toMutualTls(certificates)
  return async (token: PresentedRefreshToken): Promise<RepeatTerms | undefined> => {
    const ctx = Provider.ctx
    if (ctx?.oidc?.route !== 'token' || ctx.oidc.params?.grant_type !== 'refresh_token') return undefined
    const graceSeconds = (ctx.oidc.client?.dwar as ClientPolicy | undefined)?.graceSeconds ?? 0
    const bound = token.jkt !== undefined || token['x5t#S256'] !== undefined
    if (graceSeconds === 0 || (ctx.oidc.client?.clientAuthMethod === 'none' && !bound)) return undefined
    const certificate = getCertificate?.(ctx)
    return { graceSeconds, requestHash: await hashRequest(ctx, certificate && String(certificate)) }
  }
}

/** Client, scope, resources and keys: with another of these, the answer would be another. */
async function hashRequest(ctx: KoaContextWithOIDC, certificate: string | undefined): Promise<Buffer> {
  const { client, params = {} } = ctx.oidc
  const words = (value: unknown): string[] =>
    [value ?? []]
      .flat()
      .flatMap((one) => String(one).split(' '))
      .toSorted()
  const parts = [
    client?.clientId,
    words(params.scope),
    words(params.resource),
    params.authorization_details ?? null,
    await keyOf(ctx.get('DPoP')),
    certificate ?? null,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}

/** Thumbprint of the key of a DPoP proof, which the engine has verified before it looks for the token (RFC 9449 §4.3). */
async function keyOf(proof: string): Promise<string | null> {
  const { jwk } = proof === '' ? {} : decodeProtectedHeader(proof)
  return jwk ? calculateJwkThumbprint(jwk) : null
}
