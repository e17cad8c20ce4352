import type { JSONWebKeySet } from 'jose'
import type { HmacPolicy } from '../../documents/hmac.ts'
import { AppError } from '../../errors.ts'
import { PULLABLE } from './pull.ts'

/** How we prove who we are at an endpoint. `post`: secret in the form. `basic`: HTTP Basic. `none`: id only (digilocker-api.md §6.2). */
export type ClientAuth = 'post' | 'basic' | 'none'

/** Where the keys of the id_token come from. `tls-only` relies on OIDC Core §3.1.3.7 point 6: it came straight from the token endpoint. */
export type IdTokenKeys =
  | { readonly mode: 'tls-only' }
  | { readonly mode: 'keys'; readonly jwks: JSONWebKeySet }
  | { readonly mode: 'jwks-uri'; readonly url: URL }

/** How the digest of a meta API is made and written: documented is a plain SHA-256, and nobody says how it is encoded (§11). */
export type MetaDigest = 'hex' | 'base64' | 'keyed-hex' | 'keyed-base64'

/** Signed calls that need no person. */
export type MetaEndpoint = 'issuers' | 'doctypes' | 'parameters' | 'statistics'
export type Endpoint =
  | 'authorize'
  | 'token'
  | 'refresh'
  | 'revoke'
  | 'user'
  | 'issued'
  | 'xml'
  | 'file'
  | 'eAadhaar'
  | 'pull'
  | MetaEndpoint
/** Calls that our server makes. */
export type Operation = Exclude<Endpoint, 'authorize'> | 'jwks'

/** All that differs between DigiLocker partners, hosts and versions (digilocker-api.md §14). */
export interface DigiLockerSettings {
  readonly baseUrl: URL
  /** where the browser goes, if that is another address than the one our server calls */
  readonly browserBaseUrl?: URL | undefined
  /** plain http to another machine: development only */
  readonly allowHttp: boolean
  /** replaces the path of an endpoint, starting with `/`; those of `xml` and `file` hold `{uri}` */
  readonly paths: Readonly<Partial<Record<Endpoint, string>>>
  readonly authorizeVersion: 1 | 2
  /** 2 for a client with `openid` in the portal, else 1. Never probed: a failed try may burn the code (§6.1) */
  readonly tokenVersion: 1 | 2
  readonly issuedVersion: 1 | 2
  readonly eAadhaarVersion: 1 | 2 | 3
  readonly clientAuth: { readonly token: ClientAuth; readonly refresh: ClientAuth; readonly revoke: ClientAuth }
  /** empty: none is sent, and what the portal has ticked applies */
  readonly scopes: readonly string[]
  /** authorize parameters added to every request (`pla`, `acr`, `amr`, `dl_flow`, …) */
  readonly extraParameters: Readonly<Record<string, string>>
  /** optional authorize parameters that this partner's portal setting does not take */
  readonly droppedParameters: readonly string[]
  /** doctypes that DigiLocker approved for this partner: only these are named in `req_doctype` */
  readonly approvedDoctypes: readonly string[]
  /** asks for a consent of this length (`consent_valid_till`); not sent when absent */
  readonly consentSeconds?: number | undefined
  /** about the `hmac` header of a document (§10.6): a header that is there and wrong is fatal, unless `off` */
  readonly hmacPolicy: HmacPolicy
  readonly metaDigest: MetaDigest
  readonly idToken: {
    /** exact `iss` values that are DigiLocker's */
    readonly issuers: readonly string[]
    readonly keys: IdTokenKeys
    /** sends a `nonce` and insists on its echo. Undocumented upstream (§4), so off unless the partner has seen it work */
    readonly nonce: boolean
  }
  /** milliseconds: to connect, and for a whole call, body included */
  readonly timeoutsMs: {
    readonly connect: number
    readonly token: number
    readonly user: number
    readonly issued: number
    readonly document: number
    readonly revoke: number
    readonly pull: number
  }
  /** bytes */
  readonly bodyCaps: { readonly json: number; readonly document: number; readonly file: number }
  /** one more try of a failed GET, after `delayMs` to twice that; a longer `Retry-After` than `maxRetryAfterMs` is not waited for */
  readonly retry: {
    readonly delayMs: number
    readonly maxRetryAfterMs: number
    /** retries for each call, in the long run; and how many may come at once before that counts */
    readonly share: number
    readonly burst: number
  }
  /** calls to the upstream at one time, and how many may wait for their turn; one more is not sent */
  readonly concurrency: { readonly calls: number; readonly waiting: number }
  /** no call for `pauseMs` once a `threshold` (0 to 1) of the last `calls` failed; half of them must have been made */
  readonly breaker: { readonly calls: number; readonly threshold: number; readonly pauseMs: number }
  /** fetches a wanted document that is PDF only, to say what its signature is worth; it never gives a claim */
  readonly verifyPdf: boolean
  /** gives the upstream tokens back as soon as nothing more can be got with them before consent */
  readonly revokeAfterFetch: boolean
  /** doctypes that a person may have pulled into her locker, each with its issuer's `orgid` (§11); none unless the operator says so */
  readonly pull: Readonly<Record<string, string>>
}

