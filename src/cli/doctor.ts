import { connect } from 'node:tls'
import { Agent, request } from 'undici'
import { type AppNeeds, toAppNeeds } from '../admin/app-needs.ts'
import type { ClientView } from '../admin/clients.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { trustStatus } from '../documents/trust/status.ts'
import { readTrust } from '../documents/trust/trust.ts'
import { AppError } from '../errors.ts'
import { createLog } from '../log.ts'
import { toDigiLockerSettings } from '../rail-settings.ts'
import { authorizeUrl } from '../rails/digilocker/authorize.ts'
import { type DigiLockerSettings, endpointUrl } from '../rails/digilocker/settings.ts'
import type { RailCredentials } from '../rails/rail.ts'
import { examineApps } from './doctor-apps.ts'
import { probeMeta } from './doctor-meta.ts'
import { type Finding, fault, fine, warning } from './finding.ts'
import { operateAll } from './operate.ts'

export interface DoctorParts {
  readonly clock: Clock
  /** what is stored of the credentials; undefined when the store could not be asked */
  readonly credentials: { readonly previousKept: boolean; readonly changedAt: string | undefined } | undefined
  /** registered apps; undefined when they were not asked for, `unreachable` when the database could not say */
  readonly apps?: readonly AppNeeds[] | 'unreachable' | undefined
  /** also ask the token endpoint with a code that nobody has, and for the list of issuers: tells a wrong secret, and spends nothing */
  readonly probe: boolean
}

const DAY = 86_400
const TIMEOUT_MS = 10_000
const MOST_BYTES = 65_536
const SKEW_WARNING = 30
const SKEW_FAULT = 300
const ROTATION_DAYS = 7
const CERTIFICATE_DAYS = 14

/** Looks at an operator's DigiLocker settings, here and over there, and explains what is wrong with them. */
export async function examine(config: Config, parts: DoctorParts): Promise<Finding[]> {
  const settings = readSettings(config)
  if ('code' in settings) return [settings]
  const here = [
    redirectUri(config),
    ...scopes(settings),
    ...doctypes(settings),
    idToken(settings),
    hmac(settings),
    ...rotation(config, parts),
    trust(config, parts.clock()),
    ...apps(settings, parts),
  ]
  const agent = new Agent({ connect: { timeout: settings.timeoutsMs.connect } })
  try {
    return [...here, ...(await overThere(config, settings, parts, agent))]
  } finally {
    await agent.close()
  }
}

function readSettings(config: Config): DigiLockerSettings | Finding {
  try {
    return toDigiLockerSettings(config)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return fault('settings', error.message, 'Correct the variable; docs/configuration.md has each with its form.')
  }
}

/** The portal compares byte for byte (digilocker-api.md §4). */
function redirectUri({ issuer, environment }: Config): Finding {
  const uri = new URL('/callback/digilocker', issuer).href
  const next = `Register exactly this in the partner portal, without a slash at the end: ${uri}`
  const deployed = environment === 'production' || environment === 'sandbox'
  if (deployed && (issuer.protocol !== 'https:' || /^(localhost|[\d.]+|\[.*\])$/.test(issuer.hostname)))
    return fault('redirect-uri', `${issuer.host} is not a public https name`, next)
  return fine('redirect-uri', `the portal must have exactly ${uri}`)
}

function scopes({ scopes: asked, tokenVersion }: DigiLockerSettings): Finding[] {
  if (asked.length === 0) return [fine('scopes', 'none are sent: those ticked in the portal apply')]
  const openid = asked.includes('openid')
  const next = 'A client with openid ticked must use version 2 of the token endpoint, any other version 1 (§6.1).'
  return [
    openid === (tokenVersion === 2)
      ? fine('token-version', `version ${tokenVersion} of the token endpoint ${openid ? 'with' : 'without'} openid`)
      : fault('token-version', `openid is ${openid ? '' : 'not '}asked for, with token version ${tokenVersion}`, next),
    asked.includes('files.issueddocs')
      ? fine('scopes', 'the issued list is among them')
      : warning('scopes', 'files.issueddocs is not asked for', 'Without it no list of documents can be read (403).'),
  ]
}

