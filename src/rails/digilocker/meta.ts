import { createHash, createHmac } from 'node:crypto'
import type { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { RailError } from '../../errors.ts'
import type { RailCredentials } from '../rail.ts'
import type { Answer, Send } from './http.ts'
import { type DigiLockerSettings, endpointUrl, type MetaDigest, type MetaEndpoint } from './settings.ts'
import {
  doctypesAnswer,
  issuersAnswer,
  metaErrorAnswer,
  parametersAnswer,
  parseJson,
  statisticsAnswer,
} from './wire.ts'

/** What DigiLocker does not believe of a signed call. `digest`: the secret, or the form of the digest. */
export type MetaFault = 'client-id' | 'time' | 'digest' | 'org-id' | 'doctype' | 'other'

export type MetaAnswer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'refused'; readonly fault: MetaFault }

/**
 * DigiLocker's meta APIs: they need no person, and so tell of credentials and org ids what no sign-in must be made for.
 * @see digilocker-api.md §11
 */
export interface MetaClient {
  /** @throws RailError */
  issuers(credentials: RailCredentials): Promise<MetaAnswer<z.output<typeof issuersAnswer>>>
  /** @throws RailError */
  doctypes(orgId: string, credentials: RailCredentials): Promise<MetaAnswer<z.output<typeof doctypesAnswer>>>
  /** What an office wants to know of one of its documents. @throws RailError */
  parameters(
    orgId: string,
    doctype: string,
    credentials: RailCredentials,
  ): Promise<MetaAnswer<z.output<typeof parametersAnswer>>>
  /** @throws RailError */
  statistics(credentials: RailCredentials): Promise<MetaAnswer<z.output<typeof statisticsAnswer>>>
}

export function createMetaClient(settings: DigiLockerSettings, send: Send, clock: Clock): MetaClient {
  async function ask<T extends z.ZodType>(
    operation: MetaEndpoint,
    { clientId, clientSecret }: RailCredentials,
    fields: Record<string, string>,
    schema: T,
  ): Promise<MetaAnswer<z.output<T>>> {
    const ts = String(clock())
    const hmac = digestOf(settings.metaDigest, clientSecret, [clientId, ...Object.values(fields), ts].join(''))
    const answer = await send({
      operation,
      url: endpointUrl(operation, settings),
      headers: { accept: 'application/json' },
      form: new URLSearchParams({ clientid: clientId, ...fields, ts, hmac }),
      timeoutMs: settings.timeoutsMs.issued,
      maxBytes: settings.bodyCaps.json,
    })
    if (answer.status === 200) return { kind: 'answered', value: read(operation, answer, schema) }
    return { kind: 'refused', fault: faultIn(operation, answer) }
  }

  // Fields stand in the order in which they are signed: client id, org id, doctype, time.
  return {
    issuers: (credentials) => ask('issuers', credentials, {}, issuersAnswer),
    doctypes: (orgid, credentials) => ask('doctypes', credentials, { orgid }, doctypesAnswer),
    parameters: (orgid, doctype, credentials) => ask('parameters', credentials, { orgid, doctype }, parametersAnswer),
    statistics: (credentials) => ask('statistics', credentials, {}, statisticsAnswer),
  }
}

/** Plain SHA-256 over secret and fields as documented; the keyed form was seen in public code. Nobody states the encoding (§11). */
function digestOf(form: MetaDigest, secret: string, signed: string): string {
  const hash = form.startsWith('keyed-')
    ? createHmac('sha256', secret).update(signed)
    : createHash('sha256').update(secret + signed)
  return hash.digest(form.endsWith('base64') ? 'base64' : 'hex')
}

function read<T extends z.ZodType>(operation: MetaEndpoint, { body }: Answer, schema: T): z.output<T> {
  const parsed = schema.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  throw new RailError('RAIL_RESPONSE_INVALID', `${operation}: the answer cannot be read`)
}

/** Its description names the field that is wrong, and is read for that word alone. */
const WORDS: readonly (readonly [RegExp, MetaFault])[] = [
  [/\bhmac\b/i, 'digest'],
  [/\bts\b|time ?stamp/i, 'time'],
  [/\borg ?id\b/i, 'org-id'],
  [/\bdoc ?type\b/i, 'doctype'],
]

function faultIn(operation: MetaEndpoint, { status, body }: Answer): MetaFault {
  const parsed = metaErrorAnswer.safeParse(parseJson(body))
  if (status >= 500 || status === 429 || !parsed.success)
    throw new RailError('RAIL_UNAVAILABLE', `${operation}: the upstream answered ${status}`)
  const { error, description } = parsed.data
  if (error === 'invalid_client_id') return 'client-id'
  return WORDS.find(([word]) => word.test(description))?.[1] ?? 'other'
}
