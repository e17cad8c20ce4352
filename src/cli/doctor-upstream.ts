import { connect } from 'node:tls'
import { Agent, request } from 'undici'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { authorizeUrl } from '../rails/digilocker/authorize.ts'
import { type DigiLockerSettings, endpointUrl } from '../rails/digilocker/settings.ts'
import type { RailCredentials } from '../rails/rail.ts'
import type { DoctorParts } from './doctor.ts'
import { probeMeta } from './doctor-meta.ts'
import { type Finding, fault, fine, warning } from './finding.ts'

const DAY = 86_400
const TIMEOUT_MS = 10_000
const MOST_BYTES = 65_536
const SKEW_WARNING = 30
const SKEW_FAULT = 300
const CERTIFICATE_DAYS = 14

/** What DigiLocker itself answers to settings like these, over a connection of its own. */
export async function examineUpstream(
  config: Config,
  settings: DigiLockerSettings,
  parts: DoctorParts,
): Promise<Finding[]> {
  const agent = new Agent({ connect: { timeout: settings.timeoutsMs.connect } })
  try {
    return await overThere(config, settings, parts, agent)
  } finally {
    await agent.close()
  }
}

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
