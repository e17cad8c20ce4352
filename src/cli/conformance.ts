import { exportJWK, generateKeyPair, importPKCS8, type JWK } from 'jose'
import type { Operations } from '../admin/operations.ts'
import type { Clock } from '../clock.ts'
import { AdminError } from '../errors.ts'
import { conformancePlans, type Plan, type PlannedClient } from './conformance-plans.ts'
import { makeSelfSigned } from './self-signed.ts'

export interface ConformanceOptions {
  /** base address of the suite, e.g. `https://www.certification.openid.net` */
  readonly suite: URL
  readonly alias: string
  readonly issuer: URL
  /** short names; every plan when empty */
  readonly plans: readonly string[]
  /** puts new clients in the place of those of an earlier call */
  readonly replace: boolean
  /** false where no client certificate reaches the issuer: plans that need one are left out */
  readonly mutualTls: boolean
  readonly clock: Clock
}

interface Keys {
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

/** Does one operation, here or in the running server. */
export type Run = <Name extends 'client add' | 'client remove'>(
  name: Name,
  input: Parameters<Operations[Name]>[0],
) => Promise<unknown>

export interface PreparedPlan {
  readonly plan: string
  readonly variant: Readonly<Record<string, string>>
  /** to be pasted into the suite */
  readonly configuration: Record<string, unknown>
}

/**
 * Registers the static clients of the OpenID Foundation's plans and writes the configuration of each. Private keys are in
 * what is returned and nowhere else.
 * @throws AdminError CLIENT_INVALID when a client is there already and is not to be replaced
 */
export async function prepareConformance(options: ConformanceOptions, run: Run): Promise<PreparedPlan[]> {
  const base = (short: string) => new URL(`/test/a/${aliasOf(options, short)}`, options.suite).href
  const known = conformancePlans(base)
  const unknown = options.plans.filter((short) => !known.some((plan) => plan.short === short))
  if (unknown.length > 0)
    throw new AdminError('CLIENT_INVALID', `no such plan: ${unknown.join(', ')}; there are ${shorts(known)}`)
  const wanted = known
    .filter(({ short }) => options.plans.length === 0 || options.plans.includes(short))
    .filter(({ clients }) => options.mutualTls || !clients.some(({ certificate }) => certificate))
  const prepared: PreparedPlan[] = []
  for (const plan of wanted) prepared.push(await prepare(plan, options, run))
  return prepared
}

const shorts = (plans: readonly Plan[]): string => plans.map(({ short }) => short).join(', ')
const aliasOf = ({ alias }: ConformanceOptions, short: string): string => `${alias}-${short}`

async function prepare(plan: Plan, options: ConformanceOptions, run: Run): Promise<PreparedPlan> {
  const members: Record<string, unknown> = {}
  for (const planned of plan.clients) Object.assign(members, await addClient(plan, planned, options, run))
  const alias = aliasOf(options, plan.short)
  return {
    plan: plan.name,
    variant: plan.variant,
    configuration: {
      alias,
      description: `Dwar, ${plan.name}`,
      server: { discoveryUrl: new URL('/.well-known/openid-configuration', options.issuer).href },
      ...members,
      ...plan.further,
      ...(plan.clients.some(({ signs }) => signs) && {
        resource: { resourceUrl: new URL('/userinfo', options.issuer).href },
      }),
    },
  }
}

/** @returns the members of the configuration that tell the suite about this client */
async function addClient(
  plan: Plan,
  { member, registration, signs, certificate }: PlannedClient,
  options: ConformanceOptions,
  run: Run,
): Promise<Record<string, unknown>> {
  const id = `conformance-${options.alias}-${plan.short}-${member.replaceAll('_', '-')}`
  const shown = certificate ? await makeSelfSigned(id, options.clock) : undefined
  const byCertificate = registration.token_endpoint_auth_method === 'self_signed_tls_client_auth'
  const keys = signs ? await (shown && byCertificate ? keysOf(id, shown) : makeKeys(id)) : undefined
  if (options.replace) await removeIfThere(id, run)
  const { client_secret: secret } = (await run('client add', {
    id,
    registration: {
      client_name: `Conformance ${plan.short} ${member}`,
      ...registration,
      ...(keys && { jwks: { keys: [keys.publicJwk] } }),
    },
  })) as { client_secret?: string }
  return {
    [member]: {
      client_id: id,
      ...(secret && { client_secret: secret }),
      ...(keys && { scope: registration.scope, jwks: { keys: [keys.privateJwk] } }),
      ...(registration.dpop_bound_access_tokens === true && { dpop_signing_alg: 'ES256' }),
    },
    ...(shown && { [member === 'client2' ? 'mtls2' : 'mtls']: shown }),
  }
}

async function removeIfThere(id: string, run: Run): Promise<void> {
  try {
    await run('client remove', { id })
  } catch (error) {
    if (!(error instanceof AdminError) || error.code !== 'CLIENT_UNKNOWN') throw error
  }
}

/** The key of a certificate, by which its client is known (RFC 8705 §2.2.2). */
async function keysOf(kid: string, { cert, key }: { cert: string; key: string }): Promise<Keys> {
  const privateJwk = {
    ...(await exportJWK(await importPKCS8(key, 'ES256', { extractable: true }))),
    ...{ kid, alg: 'ES256', use: 'sig', x5c: [cert.replace(/-----[^-]+-----|\s/g, '')] },
  }
  const { d: _secret, ...publicJwk } = privateJwk
  return { publicJwk, privateJwk }
}

async function makeKeys(kid: string): Promise<Keys> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const members = { kid, alg: 'ES256', use: 'sig' }
  return {
    publicJwk: { ...(await exportJWK(publicKey)), ...members },
    privateJwk: { ...(await exportJWK(privateKey)), ...members },
  }
}
