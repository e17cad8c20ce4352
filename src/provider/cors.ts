import type { Configuration } from 'oidc-provider'

/**
 * Which pages may read an answer of ours in a browser: those at the origin of a redirect URI that the client registered.
 * Userinfo for every client; the other endpoints only for clients without a secret, because a page that holds one has
 * given it away. Discovery and keys are open to all, no answer allows credentials (RFC 9700 §2.6).
 */
export const clientBasedCors: NonNullable<Configuration['clientBasedCORS']> = (ctx, origin, client) => {
  // Sandboxed frames and files say `null`, and so does the origin of a redirect URI like `com.example.app:/callback`.
  if (origin === 'null') return false
  if (ctx.oidc.route !== 'userinfo' && client.clientAuthMethod !== 'none') return false
  return (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin)
}
