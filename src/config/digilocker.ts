import { z } from 'zod'
import { flag, list, numbers, originUrl, pairs, secret, wholeNumber } from './forms.ts'
import type { Secret } from './secrets.ts'

const TIMEOUTS = ['connect', 'token', 'user', 'issued', 'document', 'revoke', 'pull'] as const
const clientAuth = pairs.transform((given, context) => {
  for (const [name, value] of Object.entries(given)) {
    if (!['token', 'refresh', 'revoke'].includes(name)) context.addIssue('must name only token, refresh, revoke')
    else if (!['post', 'basic', 'none'].includes(value)) context.addIssue(`must give ${name} one of post, basic, none`)
  }
  return given as Partial<Record<'token' | 'refresh' | 'revoke', 'post' | 'basic' | 'none'>>
})

/** Everything that differs between DigiLocker partners (digilocker-api.md §14), one row per variable. */
export const digilockerVariables = {
  DIGILOCKER_PROFILE: z
    .enum(['current', 'classic'])
    .default('current')
    .describe(
      'Defaults for the rest: `current` is version 2.4 on digilocker.meripehchaan.gov.in; `classic` is version 1 on api.digitallocker.gov.in, with its older list and e-Aadhaar paths and without the authorize parameters that came later. Each setting below wins over it.',
    ),
  DIGILOCKER_BASE_URL: originUrl.optional().describe('Host of the DigiLocker API; hosts differ per partner.'),
  DIGILOCKER_BROWSER_BASE_URL: originUrl
    .optional()
    .describe('Host that the browser is sent to, where it differs from the one that our server calls.'),
  DIGILOCKER_PATHS: pairs
    .default({})
    .describe(
      'Paths of single endpoints that differ for you, as `endpoint=/path`: authorize, token, refresh, revoke, user, issued, xml and file (with `{uri}`), eAadhaar, pull, issuers, doctypes, parameters, statistics.',
    ),
  DIGILOCKER_CLIENT_ID: z.string().min(1).describe('Client id that the partner portal gave you.'),
  DIGILOCKER_CLIENT_SECRET: secret
    .optional()
    .describe(
      'Client secret from the portal. Sealed into the vault at start, where `dwar credentials` can change it; counts again only when this value changes.',
    ),
  DIGILOCKER_PREVIOUS_CLIENT_SECRET: secret
    .optional()
    .describe('The secret before, while a rotation is under way: `hmac` headers made with it are still accepted.'),
  DIGILOCKER_CLIENT_AUTH: clientAuth
    .default({})
    .describe(
      'How we prove who we are, as `operation=method`: token, refresh, revoke; post, basic, none. By default post for token and basic for the others, as documented; `invalid_client` with a right secret is the sign to change it.',
    ),
  DIGILOCKER_AUTHORIZE_VERSION: z
    .enum(['1', '2'])
    .default('1')
    .describe('Which authorize path. The portal’s generator shows `2` to some partners.'),
  DIGILOCKER_TOKEN_VERSION: z
    .enum(['1', '2'])
    .optional()
    .describe(
      '`2` for a client with `openid` ticked in the portal, `1` without. By default `2` when `openid` is in `DIGILOCKER_SCOPES`. The wrong one ends in `invalid_grant_type`.',
    ),
  DIGILOCKER_ISSUED_VERSION: z
    .enum(['1', '2'])
    .optional()
    .describe('Path version of the list of issued documents; by the profile: `2`, or `1` for classic.'),
  DIGILOCKER_EAADHAAR_VERSION: z
    .enum(['1', '2', '3'])
    .optional()
    .describe('Path version of the e-Aadhaar endpoint; by the profile: `3`, or `2` for classic.'),
  DIGILOCKER_SCOPES: list
    .default([])
    .describe(
      'Scopes to ask DigiLocker for; empty sends none and the ones ticked in the portal apply. One that is not ticked ends in `invalid_scope` before the sign-in. Those of files (`files.…`) are left out where no document is needed, if others remain.',
    ),
  DIGILOCKER_EXTRA_PARAMETERS: pairs
    .default({})
    .describe(
      'Authorize parameters to add to every request, as `name=value` (`pla=Y`, `acr=aadhaar`, `dl_flow=signin`): version drift and portal settings. Those that the security of the journey hangs on are fixed.',
    ),
  DIGILOCKER_DROP_PARAMETERS: list
    .optional()
    .describe('Authorize parameters not to send, for a portal client that rejects them; classic drops those of 2.4.'),
  DIGILOCKER_DOCTYPES: list
    .default(['ADHAR', 'PANCR', 'DRVLC'])
    .describe('Document types approved for your client; others are never asked for, since DigiLocker would refuse.'),
  DIGILOCKER_SERVICE_NAME: z
    .string()
    .regex(/^[A-Za-z0-9 _]+$/, 'letters, digits, space and underscore only')
    .default('Dwar')
    .describe('Service name that DigiLocker shows (letters, digits, space, underscore).'),
  DIGILOCKER_CONSENT_DAYS: wholeNumber(1, 3650)
    .optional()
    .describe(
      'Length of the consent to ask DigiLocker for. Not sent by default; what DigiLocker answers is what counts.',
    ),
  DIGILOCKER_HMAC: z
    .enum(['require', 'verify-if-present', 'off'])
    .default('verify-if-present')
    .describe('What to do with the `hmac` header of a document. A wrong one is fatal unless `off`.'),
  DIGILOCKER_META_DIGEST: z
    .enum(['hex', 'base64', 'keyed-hex', 'keyed-base64'])
    .default('hex')
    .describe(
      'How calls without a person (list of issuers, …) are signed: a plain SHA-256 is documented, its encoding is not, and public code also has one keyed by the secret. `dwar doctor --probe` makes such calls, and says which form DigiLocker takes.',
    ),
  DIGILOCKER_ID_TOKEN_ISSUERS: list
    .default(['https://api.digitallocker.gov.in', 'https://digilocker.meripehchaan.gov.in'])
    .describe('Issuers accepted in DigiLocker’s id_token.'),
  DIGILOCKER_ID_TOKEN_KEYS: z
    .string()
    .min(1)
    .default('tls-only')
    .describe(
      'Keys of DigiLocker’s id_token: the https address of a JWK Set, a file that holds one, or `tls-only`, which checks no signature and relies on the TLS connection it came over (OIDC Core §3.1.3.7 point 6). Of weight only with token version 2; no address is published, ask your contact at DigiLocker.',
    ),
  DIGILOCKER_ID_TOKEN_NONCE: flag
    .default(false)
    .describe(
      'Send a `nonce` and insist on its echo in the id_token. Undocumented upstream: only where you have seen it work.',
    ),
  DIGILOCKER_TIMEOUTS: numbers(TIMEOUTS)
    .default({})
    .describe(
      'Seconds for a whole call, as `name=seconds`: connect 5, token 15, user 15, issued 15, document 45, revoke 5, pull 45. Offices behind DigiLocker are slow; a person at the browser is not patient.',
    ),
  DIGILOCKER_BODY_CAPS: numbers(['json', 'document', 'file'])
    .default({})
    .describe(
      'Most bytes that an answer may have, as `name=bytes`: json 1048576, document 5242880, file (a PDF) 15728640.',
    ),
  DIGILOCKER_RETRY: numbers(['delayMs', 'maxRetryAfterMs', 'share', 'burst'])
    .default({})
    .describe(
      'One more try of a failed read: `delayMs` 200 to twice that, no longer `Retry-After` than `maxRetryAfterMs` 3000, retries at most a `share` 0.1 of the calls, `burst` 10 at once. Codes, refreshes and pulls are never sent twice.',
    ),
  DIGILOCKER_CONCURRENCY: numbers(['calls', 'waiting'])
    .default({})
    .describe('`calls` 64 to DigiLocker at one time, `waiting` 256 for their turn; one more is not sent.'),
  DIGILOCKER_BREAKER: numbers(['calls', 'threshold', 'pauseMs'])
    .default({})
    .describe(
      'No call for `pauseMs` 10000 once a `threshold` 0.5 of the last `calls` 20 failed: for DigiLocker as a whole, and for each office behind it.',
    ),
  DIGILOCKER_VERIFY_PDF: flag
    .default(true)
    .describe(
      'Fetch a wanted document that its office has only as PDF, where nothing else served the need, and say what its signature is worth. It never gives a value. One that was changed, or is signed by nobody whom trust names, ends the login as XML would; `false` spends no call and says only that it is there as PDF.',
    ),
  DIGILOCKER_REVOKE_AFTER_FETCH: flag
    .default(true)
    .describe(
      'Revoke DigiLocker’s tokens as soon as nothing more is wanted with them: after the documents are read, or after her decision where one is missing. `false` keeps them, sealed, until the consent ends.',
    ),
  DIGILOCKER_PULL: pairs
    .default({})
    .describe(
      'Documents that a person may have put into her DigiLocker by their office, as `doctype=orgid` (`DRVLC=…`, `PANCR=…`, `RVCER=…`). The office then learns her Aadhaar number, name and birth date; our page asks her first. Empty: not offered. The `orgid` is in the issuers list of the partner portal.',
    ),
}