function doctypes({ approvedDoctypes, pull }: DigiLockerSettings): Finding[] {
  const wanted = ['ADHAR', 'PANCR', 'DRVLC'].filter((doctype) => !approvedDoctypes.includes(doctype))
  const strangers = Object.keys(pull).filter((doctype) => !approvedDoctypes.includes(doctype))
  return [
    wanted.length === 0
      ? fine('doctypes', 'every document that our claims come from is approved')
      : warning(
          'doctypes',
          `not approved: ${wanted.join(', ')}`,
          'Claims from these documents will always be missing.',
        ),
    ...strangers.map((doctype) =>
      fault(
        'pull',
        `${doctype} is pulled but not approved`,
        'Add it to DIGILOCKER_DOCTYPES, or take it out of DIGILOCKER_PULL.',
      ),
    ),
  ]
}

function idToken({ tokenVersion, idToken: { keys } }: DigiLockerSettings): Finding {
  if (tokenVersion === 2 && keys.mode === 'tls-only')
    return warning(
      'id-token',
      'signatures of id_tokens are not checked (tls-only)',
      'Ask your contact at DigiLocker for the keys and set DIGILOCKER_ID_TOKEN_KEYS.',
    )
  return fine('id-token', tokenVersion === 2 ? 'signatures are checked' : 'none is expected on version 1')
}

const hmac = ({ hmacPolicy }: DigiLockerSettings): Finding =>
  hmacPolicy === 'off'
    ? warning('hmac', 'the hmac header is not looked at', 'Set DIGILOCKER_HMAC to verify-if-present.')
    : fine('hmac', hmacPolicy)

function rotation({ digilocker }: Config, { credentials, clock }: DoctorParts): Finding[] {
  if (!credentials && !digilocker.clientSecret)
    return [fault('secret', 'no client secret is configured or stored', 'Set it with `dwar credentials set`.')]
  if (!credentials?.previousKept) return [fine('secret', 'one secret, no rotation under way')]
  const since = credentials.changedAt === undefined ? clock() : Date.parse(credentials.changedAt) / 1000
  const days = Math.floor((clock() - since) / DAY)
  if (days < ROTATION_DAYS) return [fine('secret', 'a rotation is under way: hmac headers of both secrets count')]
  const next = 'When DigiLocker has long used the new one: `dwar credentials drop-previous`.'
  return [warning('secret', `the previous secret has counted for ${days} days`, next)]
}

function trust({ trustFiles, trustFolder }: Config, now: number): Finding {
  const rows = trustStatus(readTrust([...trustFiles], trustFolder), now)
  const valid = rows.filter(
    ({ kind, rail, state }) => kind !== 'anchor' && rail === 'digilocker' && IN_FORCE.has(state),
  )
  if (valid.length > 0) return fine('signer', `${valid.length} signer(s) of documents are trusted today`)
  const next = 'Pin the present signer (docs/operations.md, “The signer of today”). Until then documents are refused.'
  return fault('signer', 'no signer of DigiLocker’s documents is trusted today', next)
}
function apps(settings: DigiLockerSettings, { apps: registered }: DoctorParts): Finding[] {
  if (registered === undefined) return []
  if (registered !== 'unreachable') return examineApps(registered, settings)
  const next = 'Run it where DWAR_DATABASE_URL can be reached, or with --offline.'
  return [warning('apps', 'registered apps were not looked at: the database could not be opened', next)]
}

const IN_FORCE = new Set(['ok', 'ends-soon', 'tolerated'])

async function overThere(
  config: Config,
  settings: DigiLockerSettings,
  { clock, probe }: DoctorParts,
  agent: Agent,
): Promise<Finding[]> {
  const asked = await ask(authorizeAsWeDo(config, settings, clock()), agent)
  if ('code' in asked) return [asked]
  return [
    fine('reachable', `${settings.baseUrl.host} answers`),
    ...(settings.baseUrl.protocol === 'https:' ? [await certificate(settings.baseUrl, clock())] : []),
    clockSkew(asked.date, clock()),
    authorize(asked),
    ...(probe ? await probes(config, settings, clock, agent) : []),
  ]
}

