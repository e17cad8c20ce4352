import { createHash, createHmac } from 'node:crypto'
import { DOCTYPES, type Doctype } from './documents.ts'
import { formOf, json, refuse, type SimRequest, type SimResponse } from './http.ts'
import { PULL_ORGS } from './pull.ts'
import type { Quirks } from './rules.ts'
import { sameText } from './token.ts'
import type { World } from './world.ts'

const STRICT_SECONDS = 1800

/** What an office wants to know, in the words of digilocker-api.md §11. Values of `example` exist at the simulator. */
const PARAMETERS: Readonly<Record<string, readonly { label: string; paramname: string; example: string }[]>> = {
  DRVLC: [{ label: 'Driving Licence Number', paramname: 'dlno', example: 'PB0020150000000' }],
  PANCR: [
    { label: 'PAN Number', paramname: 'panno', example: 'ZZHPR0000H' },
    { label: 'Name as on PAN', paramname: 'PANFullName', example: 'AS PRINTED ON THE CARD' },
  ],
  RVCER: [
    { label: 'Registration Number', paramname: 'reg_no', example: 'KL00AA0000' },
    { label: 'Chassis Number', paramname: 'chasis_no', example: 'SAMPLECHASSIS00001' },
  ],
}

const ORG_IDS = [...new Set(Object.values(PULL_ORGS))]
const doctypesOf = (orgId: string) => Object.keys(PULL_ORGS).filter((doctype) => PULL_ORGS[doctype] === orgId)

/** POST /public/oauth2/1/pull/issuers: whose documents can be pulled (digilocker-api.md §11). */
export function issuers(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const found = readSigned(request, world, quirks, [])
  if (!('given' in found)) return found
  return json(200, {
    issuers: ORG_IDS.map((orgid) => {
      const { issuerId, issuer } = DOCTYPES[doctypesOf(orgid)[0] as Doctype]
      return { orgid, issuerid: issuerId, name: issuer, categories: 'Central Government', description: issuer }
    }),
  })
}

/** POST /public/oauth2/1/pull/doctype: what an issuer has. */
export function doctypes(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const found = readSigned(request, world, quirks, ['orgid'])
  if (!('given' in found)) return found
  const { orgid } = found.given
  if (!ORG_IDS.includes(orgid ?? '')) return invalid('orgid is not valid')
  const documents = doctypesOf(orgid ?? '').map((doctype) => ({
    doctype,
    description: DOCTYPES[doctype as Doctype].name,
  }))
  return json(200, { documents })
}

/** POST /public/oauth2/1/pull/parameters: what an issuer wants to know for one of its documents. */
export function parameters(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const found = readSigned(request, world, quirks, ['orgid', 'doctype'])
  if (!('given' in found)) return found
  const { orgid, doctype = '' } = found.given
  if (!ORG_IDS.includes(orgid ?? '')) return invalid('orgid is not valid')
  if (PULL_ORGS[doctype] !== orgid) return invalid('doctype is not valid')
  const list = (PARAMETERS[doctype] ?? []).map((one) => ({ ...one, valuelist: null }))
  return json(200, quirks.take('parameters-array') ? list : { parameters: list })
}

/** POST /public/statistics/1/counts. Numbers as text, as in the official specification; all of them made up. */
export function statistics(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const found = readSigned(request, world, quirks, [])
  if (!('given' in found)) return found
  const today = new Date(world.now() * 1000)
  return json(200, {
    users: String(world.people.length),
    authentic_documents: String(world.people.flatMap((persona) => world.locker(persona)).length),
    issuers: String(ORG_IDS.length),
    requestors: String(world.clients.size),
    count_as_on: today.toISOString().slice(0, 10).split('-').reverse().join('/'),
    monthwise_registrations: [{ id: 1, year: today.getUTCFullYear(), month: today.getUTCMonth() + 1, count: 0 }],
    yearwise_authentic_documents: [{ id: 1, year: today.getUTCFullYear(), count: 0 }],
  })
}

/**
 * The form of a signed call: `clientid`, `ts` and `hmac`, a plain SHA-256 over secret, client id, the fields and the time.
 * @param fields those that come between client id and time, in this order
 */
function readSigned(
  request: SimRequest,
  world: World,
  quirks: Quirks,
  fields: readonly string[],
): { given: Readonly<Record<string, string>> } | SimResponse {
  const form = formOf(request)
  const names = ['clientid', ...fields, 'ts', 'hmac']
  const missing = names.find((name) => !form?.get(name))
  if (form === undefined || missing !== undefined) return invalid(`${missing} is missing`)
  const given = Object.fromEntries(names.map((name) => [name, form.get(name) ?? '']))
  const client = world.clients.get(given.clientid ?? '')
  if (client === undefined) return refuse(401, 'invalid_client_id', 'The client id is not registered.')
  if (!isFresh(given.ts ?? '', world.now())) return invalid('ts is not valid or older than 30 minutes')
  const signed = [client.clientId, ...fields.map((name) => given[name] ?? ''), given.ts ?? ''].join('')
  if (!sameText(digestOf(client.clientSecret, signed, quirks), given.hmac ?? '')) return invalid('hmac is not valid')
  return { given }
}

const isFresh = (ts: string, now: number): boolean =>
  /^\d{10}$/.test(ts) && Math.abs(now - Number(ts)) <= STRICT_SECONDS

function digestOf(secret: string, signed: string, quirks: Quirks): string {
  const hash = quirks.take('meta-digest-keyed')
    ? createHmac('sha256', secret).update(signed)
    : createHash('sha256').update(secret + signed)
  return hash.digest(quirks.take('meta-digest-base64') ? 'base64' : 'hex')
}

const invalid = (description: string): SimResponse => refuse(400, 'invalid_parameter', `${description}.`)
