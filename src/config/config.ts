import { z } from 'zod'
import { type DigiLockerConfig, digilockerVariables, toDigiLockerConfig } from './digilocker.ts'
import { ConfigError, type Env } from './env.ts'
import { addresses, flag, headerName, httpUrl, list, originUrl, secret, wholeNumber } from './forms.ts'
import { type KeyConfig, keyFaults, keyVariables, toKeyConfig } from './keys.ts'
import { type LimitConfig, limitVariables, toLimitConfig } from './limits.ts'
import { Secret } from './secrets.ts'

const DEMO_SECRET_MARK = /demo|example|change.?me|secret123|password/i

/** One row per variable: its form, its default and, in `describe`, why it exists. `docs/configuration.md` is printed from it. */
export const variables = z.object({
  DWAR_ENV: z
    .enum(['demo', 'development', 'test', 'sandbox', 'production'])
    .default('development')
    .describe('Which deployment this is. `production` refuses http, the simulator, default secrets and missing keys.'),
  DWAR_ISSUER: originUrl.describe(
    'The issuer identifier that relying apps configure, e.g. `https://id.example.in`. Every URL we print comes from it, never from a request.',
  ),
  DWAR_HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  DWAR_PORT: wholeNumber(0, 65535).default(4000).describe('Port to listen on.'),
  DWAR_METRICS_PORT: wholeNumber(0, 65535)
    .optional()
    .describe('Port of `/metrics` (Prometheus). Without it nothing is served; it is never on the port of the issuer.'),
  DWAR_METRICS_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address to serve `/metrics` on. In a container it must be `0.0.0.0`; let only your scraper reach it.'),
  DWAR_DATABASE_URL: z
    .string()
    .regex(/^(postgres(ql)?:\/\/|pglite:)/, 'must start with postgres:// or pglite:')
    .default('pglite:data/dwar')
    .describe('`postgres://…`, or `pglite:<folder>` for the embedded database (one process; to try Dwar out).'),
  DWAR_DATABASE_POOL: wholeNumber(1, 200).default(10).describe('Connections to PostgreSQL for one process.'),
  DWAR_WORKERS: wholeNumber(1, 64)
    .default(1)
    .describe(
      'Processes that serve, on one port; up to one for each core. PostgreSQL only. Each has its own connections (`DWAR_DATABASE_POOL`), verifier threads and some 150 MiB.',
    ),
  DWAR_VAULT_KEYS: secret.describe(
    'Key-encryption keys of the vault: `id:base64 of 32 bytes`, comma-separated, the current one first. Keep old ones until `dwar vault rotate` has run.',
  ),
  DWAR_INDEX_SECRET: secret.describe(
    'At least 32 random bytes (base64). Account keys, pairwise subjects and keyed hashes are derived from it. It must never change.',
  ),
  DWAR_COOKIE_KEYS: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .filter(Boolean)
        .map((key) => new Secret(key)),
    )
    .describe('Cookie signing keys, comma-separated, at least 32 characters each: the first signs, all verify.'),
  ...keyVariables,
  ...limitVariables,
  DWAR_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much is logged. No level logs personal data or tokens.'),
  DWAR_BEHIND_PROXY: flag
    .default(false)
    .describe('`true` when a reverse proxy of yours terminates TLS and writes `X-Forwarded-For`.'),
  DWAR_TRUSTED_PROXIES: addresses
    .default([])
    .describe(
      'Addresses or networks (`10.0.0.0/24`) of all your proxies. `X-Forwarded-For` then counts from them alone, and the last address in it that is not theirs is the caller’s. Without it the last address counts, whoever calls: then nobody but the proxy may reach this port.',
    ),
  DWAR_CLIENT_CERTIFICATE_HEADER: headerName
    .optional()
    .describe(
      'Header in which your reverse proxy hands over the certificate that a relying app showed in TLS (RFC 8705), e.g. `X-Client-Cert`. Without it there is no mutual TLS.',
    ),
  DWAR_CLIENT_CERTIFICATE_FORMAT: z
    .enum(['pem', 'rfc9440'])
    .default('pem')
    .describe('`pem`: URL-encoded PEM, nginx’s `$ssl_client_escaped_cert`. `rfc9440`: the form of `Client-Cert`.'),
  DWAR_CLIENT_CERTIFICATE_VERIFIED_HEADER: headerName
    .optional()
    .describe(
      'Header in which the proxy says `SUCCESS` when it verified the chain (nginx’s `$ssl_client_verify`). Without it certificates are known by their key only, never by a name in them.',
    ),
  DWAR_CLIENT_CERTIFICATE_PROXIES: addresses
    .default([])
    .describe(
      'Addresses or networks (`10.0.0.0/24`) of that proxy. From anybody else the two headers are ignored; the proxy must overwrite them on every request.',
    ),
  DWAR_MTLS_ISSUER: originUrl
    .optional()
    .describe(
      'Another origin of yours at which the proxy asks for certificates; announced as `mtls_endpoint_aliases`. Leave it out if it asks at `DWAR_ISSUER`.',
    ),
  DWAR_TRUST_FILES: list
    .default([])
    .describe('Further trust files (JSON), read after the shipped one: signers to accept, with reasons.'),
  DWAR_TRUST_FOLDER: z
    .string()
    .optional()
    .describe(
      'Folder of authority certificates and revocation lists (PEM or DER). They complete paths and revoke; nothing in it is an anchor. Files and folder are looked at every few seconds.',
    ),
  DWAR_VERIFIER_THREADS: wholeNumber(1, 16)
    .default(1)
    .describe('Threads that verify documents. One does some 200 a second with both verifiers.'),
  DWAR_CROSS_CHECK: z
    .enum(['always', 'sampled'])
    .default('always')
    .describe(
      'Whether every document must also be confirmed by the second verifier (`xml-crypto`). `sampled` gives up the safety net against a fault in ours; read src/documents/README.md first.',
    ),
  DWAR_CROSS_CHECK_SHARE: z.coerce
    .number()
    .gt(0)
    .lte(1)
    .default(0.1)
    .describe('Share of the documents that is confirmed when `DWAR_CROSS_CHECK` is `sampled`.'),
  DWAR_REFRESH_IDLE_DAYS: wholeNumber(1, 90)
    .default(14)
    .describe(
      'Days until a refresh token that nobody uses ends. A client can have its own (`refreshIdleDays`); no token outlives the consent.',
    ),
  DWAR_REFRESH_ABSOLUTE_DAYS: wholeNumber(1, 365)
    .default(90)
    .describe(
      'Days from a sign-in until its refresh tokens end, however often they are used. A client can have its own (`refreshAbsoluteDays`).',
    ),
  DWAR_CONTACT: z
    .string()
    .default('')
    .describe('Who answers questions about personal data (DPDP Act s. 6(3), 8(9)); shown on the consent screen.'),
  DWAR_COMPLAINT_URL: httpUrl
    .optional()
    .describe('Link to complain to the Data Protection Board; shown on the consent screen.'),
  ...digilockerVariables,
})