interface Answer {
  readonly status: number
  readonly date: string | undefined
  readonly text: string
}

async function ask(url: URL, agent: Agent, form?: Record<string, string>): Promise<Answer | Finding> {
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      method: form ? 'POST' : 'GET',
      headers: { accept: '*/*', ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      ...(form && { body: new URLSearchParams(form).toString() }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const { date } = headers
    return { status: statusCode, date: typeof date === 'string' ? date : undefined, text: await beginning(body) }
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string }
    return fault('reachable', `${url.host} cannot be reached (${code ?? name})`, REACH[code ?? ''] ?? REACH.other)
  }
}

const REACH: Record<string, string> & { other: string } = {
  ENOTFOUND: 'The name is unknown here: look at DIGILOCKER_BASE_URL and at this machine’s DNS.',
  ECONNREFUSED: 'Nothing listens there: look at DIGILOCKER_BASE_URL and at the firewall.',
  CERT_HAS_EXPIRED: 'Its certificate has ended, or this machine’s clock is wrong.',
  other: 'Look at DIGILOCKER_BASE_URL, the firewall and the way out (a proxy is not used).',
}

async function beginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString('latin1')
    if (text.length > MOST_BYTES) break
  }
  return text
}

/** The very request that sends people there, for nobody: it begins a sign-in that no one ends. */
function authorizeAsWeDo(config: Config, settings: DigiLockerSettings, now: number): URL {
  const returnTo = new URL('/callback/digilocker', config.issuer)
  const made = {
    correlation: 'dwar-doctor',
    returnTo,
    needs: [{ anyOf: settings.approvedDoctypes }],
    purpose: 'settings check',
    serviceName: config.digilocker.serviceName,
    freshLogin: false,
  }
  const keep = { codeVerifier: 'd'.repeat(43), redirectUri: returnTo.href, needs: [] }
  return authorizeUrl(made, keep, config.digilocker.clientId, settings, now)
}

/** What DigiLocker's own error page is about (digilocker-api.md §4.1); people would be stranded there. */
const PAGE_WORDS: readonly (readonly [RegExp, string, string])[] = [
  [/redirect_uri_mismatch/i, 'the redirect URI is not registered', 'Register the one above, byte for byte.'],
  [
    /invalid_client_id/i,
    'the client id is unknown there',
    'Look at DIGILOCKER_CLIENT_ID, and at host and environment.',
  ],
  [/invalid_scope/i, 'a scope is not ticked in the portal', 'Tick it there, or take it out of DIGILOCKER_SCOPES.'],
  [/code_challenge/i, 'PKCE is refused', 'Enable PKCE for this client in the portal.'],
  [/req_doctype|document type/i, 'a document type is not approved', 'Take it out of DIGILOCKER_DOCTYPES.'],
  [
    /purpose|service_name/i,
    'purpose or service name is refused',
    'Letters, digits, space, underscore; old portals: DIGILOCKER_DROP_PARAMETERS.',
  ],
]

function authorize({ status, text }: Answer): Finding {
  if (status < 400) return fine('authorize', 'DigiLocker takes our request and shows its sign-in')
  if (status >= 500) return fault('authorize', `DigiLocker answers ${status}`, 'Try later; nothing here is wrong.')
  const known = PAGE_WORDS.find(([word]) => word.test(text))
  return fault(
    'authorize',
    known?.[1] ?? `DigiLocker refuses our request (${status})`,
    known?.[2] ?? 'Compare every authorize parameter with the portal.',
  )
}

function clockSkew(date: string | undefined, now: number): Finding {
  const theirs = Date.parse(date ?? '') / 1000
  if (Number.isNaN(theirs)) return warning('clock', 'DigiLocker sends no date to compare with', 'Look at NTP by hand.')
  const skew = Math.round(Math.abs(now - theirs))
  const next = 'Set this machine’s clock by NTP: ends of consents and certificates are judged by it.'
  if (skew > SKEW_FAULT) return fault('clock', `this machine is ${skew} seconds off`, next)
  return skew > SKEW_WARNING ? warning('clock', `this machine is ${skew} seconds off`, next) : fine('clock', 'right')
}

