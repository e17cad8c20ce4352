import type { LockerDocument } from './documents.ts'
import { formOf, json, refuse, type SimRequest, type SimResponse } from './http.ts'
import type { Persona } from './persona.ts'
import { grantOf } from './resources.ts'
import type { Quirks } from './rules.ts'
import type { Grant, World } from './world.ts'

/** Whose documents can be pulled, under the `orgid` that the issuers list would give. */
export const PULL_ORGS: Readonly<Record<string, string>> = { DRVLC: '002202', RVCER: '002202', PANCR: '001891' }

/**
 * POST /public/oauth2/1/pull/pulldocument: form `orgid`, `doctype`, `consent=Y` and what the issuer wants to know. The
 * document is in the locker from then on, and agreed to for the grant that pulled it.
 * @see digilocker-api.md §11
 */
export function pull(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return refuse(401, 'invalid_token', 'The access token is missing, expired or revoked.')
  const form = formOf(request)
  if (form?.get('consent') !== 'Y') return refuse(400, 'invalid_parameter', 'consent must be Y.')
  const doctype = form.get('doctype') ?? ''
  if (!Object.hasOwn(PULL_ORGS, doctype)) return refuse(400, 'invalid_doctype', 'This document cannot be pulled.')
  if (form.get('orgid') !== PULL_ORGS[doctype]) return refuse(400, 'invalid_orgid', 'This issuer does not give it.')
  if (!isAgreed(grant, doctype)) return refuse(403, 'insufficient_scope', 'The user did not consent to this.')
  return fetchFromOffice(grant, doctype, form, world, quirks)
}

function fetchFromOffice(
  grant: Grant,
  doctype: string,
  form: URLSearchParams,
  world: World,
  quirks: Quirks,
): SimResponse {
  const { persona } = grant
  const about = { persona: persona.id, doctype }
  if (world.locker(persona).some((document) => document.doctype === doctype))
    return refuse(400, 'uri_exists', 'The document is in the locker already.')
  const document = world.pullable(persona).find((candidate) => fits(candidate, doctype, form, persona))
  if (document === undefined || quirks.take('pull-not-found', about))
    return refuse(404, 'record_not_found', 'The issuer has no such record.')
  if (quirks.take('pull-pending', about)) {
    world.expect(document, grant)
    return refuse(400, 'pull_response_pending', 'The issuer looks at the request.')
  }
  world.pull(persona, document)
  grant.scopes = [...grant.scopes, `issued/${document.uri}`]
  return json(200, { uri: document.uri })
}

const isAgreed = ({ scopes }: Grant, doctype: string): boolean =>
  scopes.includes(`file.partners/${doctype}`) || scopes.includes(`partners.${doctype}`)

/** Issuers compare what was typed with their record, forgiving spaces and case. */
function fits(document: LockerDocument, doctype: string, form: URLSearchParams, persona: Persona): boolean {
  if (document.doctype !== doctype) return false
  const typed = (name: string) => plain(form.get(name) ?? '')
  const number = plain(document.uri.split('-').slice(2).join('-'))
  if (doctype === 'DRVLC') return typed('dlno') === number
  if (doctype === 'PANCR')
    return typed('panno') === number && typed('PANFullName') === plain(persona.pan?.name ?? persona.name)
  const vehicle = persona.vehicles?.find((candidate) => plain(candidate.number) === number)
  return typed('reg_no') === number && typed('chasis_no') === plain(vehicle?.chassis ?? '')
}

const plain = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9]/g, '')
