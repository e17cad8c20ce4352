import { randomBytes } from 'node:crypto'
import { openDatabase } from '../../adapters/database.ts'
import { migrate } from '../../adapters/migrator.ts'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/config.ts'
import { parseTrust, TrustStore } from '../../src/documents/trust/trust.ts'
import { createLog } from '../../src/log.ts'
import { listen } from '../../src/server.ts'
import type { BenchServer, DwarSettings } from './server.ts'

/** The product as it is deployed, one worker, logging at its usual level; it only counts its statements besides. */
export async function startDwar(settings: DwarSettings): Promise<BenchServer> {
  let statements = 0
  const database = await openDatabase({
    url: settings.databaseUrl,
    onStatement: () => {
      statements += 1
    },
  })
  await migrate(database)
  const config = readConfig(benchEnvironment(settings))
  const trust = new TrustStore([parseTrust(settings.simulator.trust, 'simulator')])
  const app = await createApp(config, createLog(config.logLevel), { database, trust })
  const listening = await listen(app.handle, config)
  return {
    ready: { issuer: config.issuer.origin, ...(await benchClient(app, settings.redirectUri)) },
    statements: () => statements,
    close: async () => {
      await listening.close(500)
      await app.close()
      await database.close()
    },
  }
}

/** Settings with keys of their own. */
export function benchEnvironment({ port, databaseUrl, simulator }: DwarSettings): Record<string, string> {
  return {
    DWAR_ENV: 'test',
    DWAR_RATE_LIMITS: 'off', // all seats have one address
    DWAR_ISSUER: `http://localhost:${port}`,
    DWAR_PORT: String(port),
    DWAR_DATABASE_URL: databaseUrl,
    DWAR_VAULT_KEYS: `bench:${randomBytes(32).toString('base64')}`,
    DWAR_INDEX_SECRET: randomBytes(32).toString('base64'),
    DWAR_COOKIE_KEYS: randomBytes(32).toString('base64url'),
    DIGILOCKER_BASE_URL: simulator.issuer,
    DIGILOCKER_CLIENT_ID: simulator.clientId,
    DIGILOCKER_CLIENT_SECRET: simulator.clientSecret,
  }
}

export async function benchClient(app: App, redirectUri: string): Promise<{ clientId: string; clientSecret: string }> {
  const { client_id: clientId, client_secret: clientSecret = '' } = await app.clients.add({
    client_name: 'Bench',
    redirect_uris: [redirectUri],
    scope: 'openid offline_access profile phone driving_licence pan',
    id_token_signed_response_alg: 'ES256',
    dwar: { purpose: { en: 'To measure how fast a login is' } },
  })
  return { clientId, clientSecret }
}
