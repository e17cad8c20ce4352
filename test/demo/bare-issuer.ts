import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

export const CLIENT = { clientId: 'shop', clientSecret: 'a-secret-of-the-test' }

const verifiedClaims = {
  verification: { trust_framework: 'in_digilocker', evidence: [{ type: 'document' }] },
  claims: { name: 'Meera <b>Kulkarni</b>', birthdate: '1994-02-28' },
}

export interface BareIssuer {
  readonly url: string
  /** Begins to answer, for a shop at this address. */
  serve(shopUrl: URL): Provider
  close(): void
}

/** An oidc-provider with nothing of ours in it; its address is known before that of the shop. */
export async function startBareIssuer(): Promise<BareIssuer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    serve(shopUrl) {
      const provider = createIssuer(url, shopUrl)
      server.on('request', provider.callback())
      return provider
    },
    close: () => void server.close(),
  }
}

function createIssuer(url: string, shopUrl: URL): Provider {
  return new Provider(url, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [new URL('/callback', shopUrl).href],
        post_logout_redirect_uris: [shopUrl.href],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    cookies: { keys: ['a-cookie-key-of-the-test'] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, RefreshToken: 600, IdToken: 600 },
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access', 'driving_licence'],
    claims: { openid: ['sub'], profile: ['name'], verified_claims: null, age_over_18: null },
    features: {
      claimsParameter: { enabled: true },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          ctx.body = form.replace('</form>', '<button name="logout" value="yes">Yes</button></form>')
        },
      },
    },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: verifiedClaims.claims.name, age_over_18: true, verified_claims: verifiedClaims }),
    }),
  })
}