const MIB = 1024 * 1024

const defaults: Omit<DigiLockerSettings, 'tokenVersion'> = {
  baseUrl: new URL('https://digilocker.meripehchaan.gov.in'),
  allowHttp: false,
  paths: {},
  authorizeVersion: 1,
  issuedVersion: 2,
  eAadhaarVersion: 3,
  clientAuth: { token: 'post', refresh: 'basic', revoke: 'basic' },
  scopes: [],
  extraParameters: {},
  droppedParameters: [],
  approvedDoctypes: [],
  hmacPolicy: 'verify-if-present',
  metaDigest: 'hex',
  idToken: { issuers: ['https://api.digitallocker.gov.in'], keys: { mode: 'tls-only' }, nonce: false },
  timeoutsMs: {
    connect: 5000,
    token: 15_000,
    user: 15_000,
    issued: 15_000,
    document: 45_000,
    revoke: 5000,
    pull: 45_000,
  },
  bodyCaps: { json: MIB, document: 5 * MIB, file: 15 * MIB },
  retry: { delayMs: 200, maxRetryAfterMs: 3000, share: 0.1, burst: 10 },
  concurrency: { calls: 64, waiting: 256 },
  breaker: { calls: 20, threshold: 0.5, pauseMs: 10_000 },
  verifyPdf: true,
  revokeAfterFetch: true,
  pull: {},
}

/**
 * What other partners' DigiLocker looks like, as far as it differs from the defaults. `classic` is version 1 on its older
 * host (§2, §3): the list with one `mime` a document, e-Aadhaar at its second path, and an authorize request without
 * the parameters that versions 2.3 and 2.4 brought (§4). PKCE stays: it is fixed.
 */
const profiles: Readonly<Record<'current' | 'classic', Partial<DigiLockerSettings>>> = {
  current: {},
  classic: {
    baseUrl: new URL('https://api.digitallocker.gov.in'),
    issuedVersion: 1,
    eAadhaarVersion: 2,
    droppedParameters: ['purpose', 'service_name', 'prompt'],
  },
}

/** Settings that are tables of their own: what is given wins row by row. */
const TABLES = ['clientAuth', 'timeoutsMs', 'bodyCaps', 'retry', 'concurrency', 'breaker'] as const
type Tables = Pick<DigiLockerSettings, (typeof TABLES)[number]>

export type GivenSettings = Partial<Omit<DigiLockerSettings, keyof Tables>> & {
  readonly [Name in keyof Tables]?: Partial<Tables[Name]>
}

/**
 * Settings with a profile and the defaults of digilocker-api.md §14 under what the operator gives.
 * @throws AppError CONFIG_INVALID, naming every fault at once
 */
export function digiLockerSettings(
  given: GivenSettings = {},
  profile: keyof typeof profiles = 'current',
): DigiLockerSettings {
  const scopes = given.scopes ?? defaults.scopes
  const tokenVersion = scopes.includes('openid') ? (2 as const) : (1 as const)
  const tables = Object.fromEntries(TABLES.map((name) => [name, { ...defaults[name], ...given[name] }])) as Tables
  const settings = { ...defaults, tokenVersion, ...profiles[profile], ...given, ...tables }
  const faults = findFaults(settings)
  if (faults.length > 0) throw new AppError('CONFIG_INVALID', `DigiLocker settings: ${faults.join('; ')}`)
  return Object.freeze(settings)
}

/** The path of an endpoint, version included. Those of `xml` and `file` still hold `{uri}`. */
export function pathOf(endpoint: Endpoint, settings: DigiLockerSettings): string {
  const standard: Record<Endpoint, string> = {
    authorize: `/public/oauth2/${settings.authorizeVersion}/authorize`,
    token: `/public/oauth2/${settings.tokenVersion}/token`,
    refresh: '/public/oauth2/1/token', // documented for this version alone (§6.1)
    revoke: '/public/oauth2/1/revoke',
    user: '/public/oauth2/1/user',
    issued: `/public/oauth2/${settings.issuedVersion}/files/issued`,
    xml: '/public/oauth2/1/xml/{uri}',
    file: '/public/oauth2/1/file/{uri}',
    eAadhaar: `/public/oauth2/${settings.eAadhaarVersion}/xml/eaadhaar`,
    pull: '/public/oauth2/1/pull/pulldocument',
    issuers: '/public/oauth2/1/pull/issuers',
    doctypes: '/public/oauth2/1/pull/doctype',
    parameters: '/public/oauth2/1/pull/parameters',
    statistics: '/public/statistics/1/counts',
  }
  return settings.paths[endpoint] ?? standard[endpoint]
}

