import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'
import type { Provider } from 'oidc-provider'
import { type Database, openDatabase } from '../adapters/database.ts'
import { createDecisionStore } from '../adapters/decision-store.ts'
import { migrate, pendingMigrations } from '../adapters/migrator.ts'
import { createOidcAdapter } from '../adapters/oidc-adapter.ts'
import { createPreviousSecrets } from '../adapters/previous-secrets.ts'
import { createRestoreConsumed } from '../adapters/restore-consumed.ts'
import { createStorage } from '../adapters/storage.ts'
import { sweep, sweepRepeats } from '../adapters/sweep.ts'
import { createTokenBatch } from '../adapters/token-batch.ts'
import { type ClientAdmin, createClientAdmin, validateWith } from './admin/clients.ts'
import { createRailCredentials, type RailCredentialAdmin } from './admin/rail-credentials.ts'
import { buildDigiLocker, takeConfiguredCredentials } from './assembly/digilocker.ts'
import { createLogouts } from './assembly/logouts.ts'
import { createSigning } from './assembly/signing.ts'
import { startVerifier } from './assembly/verification.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config/config.ts'
import type { TrustStore } from './documents/trust/trust.ts'
import { StoreError } from './errors.ts'
import { startClockwork } from './jobs/clockwork.ts'
import { logoutJobs } from './jobs/deliver-logouts.ts'
import { expireJobs } from './jobs/expire.ts'
import { keyJobs } from './jobs/keys.ts'
import { limitJobs } from './jobs/limits.ts'
import { createLimiter } from './limits/limiter.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { EventStore } from './privacy/event.ts'
import { createFindAccount } from './provider/account.ts'
import { certificateAuthMethods } from './provider/client-certificate.ts'
import { limitClients } from './provider/client-limits.ts'
import { acceptPreviousSecret } from './provider/client-secrets.ts'
import { draftGrantWith } from './provider/draft.ts'
import { createConsent } from './provider/interactions/consent.ts'
import { createEntry } from './provider/interactions/entry.ts'
import { createLogin } from './provider/interactions/login.ts'
import { createReuse } from './provider/interactions/reuse.ts'
import { createIssuer } from './provider/issuer.ts'
import { createIssuerHolder } from './provider/issuer-holder.ts'
import type { KeyKeeper } from './provider/keys/keeper.ts'
import { jwksMaxAge } from './provider/keys/schedule.ts'
import { CLOCK_TOLERANCE } from './provider/lifetimes.ts'
import { interactionStarted } from './provider/login-started.ts'
import { withoutSignature } from './provider/no-signature.ts'
import { observe } from './provider/observe.ts'
import { createPairwise } from './provider/pairwise.ts'
import { createPostedRequests } from './provider/posted-requests.ts'
import { publicCache } from './provider/public-cache.ts'
import { createRepeatTerms } from './provider/refresh.ts'
import { MTLS_PATHS } from './provider/routes.ts'
import { createUpstream } from './provider/upstream.ts'
import { createRails } from './rails/registry.ts'
import { parseKeyRing } from './vault/key-ring.ts'
import { createKeyedHasher } from './vault/keyed-hash.ts'
import { createVault } from './vault/sealed-vault.ts'
import { createBrowser } from './web/browser.ts'
import { createEnginePages } from './web/engine-pages.ts'
import { addressOf } from './web/middleware/rate-limit.ts'
import { createPageSender, newIncidentId } from './web/page.ts'
import { createRenderer } from './web/render.ts'
import { createWeb } from './web/web.ts'

/** What tests and the demo may put in place of the real thing. */
export interface Overrides {
  readonly clock?: Clock
  readonly database?: Database
  readonly trust?: TrustStore
  /** written into the embedded database's lock, for command lines that find it taken */
  readonly controlSocket?: string
  /** for tests that would wait for jobs: how long a second of the jobs' clocks takes */
  readonly jobSecondMs?: number
}

export interface App {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** for a port of its own: `GET /metrics` */
  readonly handleMetrics: Metrics['handle']
  readonly readMetrics: Metrics['read']
  /** the engine of now: a change of keys puts another in its place */
  readonly provider: Provider
  readonly clients: ClientAdmin
  readonly railCredentials: RailCredentialAdmin
  readonly keys: KeyKeeper
  readonly events: EventStore
  /** Wraps every data key under the current key-encryption key; returns how many changed. */
  readonly rotateVault: () => Promise<number>
  close(): Promise<void>
}

