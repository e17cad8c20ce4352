import { randomBytes } from 'node:crypto'
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { RailError } from '../errors.ts'
import { createGuard } from '../rails/digilocker/guard.ts'
import { createSend } from '../rails/digilocker/http.ts'
import { createMetaClient, type MetaClient, type MetaFault } from '../rails/digilocker/meta.ts'
import type { DigiLockerSettings, MetaDigest } from '../rails/digilocker/settings.ts'
import type { RailCredentials } from '../rails/rail.ts'
import { type Finding, fault, fine, warning } from './finding.ts'

export interface MetaProbe {
  readonly settings: DigiLockerSettings
  readonly credentials: RailCredentials
  readonly clock: Clock
  readonly dispatcher: Dispatcher
}

const DIGESTS: readonly MetaDigest[] = ['hex', 'base64', 'keyed-hex', 'keyed-base64']

/**
 * Proves client id and secret by a call that needs no person, and looks whether the offices that documents are pulled from
 * exist under the org ids configured.
 * @see digilocker-api.md §11
 */
export async function probeMeta(probe: MetaProbe): Promise<Finding[]> {
  try {
    const client = metaClient(probe)
    const answer = await client.issuers(probe.credentials)
    if (answer.kind === 'refused') return [await explain(answer.fault, probe)]
    const known = answer.value.map(({ orgId }) => orgId)
    const pulls = Object.entries(probe.settings.pull).map(([doctype, orgId]) =>
      known.includes(orgId) ? pullable(doctype, orgId, client, probe) : Promise.resolve(noSuchOrg(doctype, orgId)),
    )
    const right = fine('meta', `client id and secret are right: DigiLocker lists ${known.length} issuer(s)`)
    return [right, ...(await Promise.all(pulls))]
  } catch (error) {
    if (error instanceof RailError) return [notAnswered(error)]
    throw error
  }
}

function metaClient({ settings, clock, dispatcher }: MetaProbe, metaDigest = settings.metaDigest): MetaClient {
  const guard = createGuard(settings, () => undefined)
  return createMetaClient(
    { ...settings, metaDigest },
    createSend(settings, { dispatcher, clock, randomBytes, guard }),
    clock,
  )
}

const notAnswered = ({ code, message }: RailError): Finding =>
  warning(
    'meta',
    `not answered: ${message} (${code})`,
    'Logins do without it. Try later; if it stays, look at DIGILOCKER_PATHS and whether your partner agreement has meta APIs.',
  )

async function explain(refused: MetaFault, probe: MetaProbe): Promise<Finding> {
  if (refused === 'digest') return explainDigest(probe)
  const [says, next] = EXPLANATIONS[refused]
  return fault('meta', says, next)
}

const EXPLANATIONS: Readonly<Record<Exclude<MetaFault, 'digest'>, readonly [says: string, next: string]>> = {
  'client-id': [
    'DigiLocker does not know this client id',
    'Look at DIGILOCKER_CLIENT_ID, and at host and environment: a stage id is unknown in production.',
  ],
  time: [
    'DigiLocker does not believe our time: it takes half an hour, no more',
    'Set this machine’s clock by NTP, in UTC.',
  ],
  'org-id': ['DigiLocker refuses a call without org id for its org id', 'Look at DIGILOCKER_PATHS.'],
  doctype: ['DigiLocker refuses a call without doctype for its doctype', 'Look at DIGILOCKER_PATHS.'],
  other: ['DigiLocker refuses the call and does not say why', 'Compare client id and host with the portal.'],
}

/** A wrong secret and another form of digest look the same, unless another form is taken. */
async function explainDigest(probe: MetaProbe): Promise<Finding> {
  const { metaDigest } = probe.settings
  for (const digest of DIGESTS.filter((one) => one !== metaDigest)) {
    const answer = await metaClient(probe, digest).issuers(probe.credentials)
    if (answer.kind === 'answered')
      return fault(
        'meta',
        `the secret is right, and DigiLocker wants the digest as ${digest}`,
        `Set DIGILOCKER_META_DIGEST=${digest}.`,
      )
  }
  return fault(
    'meta',
    'the client secret is wrong: no form of the digest is taken',
    'Compare it with the portal, and set it with `dwar credentials set` or DIGILOCKER_CLIENT_SECRET.',
  )
}

const noSuchOrg = (doctype: string, orgId: string): Finding =>
  fault(
    'pull',
    `${doctype} is pulled from ${orgId}, which is no issuer`,
    'Take the orgid from the issuers list of the partner portal into DIGILOCKER_PULL.',
  )

async function pullable(
  doctype: string,
  orgId: string,
  client: MetaClient,
  { credentials }: MetaProbe,
): Promise<Finding> {
  const answer = await client.doctypes(orgId, credentials)
  if (answer.kind === 'answered' && answer.value.includes(doctype))
    return fine('pull', `${doctype} is had from ${orgId}`)
  return fault(
    'pull',
    `${orgId} has no ${doctype}`,
    'Look up who issues it in the partner portal; correct DIGILOCKER_PULL.',
  )
}