/** An endpoint's address. A path keeps to the configured host, whatever a document's URI holds. */
export function endpointUrl(endpoint: Endpoint, settings: DigiLockerSettings, documentUri = ''): URL {
  const base = (endpoint === 'authorize' ? settings.browserBaseUrl : undefined) ?? settings.baseUrl
  const path = pathOf(endpoint, settings).replace('{uri}', () => encodeURIComponent(documentUri))
  return new URL(`${base.origin}${base.pathname.replace(/\/$/, '')}${path}`)
}

/** Ours alone: the security of the journey hangs on them, so no configuration may set or drop them. */
const FIXED_PARAMETERS = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'code_challenge',
  'code_challenge_method',
  'nonce',
]

function findFaults(settings: DigiLockerSettings): string[] {
  return [
    ...urlFaults('baseUrl', settings.baseUrl, settings.allowHttp),
    ...(settings.browserBaseUrl ? urlFaults('browserBaseUrl', settings.browserBaseUrl, settings.allowHttp) : []),
    ...Object.entries(settings.paths).flatMap(([name, path]) => pathFaults(name, path)),
    ...parameterFaults(settings),
    ...idTokenFaults(settings),
    ...pullFaults(settings),
    ...numberFaults('timeoutsMs', settings.timeoutsMs),
    ...numberFaults('bodyCaps', settings.bodyCaps),
    ...numberFaults('concurrency', settings.concurrency),
    ...numberFaults('retry', { delayMs: settings.retry.delayMs, maxRetryAfterMs: settings.retry.maxRetryAfterMs }),
    ...numberFaults('breaker', { calls: settings.breaker.calls, pauseMs: settings.breaker.pauseMs }),
    ...shareFaults(settings),
  ]
}

function urlFaults(name: string, url: URL, allowHttp: boolean): string[] {
  if (url.username || url.password || url.search || url.hash) return [`${name} must be a bare address`]
  if (url.protocol === 'https:') return []
  const ours = url.protocol === 'http:' && (allowHttp || isLoopback(url.hostname))
  return ours ? [] : [`${name} must be https`]
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

const ENDPOINTS: readonly string[] = [
  'authorize',
  'token',
  'refresh',
  'revoke',
  'user',
  'issued',
  'xml',
  'file',
  'eAadhaar',
  'pull',
  'issuers',
  'doctypes',
  'parameters',
  'statistics',
] satisfies Endpoint[]

function pathFaults(name: string, path: string): string[] {
  if (!ENDPOINTS.includes(name)) return [`paths names no endpoint of ours; known: ${ENDPOINTS.join(', ')}`]
  if (!/^\/(?!\/)[^?#\\\s]*$/.test(path)) return [`paths.${name} must start with one "/" and hold no query`]
  const ofDocument = name === 'xml' || name === 'file'
  return ofDocument && !path.includes('/{uri}') ? [`paths.${name} must hold {uri} as a segment`] : []
}

function parameterFaults({ extraParameters, droppedParameters }: DigiLockerSettings): string[] {
  const names = [...Object.keys(extraParameters), ...droppedParameters]
  return names.filter((name) => FIXED_PARAMETERS.includes(name)).map((name) => `authorize parameter ${name} is fixed`)
}

function idTokenFaults({ idToken, allowHttp }: DigiLockerSettings): string[] {
  if (idToken.keys.mode === 'keys' && idToken.keys.jwks.keys.length === 0) return ['idToken.keys holds no key']
  return idToken.keys.mode === 'jwks-uri' ? urlFaults('idToken.keys.url', idToken.keys.url, allowHttp) : []
}

function shareFaults({ retry, breaker }: DigiLockerSettings): string[] {
  return [
    ...(retry.share > 1 || retry.share < 0 ? ['retry.share must be from 0 to 1'] : []),
    ...(breaker.threshold >= 1 || breaker.threshold <= 0 ? ['breaker.threshold must be between 0 and 1'] : []),
  ]
}

/** Without its `orgid` an issuer cannot be asked, and without our form nobody can say which document. */
function pullFaults({ pull }: DigiLockerSettings): string[] {
  return Object.entries(pull).flatMap(([doctype, orgId]) => [
    ...(PULLABLE.includes(doctype) ? [] : [`pull.${doctype} is not a document that can be pulled`]),
    ...(/^[A-Za-z0-9._-]{1,64}$/.test(orgId) ? [] : [`pull.${doctype} must name the issuer’s orgid`]),
  ])
}

function numberFaults(name: string, values: Readonly<Record<string, number>>): string[] {
  const wrong = Object.entries(values).filter(([, value]) => !Number.isSafeInteger(value) || value <= 0)
  return wrong.map(([key]) => `${name}.${key} must be a positive whole number`)
}