type Variables = z.infer<typeof variables>

export interface Config {
  readonly environment: Variables['DWAR_ENV']
  readonly issuer: URL
  readonly host: string
  readonly port: number
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  readonly database: { readonly url: string; readonly poolSize: number }
  /** processes that serve */
  readonly workers: number
  readonly vaultKeys: Secret
  readonly indexSecret: Secret
  readonly cookieKeys: readonly Secret[]
  readonly keys: KeyConfig
  /** undefined: not ours to do */
  readonly limits: LimitConfig | undefined
  readonly logLevel: Variables['DWAR_LOG_LEVEL']
  readonly behindProxy: boolean
  readonly trustedProxies: readonly string[]
  readonly clientCertificates:
    | {
        readonly header: string
        readonly format: 'pem' | 'rfc9440'
        readonly verifiedHeader: string | undefined
        readonly proxies: readonly string[]
      }
    | undefined
  readonly mtlsOrigin: URL | undefined
  readonly trustFiles: readonly string[]
  readonly trustFolder: string | undefined
  readonly verifier: { readonly threads: number; readonly crossCheckShare: number }
  readonly refreshLifetimes: { readonly idleDays: number; readonly absoluteDays: number }
  readonly contact: string
  readonly complaintUrl: URL | undefined
  readonly digilocker: DigiLockerConfig
}