type Variables = z.infer<z.ZodObject<typeof digilockerVariables>>

export interface DigiLockerConfig {
  readonly profile: Variables['DIGILOCKER_PROFILE']
  readonly baseUrl: URL | undefined
  readonly browserBaseUrl: URL | undefined
  readonly paths: Readonly<Record<string, string>>
  readonly clientId: string
  readonly clientSecret: Secret | undefined
  readonly previousClientSecret: Secret | undefined
  readonly clientAuth: Variables['DIGILOCKER_CLIENT_AUTH']
  readonly authorizeVersion: Variables['DIGILOCKER_AUTHORIZE_VERSION']
  readonly tokenVersion: Variables['DIGILOCKER_TOKEN_VERSION']
  readonly issuedVersion: Variables['DIGILOCKER_ISSUED_VERSION']
  readonly eAadhaarVersion: Variables['DIGILOCKER_EAADHAAR_VERSION']
  readonly scopes: readonly string[]
  readonly extraParameters: Readonly<Record<string, string>>
  readonly dropParameters: readonly string[] | undefined
  readonly doctypes: readonly string[]
  readonly serviceName: string
  readonly consentDays: number | undefined
  readonly hmacPolicy: Variables['DIGILOCKER_HMAC']
  readonly metaDigest: Variables['DIGILOCKER_META_DIGEST']
  readonly idTokenIssuers: readonly string[]
  readonly idTokenKeys: string
  readonly idTokenNonce: boolean
  /** seconds */
  readonly timeouts: Variables['DIGILOCKER_TIMEOUTS']
  readonly bodyCaps: Variables['DIGILOCKER_BODY_CAPS']
  readonly retry: Variables['DIGILOCKER_RETRY']
  readonly concurrency: Variables['DIGILOCKER_CONCURRENCY']
  readonly breaker: Variables['DIGILOCKER_BREAKER']
  readonly verifyPdf: boolean
  readonly revokeAfterFetch: boolean
  readonly pull: Readonly<Record<string, string>>
}

