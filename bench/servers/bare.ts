import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { type Configuration, Provider } from 'oidc-provider'
import { listen } from '../../src/server.ts'
import { openPlainStore } from './plain-adapter.ts'
import type { BareSettings, BenchServer } from './server.ts'

const CLIENT = { clientId: 'bench', clientSecret: randomBytes(32).toString('base64url') }

/**
 * The baseline: the engine by itself with its own in-memory adapter or the plainest one on PostgreSQL, and what Dwar does
 * with it: code flow with PKCE, ES256, rotated refresh tokens, introspection. One interaction, answered at once, in place
 * of a rail and a consent screen.
 */
export async function startBare({ port, redirectUri, databaseUrl }: BareSettings): Promise<BenchServer> {
  const store = databaseUrl === undefined ? undefined : await openPlainStore(databaseUrl)
  const provider = new Provider(`http://localhost:${port}`, {
    ...(await configure(redirectUri)),
    ...(store && { adapter: store.adapter }),
  })
  const callback = provider.callback()
  const listening = await listen(
    (request, response) => {
      if (!request.url?.startsWith('/interaction/')) return void callback(request, response)
      agree(provider, request, response).catch((error: unknown) => response.destroy(error as Error))
    },
    { host: '127.0.0.1', port },
  )
  return {
    ready: { issuer: provider.issuer, ...CLIENT },
    ...(store && { statements: store.statements }),
    close: async () => {
      await listening.close(500)
      await store?.close()
    },
  }
}

async function configure(redirectUri: string): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = await exportJWK(privateKey)
  return {
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig', kid: 'bench' }] },
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    scopes: ['openid', 'offline_access', 'phone'],
    claims: { openid: ['sub'], phone: ['phone_number', 'phone_number_verified'] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, phone_number: '+919000000000', phone_number_verified: false }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, introspection: { enabled: true } },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 900,
      RefreshToken: 86_400,
      Session: 3600,
    },
  }
}

/** Somebody new signs in and agrees to all that is asked. */
async function agree(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response)
  const accountId = randomBytes(16).toString('base64url')
  const grant = new provider.Grant({ accountId, clientId: String(params.client_id) })
  grant.addOIDCScope(String(params.scope))
  const result = { login: { accountId }, consent: { grantId: await grant.save() } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}