/**
 * The composition root: builds every room once and hands each what it needs.
 * @throws StoreError STORE_UNAVAILABLE, STORE_LOCKED · AppError CONFIG_INVALID
 */
export async function createApp(config: Config, log: Log, overrides: Overrides = {}): Promise<App> {
  const clock = overrides.clock ?? systemClock
  const database = overrides.database ?? (await openFor(config, overrides))
  const closeDatabase = overrides.database ? async () => undefined : () => database.close()
  try {
    return await compose(config, log, clock, database, closeDatabase, overrides)
  } catch (error) {
    await closeDatabase()
    throw error
  }
}

async function openFor(config: Config, { controlSocket }: Overrides): Promise<Database> {
  const database = await openDatabase({ ...config.database, ...(controlSocket && { controlSocket }) })
  // The embedded database has one process, which may migrate it. PostgreSQL is migrated from one place, on purpose.
  if (database.kind === 'pglite') await migrate(database)
  const pending = database.kind === 'pglite' ? [] : await pendingMigrations(database)
  if (pending.length === 0) return database
  await database.close()
  throw new StoreError('CONFIG_INVALID', `the database lacks ${pending.length} migration(s): run "dwar migrate" first`)
}

async function compose(
  config: Config,
  log: Log,
  clock: Clock,
  database: Database,
  closeDatabase: () => Promise<void>,
  { trust: fixedTrust, jobSecondMs }: Pick<Overrides, 'trust' | 'jobSecondMs'>,
): Promise<App> {
  const hash = createKeyedHasher(config.indexSecret.reveal())
  const storage = createStorage(database, clock)
  const { accounts, attempts, clients, consents, events } = storage
  const vault = createVault(parseKeyRing(config.vaultKeys.reveal()), storage.dataKeys)

  const credentials = createRailCredentials({ store: storage.railCredentials, events, vault, hash, clock })
  await takeConfiguredCredentials(config, credentials.configure)
  const documents = startVerifier(config, log, clock, fixedTrust)
  const digilocker = buildDigiLocker(config, {
    clock,
    verify: (bytes, doctype) => documents.verifier.verify(bytes, 'digilocker', doctype),
    verifyPdf: (bytes) => documents.verifier.verifyPdf(bytes, 'digilocker'),
    hash,
    log,
    readCredentials: credentials.reader('digilocker'),
    metrics: documents.metrics,
  })

  const secure = config.issuer.protocol === 'https:'
  const renderer = createRenderer(path.join(import.meta.dirname, '..', 'views'), {
    cache: config.environment !== 'development',
  })
  const pages = createPageSender(renderer, secure)
  const engineParts = {
    database,
    vault,
    clock,
    clients: storage.clientCache,
    memo: storage.memo,
    interactionStarted,
    repeatTerms: createRepeatTerms(config.clientCertificates),
    clockToleranceSeconds: CLOCK_TOLERANCE,
  }
  const decisions = createDecisionStore(engineParts)
  const signing = createSigning(config, { storage, vault, clock, log })
  await signing.keeper.ensureCurrent()
  documents.metrics.watchKeys(signing.keys.ages)
  const issuerParts = {
    issuer: config.issuer,
    adapter: createOidcAdapter(engineParts),
    tokenBatch: createTokenBatch({ database, clock, memo: storage.memo }),
    insertReplay: storage.insertReplay,
    noteLogout: storage.logouts.note,
    cookieKeys: config.cookieKeys.map((key) => key.reveal()),
    dpopNonceSecret: hash('dpop-nonce', 'v1'),
    clientCertificates: config.clientCertificates,
    mtlsOrigin: config.mtlsOrigin,
    findAccount: createFindAccount(accounts, consents, vault),
    pairwise: createPairwise(hash),
    consents,
    pages: createEnginePages(pages, log),
    locales: [...renderer.locales.keys()],
    refreshLifetimes: config.refreshLifetimes,
    clock,
  }
  const findPreviousSecret = createPreviousSecrets({ clients: storage.clientCache, vault, clock })
  const restore = createRestoreConsumed({ database, clock, memo: storage.memo })
  const { metrics } = documents
  const limits = config.limits && {
    ...config.limits,
    limiter: createLimiter({
      store: storage.rateCounts,
      hash: (subject) => hash('limit', subject).toString('base64url').slice(0, 22),
      clock,
      onStore: (state, error) => log.warn({ error }, `the store of rate limits is ${state}`),
    }),
  }
  const engine = await createIssuerHolder({
    build: (signingKeys) => {
      const provider = createIssuer({ ...issuerParts, signingKeys })
      observe(provider, log)
      acceptPreviousSecret(provider, findPreviousSecret)
      if (limits) limitClients(provider, { ...limits, addressOf, onLimited: metrics.noteLimited })
      withoutSignature(provider, { check: signing.keys.check, restore, newIncidentId, log })
      provider.use(publicCache(jwksMaxAge(config.keys.schedule)))
      return provider
    },
    loadKeys: signing.keys.load,
    version: () => storage.versions.of('signing_key'),
    clock,
    onStale: (error) => log.error({ error }, 'the newest signing keys cannot be read'),
  })
  signing.onChange(engine.expire)

  const { newId } = database
  const draftGrant = draftGrantWith(() => engine.provider)
  const rails = createRails([digilocker])
  const upstream = createUpstream({
    sessions: storage.upstreamSessions,
    vault,
    rails,
    clock,
    keepAfterConsent: !config.digilocker.revokeAfterFetch,
    warn: (code) => log.warn({ code }, 'upstream tokens not given back'),
  })
  const login = createLogin({
    rails,
    upstream,
    attempts,
    events,
    vault,
    hash,
    clock,
    newId,
    callbackUrl: (rail) => new URL(`/callback/${rail}`, config.issuer),
    serviceName: config.digilocker.serviceName,
  })
  const consent = createConsent({
    accounts,
    decisions,
    upstream,
    vault,
    hash,
    clock,
    newId,
    draftGrant,
    organization: config.issuer.host,
  })
  const reuse = createReuse({ consents, decisions, vault, clock, newId, draftGrant })
  const handle = createWeb({
    issuer: config.issuer,
    proxy: config,
    limits: limits && { ...limits, onLimited: (route) => metrics.noteLimited(route, 'address') },
    mtlsAlias: config.mtlsOrigin && { origin: config.mtlsOrigin, paths: MTLS_PATHS },
    engine,
    posted: createPostedRequests({ store: storage.postedRequests, vault, clock }),
    vault,
    login,
    consent,
    reuse,
    entry: createEntry({ accounts, decisions, hash }),
    sharings: storage.sharings,
    decisions,
    remembering: storage.memo.during,
    browser: createBrowser(hash, secure),
    pages,
    renderer,
    clock,
    log,
    ping: async () => {
      await database.ping()
      await signing.keys.check()
    },
    notice: toNotice(config),
  })
  const logouts = createLogouts({ store: storage.logouts, engine, clock, log, metrics })
  const stopClockwork = startClockwork(
    [
      ...expireJobs({
        clock,
        consents,
        upstream,
        sweep: async (now, batch) => void (await sweep(database, now, batch)),
        sweepRepeats: async (now, batch) => void (await sweepRepeats(database, now, batch)),
      }),
      ...keyJobs(signing.keeper, config.keys.schedule),
      ...(limits ? limitJobs(limits.limiter) : []),
      ...logoutJobs(logouts, engine.refresh),
    ],
    log,
    jobSecondMs,
  )
  return {
    handle,
    handleMetrics: documents.metrics.handle,
    readMetrics: documents.metrics.read,
    get provider() {
      return engine.provider
    },
    events,
    keys: signing.keeper,
    clients: createClientAdmin({
      clients,
      vault,
      clock,
      terms: { issuer: config.issuer, certificateMethods: certificateAuthMethods(config.clientCertificates) },
      validate: validateWith(() => engine.provider),
    }),
    railCredentials: credentials,
    rotateVault: async () => {
      const count = await vault.rotate()
      await events.append([{ body: { type: 'vault.rotated', count } }])
      return count
    },
    close: async () => {
      logouts.stop()
      await stopClockwork()
      await digilocker.close()
      await documents.close()
      await closeDatabase()
    },
  }
}

function toNotice({ contact, complaintUrl, issuer }: Config) {
  const href = contact.includes('@') && !contact.includes(':') ? `mailto:${contact}` : contact
  return {
    withdrawHref: new URL('/account', issuer).href,
    ...(contact && { contact: { label: contact, href } }),
    ...(complaintUrl && { complaintHref: complaintUrl.href }),
  }
}
