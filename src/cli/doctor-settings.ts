import type { Config } from '../config/config.ts'
import { trustStatus } from '../documents/trust/status.ts'
import { readTrust } from '../documents/trust/trust.ts'
import type { DigiLockerSettings } from '../rails/digilocker/settings.ts'
import type { DoctorParts } from './doctor.ts'
import { type Finding, fault, fine, warning } from './finding.ts'

const DAY = 86_400
const ROTATION_DAYS = 7
const IN_FORCE = new Set(['ok', 'ends-soon', 'tolerated'])

/** What can be said of an operator's settings without asking anybody. */
export function examineSettings(config: Config, settings: DigiLockerSettings, parts: DoctorParts): Finding[] {
  return [
    redirectUri(config),
    proxies(config),
    ...scopes(settings),
    ...doctypes(settings),
    idToken(settings),
    hmac(settings),
    ...rotation(config, parts),
    trust(config, parts.clock()),
  ]
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

/** Whose word counts for the address of a caller, by which failed tries are limited (security.md SE-5, OP-10). */
function proxies({ issuer, behindProxy, trustedProxies }: Config): Finding {
  if (!behindProxy && issuer.protocol === 'https:')
    return warning(
      'proxies',
      'the issuer is https, which this server does not speak, and no proxy is known of',
      'Set DWAR_BEHIND_PROXY and DWAR_TRUSTED_PROXIES: else all callers have the proxy’s address, and share its limits.',
    )
  if (!behindProxy) return fine('proxies', 'none: callers are known by their own address')
  if (trustedProxies.length > 0) return fine('proxies', `callers are told of by ${trustedProxies.join(', ')} alone`)
  const next = 'Name them in DWAR_TRUSTED_PROXIES, or see to it that nobody else reaches this port.'
  return warning('proxies', 'whoever reaches this port may say from where they call', next)
}

function scopes({ scopes: asked, tokenVersion }: DigiLockerSettings): Finding[] {
  if (asked.length === 0) {
    const says = 'none are sent: those ticked in the portal apply; named here, files are left out where none is needed'
    return [fine('scopes', says)]
  }
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