async function certificate(url: URL, now: number): Promise<Finding> {
  const validTo = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ host: url.hostname, port: Number(url.port) || 443, servername: url.hostname })
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy())
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().valid_to)
      socket.end()
    })
    socket.once('error', () => resolve(undefined)).once('close', () => resolve(undefined))
  })
  const days = Math.floor((Date.parse(validTo ?? '') / 1000 - now) / DAY)
  if (Number.isNaN(days)) return fault('tls', 'the TLS certificate does not hold', 'Look for a proxy that opens TLS.')
  if (days > CERTIFICATE_DAYS) return fine('tls', `the certificate lasts ${days} days`)
  return warning('tls', `the certificate lasts ${days} days`, 'DigiLocker’s to renew; logins fail when it ends.')
}

async function probes(config: Config, settings: DigiLockerSettings, clock: Clock, agent: Agent): Promise<Finding[]> {
  const { clientId, clientSecret } = config.digilocker
  if (!clientSecret)
    return [
      warning(
        'credentials',
        'not tried: the secret is in the vault alone',
        'Give it in DIGILOCKER_CLIENT_SECRET for this command.',
      ),
    ]
  const credentials = { clientId, clientSecret: clientSecret.reveal() }
  const meta = await probeMeta({ settings, credentials, clock, dispatcher: agent })
  return [await tokenProbe(config, settings, credentials, agent), ...meta]
}

/** @see digilocker-api.md §6.5 */
async function tokenProbe(
  config: Config,
  settings: DigiLockerSettings,
  { clientId, clientSecret }: RailCredentials,
  agent: Agent,
): Promise<Finding> {
  const form = {
    grant_type: 'authorization_code',
    code: '0'.repeat(40),
    redirect_uri: new URL('/callback/digilocker', config.issuer).href,
    code_verifier: 'd'.repeat(43),
    client_id: clientId,
    client_secret: clientSecret,
  }
  const answer = await ask(endpointUrl('token', settings), agent, form)
  if ('code' in answer) return answer
  const word = /"error"\s*:\s*"([a-z_]+)"/.exec(answer.text)?.[1]
  if (word === 'invalid_grant') return fine('credentials', 'client id and secret are right')
  if (word === 'invalid_client')
    return fault(
      'credentials',
      'DigiLocker does not know this id and secret',
      'Compare with the portal; its token authentication method must be authorization_code.',
    )
  if (word === 'invalid_grant_type')
    return fault(
      'token-version',
      'DigiLocker wants the other version of the token endpoint',
      'Set DIGILOCKER_TOKEN_VERSION to the other one.',
    )
  return warning(
    'credentials',
    `DigiLocker answers ${answer.status}${word ? ` ${word}` : ''}`,
    'Try later, or look at DIGILOCKER_CLIENT_AUTH.',
  )
}

/** What is stored, through the running server or the database, where either can be asked. */
export async function askStore(config: Config): Promise<Pick<DoctorParts, 'credentials' | 'apps'>> {
  const ask = (...calls: Parameters<typeof operateAll>[2]) => operateAll(config, createLog('silent'), calls)
  const toApps = (clients: unknown) => (clients as readonly ClientView[]).map(toAppNeeds)
  const show = ['credentials show', { rail: 'digilocker' }] as const
  try {
    const [clients, credentials] = await ask(['client list'], show)
    return { credentials: credentials as DoctorParts['credentials'], apps: toApps(clients) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code !== 'RAIL_MISCONFIGURED') return { credentials: undefined, apps: 'unreachable' }
    const [clients] = await ask(['client list']) // there are no credentials yet
    return { credentials: undefined, apps: toApps(clients) }
  }
}

/** For people; the worst first. */
export function describeFindings(findings: readonly Finding[]): string {
  const order = ['fault', 'warning', 'fine']
  const sorted = findings.toSorted((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity))
  return sorted
    .map(
      ({ code, severity, says, next }) =>
        `${severity.padEnd(8)} ${code.padEnd(14)} ${says}${next ? `\n${' '.repeat(24)}→ ${next}` : ''}`,
    )
    .join('\n')
}