/**
 * Reads and checks the whole configuration.
 * @throws ConfigError naming every missing, malformed or unsafe variable at once
 */
export function readConfig(env: Env): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in variables.shape && value !== ''),
  )
  const parsed = variables.safeParse(given)
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => toFault(issue, given))
  faults.push(...unknownVariables(env), ...unsafeFaults(given, parsed.data))
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(toConfig(parsed.data))
}

function toFault(issue: z.core.$ZodIssue, given: Env): string {
  const name = String(issue.path[0])
  return given[name] === undefined ? `${name} is missing` : `${name} ${wording(issue)}`
}

/** Zod's own messages may quote a value; ours never do. */
function wording(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom' || issue.code === 'invalid_format') return issue.message
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`
  return 'is malformed'
}

/** A misspelt setting that is silently ignored is how a safe deployment becomes an unsafe one. */
function unknownVariables(env: Env): string[] {
  return Object.keys(env)
    .filter((name) => /^(DWAR|DIGILOCKER)_/.test(name) && !(name in variables.shape))
    .map((name) => `${name} is not a setting of Dwar`)
}

function unsafeFaults(given: Env, read: Variables | undefined): string[] {
  const faults: string[] = []
  const long = (name: string, value: string | undefined, length: number) => {
    if (value !== undefined && value.length < length) faults.push(`${name} must have at least ${length} characters`)
  }
  long('DWAR_INDEX_SECRET', given.DWAR_INDEX_SECRET, 32)
  for (const key of given.DWAR_COOKIE_KEYS?.split(',').filter(Boolean) ?? []) long('DWAR_COOKIE_KEYS', key, 32)
  faults.push(...keyFaults(given))
  faults.push(...certificateFaults(given))
  if (read && read.DWAR_TRUSTED_PROXIES.length > 0 && !read.DWAR_BEHIND_PROXY)
    faults.push('DWAR_TRUSTED_PROXIES does nothing without DWAR_BEHIND_PROXY')
  if (read && read.DWAR_WORKERS > 1 && read.DWAR_DATABASE_URL.startsWith('pglite:'))
    faults.push('DWAR_WORKERS must be 1 on the embedded database, which one process alone may open')
  if (given.DWAR_ENV !== 'production' && given.DWAR_ENV !== 'sandbox') return faults
  return [...faults, ...deployedFaults(given, read)]
}

/** A header that anybody may send proves nothing: it counts from a listed proxy only, so one must be listed. */
function certificateFaults(given: Env): string[] {
  const faults: string[] = []
  if (given.DWAR_CLIENT_CERTIFICATE_HEADER && !given.DWAR_CLIENT_CERTIFICATE_PROXIES)
    faults.push('DWAR_CLIENT_CERTIFICATE_PROXIES is missing: DWAR_CLIENT_CERTIFICATE_HEADER needs a proxy to come from')
  for (const name of ['DWAR_CLIENT_CERTIFICATE_VERIFIED_HEADER', 'DWAR_MTLS_ISSUER'])
    if (given[name] && !given.DWAR_CLIENT_CERTIFICATE_HEADER)
      faults.push(`${name} does nothing without DWAR_CLIENT_CERTIFICATE_HEADER`)
  return faults
}

/** What `sandbox` and `production` refuse: both are reachable by strangers; production is also real. */
function deployedFaults(given: Env, read: Variables | undefined): string[] {
  const faults: string[] = []
  if (given.DWAR_ISSUER?.startsWith('http:')) faults.push('DWAR_ISSUER must be https here')
  if (given.DWAR_MTLS_ISSUER?.startsWith('http:')) faults.push('DWAR_MTLS_ISSUER must be https here')
  if (read?.DWAR_DATABASE_URL.startsWith('pglite:'))
    faults.push('DWAR_DATABASE_URL must name a PostgreSQL server here: PGlite does not survive a power cut')
  for (const name of ['DWAR_VAULT_KEYS', 'DWAR_INDEX_SECRET', 'DWAR_COOKIE_KEYS', 'DIGILOCKER_CLIENT_SECRET'])
    if (given[name] && DEMO_SECRET_MARK.test(given[name])) faults.push(`${name} looks like a default or demo secret`)
  if (read && read.DWAR_KEY_LEAD_SECONDS < 600)
    faults.push('DWAR_KEY_LEAD_SECONDS must be at least 600 here: relying apps keep our keys for minutes')
  if (given.DWAR_ENV !== 'production') return faults
  if (given.DIGILOCKER_BASE_URL?.startsWith('http:')) faults.push('DIGILOCKER_BASE_URL must be https in production')
  if (/localhost|127\.0\.0\.1|\[::1\]|simulator/i.test(given.DIGILOCKER_BASE_URL ?? ''))
    faults.push('DIGILOCKER_BASE_URL names a simulator; production needs the real DigiLocker')
  if (given.DIGILOCKER_CLIENT_ID === 'DWARDEMO') faults.push('DIGILOCKER_CLIENT_ID is the simulator’s')
  if (given.DIGILOCKER_HMAC === 'off') faults.push('DIGILOCKER_HMAC must not be off in production')
  if (!given.DWAR_CONTACT) faults.push('DWAR_CONTACT is missing: the notice must name who answers questions')
  return faults
}

function toConfig(read: Variables): Config {
  return {
    environment: read.DWAR_ENV,
    issuer: read.DWAR_ISSUER,
    host: read.DWAR_HOST,
    port: read.DWAR_PORT,
    metrics:
      read.DWAR_METRICS_PORT === undefined ? undefined : { host: read.DWAR_METRICS_HOST, port: read.DWAR_METRICS_PORT },
    database: { url: read.DWAR_DATABASE_URL, poolSize: read.DWAR_DATABASE_POOL },
    workers: read.DWAR_WORKERS,
    vaultKeys: read.DWAR_VAULT_KEYS,
    indexSecret: read.DWAR_INDEX_SECRET,
    cookieKeys: read.DWAR_COOKIE_KEYS,
    keys: toKeyConfig(read),
    limits: toLimitConfig(read),
    logLevel: read.DWAR_LOG_LEVEL,
    behindProxy: read.DWAR_BEHIND_PROXY,
    trustedProxies: read.DWAR_TRUSTED_PROXIES,
    clientCertificates: read.DWAR_CLIENT_CERTIFICATE_HEADER
      ? {
          header: read.DWAR_CLIENT_CERTIFICATE_HEADER,
          format: read.DWAR_CLIENT_CERTIFICATE_FORMAT,
          verifiedHeader: read.DWAR_CLIENT_CERTIFICATE_VERIFIED_HEADER,
          proxies: read.DWAR_CLIENT_CERTIFICATE_PROXIES,
        }
      : undefined,
    mtlsOrigin: read.DWAR_MTLS_ISSUER,
    trustFiles: read.DWAR_TRUST_FILES,
    trustFolder: read.DWAR_TRUST_FOLDER,
    verifier: {
      threads: read.DWAR_VERIFIER_THREADS,
      crossCheckShare: read.DWAR_CROSS_CHECK === 'always' ? 1 : read.DWAR_CROSS_CHECK_SHARE,
    },
    refreshLifetimes: { idleDays: read.DWAR_REFRESH_IDLE_DAYS, absoluteDays: read.DWAR_REFRESH_ABSOLUTE_DAYS },
    contact: read.DWAR_CONTACT,
    complaintUrl: read.DWAR_COMPLAINT_URL,
    digilocker: toDigiLockerConfig(read),
  }
}