export function toDigiLockerConfig(read: Variables): DigiLockerConfig {
  return {
    profile: read.DIGILOCKER_PROFILE,
    baseUrl: read.DIGILOCKER_BASE_URL,
    browserBaseUrl: read.DIGILOCKER_BROWSER_BASE_URL,
    paths: read.DIGILOCKER_PATHS,
    clientId: read.DIGILOCKER_CLIENT_ID,
    clientSecret: read.DIGILOCKER_CLIENT_SECRET,
    previousClientSecret: read.DIGILOCKER_PREVIOUS_CLIENT_SECRET,
    clientAuth: read.DIGILOCKER_CLIENT_AUTH,
    authorizeVersion: read.DIGILOCKER_AUTHORIZE_VERSION,
    tokenVersion: read.DIGILOCKER_TOKEN_VERSION,
    issuedVersion: read.DIGILOCKER_ISSUED_VERSION,
    eAadhaarVersion: read.DIGILOCKER_EAADHAAR_VERSION,
    scopes: read.DIGILOCKER_SCOPES,
    extraParameters: read.DIGILOCKER_EXTRA_PARAMETERS,
    dropParameters: read.DIGILOCKER_DROP_PARAMETERS,
    doctypes: read.DIGILOCKER_DOCTYPES,
    serviceName: read.DIGILOCKER_SERVICE_NAME,
    consentDays: read.DIGILOCKER_CONSENT_DAYS,
    hmacPolicy: read.DIGILOCKER_HMAC,
    metaDigest: read.DIGILOCKER_META_DIGEST,
    idTokenIssuers: read.DIGILOCKER_ID_TOKEN_ISSUERS,
    idTokenKeys: read.DIGILOCKER_ID_TOKEN_KEYS,
    idTokenNonce: read.DIGILOCKER_ID_TOKEN_NONCE,
    timeouts: read.DIGILOCKER_TIMEOUTS,
    bodyCaps: read.DIGILOCKER_BODY_CAPS,
    retry: read.DIGILOCKER_RETRY,
    concurrency: read.DIGILOCKER_CONCURRENCY,
    breaker: read.DIGILOCKER_BREAKER,
    verifyPdf: read.DIGILOCKER_VERIFY_PDF,
    revokeAfterFetch: read.DIGILOCKER_REVOKE_AFTER_FETCH,
    pull: read.DIGILOCKER_PULL,
  }
}
