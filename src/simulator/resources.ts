import { createHmac } from 'node:crypto'
import { dayFirst } from './dates.ts'
import type { LockerDocument } from './documents.ts'
import { json, refuse, type SimRequest, type SimResponse } from './http.ts'
import { PORTRAIT_JPEG_BASE64 } from './portrait.ts'
import type { About, Quirks } from './rules.ts'
import { type UploadedFile, uploadUri } from './shelf.ts'
import { signedDocument, signedPdf } from './signing.ts'
import { eAadhaarFlag } from './token.ts'
import { type Grant, newUuid, type World } from './world.ts'

export const INVALID_TOKEN = refuse(401, 'invalid_token', 'The access token is missing, expired or revoked.')
export const INSUFFICIENT_SCOPE = refuse(403, 'insufficient_scope', 'The user did not consent to this.')
const INVALID_URI = refuse(404, 'invalid_uri', 'There is no such document.')

/** GET /public/oauth2/1/user (digilocker-api.md §9) */
export function user(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (!isAboutThePerson(grant)) return INSUFFICIENT_SCOPE
  const { persona } = grant
  return json(200, {
    digilockerid: quirks.take('other-digilockerid', { persona: persona.id }) ? newUuid() : persona.digilockerId,
    name: quirks.take('name-empty', { persona: persona.id }) ? '' : persona.name,
    dob: dayFirst(persona.birthdate, ''),
    gender: persona.gender,
    eaadhaar: eAadhaarFlag(grant, quirks),
    reference_key: createHmac('sha256', grant.client.clientId).update(persona.digilockerId).digest('hex'),
    ...(persona.mobile === undefined ? {} : { mobile: persona.mobile }),
    ...(persona.email === undefined ? {} : { email: persona.email }),
    ...(grant.scopes.includes('picture') ? { picture: PORTRAIT_JPEG_BASE64 } : {}),
  })
}

/** GET /public/oauth2/{1,2}/files/issued: consented documents only; version 1 gives one mime each (digilocker-api.md §10.1) */
export function issued(request: SimRequest, world: World, quirks: Quirks): SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (!grant.scopes.includes('files.issueddocs')) return INSUFFICIENT_SCOPE
  if (quirks.take('items-missing', { persona: grant.persona.id })) return json(200, {})
  world.deliver(grant.persona)
  const consented = world.locker(grant.persona).filter((document) => isConsented(grant, document))
  const items = consented.map((document) =>
    listItem(document, quirks, { persona: grant.persona.id, doctype: document.doctype }, request.params.version),
  )
  return json(200, { items, resource: '' })
}

/** GET /public/oauth2/1/xml/{uri} (digilocker-api.md §10.4). e-Aadhaar has an endpoint of its own. */
export async function certificateXml(request: SimRequest, world: World, quirks: Quirks): Promise<SimResponse> {
  const found = findDocument(request, world)
  if (!('document' in found)) return found
  const { grant, document } = found
  if (document.doctype === 'ADHAR') return INVALID_URI
  return serveXml(grant, document, world, quirks)
}

/** GET /public/oauth2/3/xml/eaadhaar (digilocker-api.md §10.5) */
export async function eAadhaarXml(request: SimRequest, world: World, quirks: Quirks): Promise<SimResponse> {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (quirks.take('aadhaar-not-available', { persona: grant.persona.id, doctype: 'ADHAR' }))
    return refuse(404, 'aadhaar_not_available', 'Aadhaar must be confirmed anew (eKYC).')
  if (quirks.take('eaadhaar-forbidden', { persona: grant.persona.id, doctype: 'ADHAR' })) return INSUFFICIENT_SCOPE
  const document = world.locker(grant.persona).find(({ doctype }) => doctype === 'ADHAR')
  if (document === undefined) return refuse(404, 'aadhaar_not_linked', 'Aadhaar is not linked to this account.')
  if (!isConsented(grant, document)) return INSUFFICIENT_SCOPE
  return serveXml(grant, document, world, quirks)
}

/**
 * GET /public/oauth2/1/file/{uri} (digilocker-api.md §10.3): issued documents, and what people uploaded themselves. There is
 * no PDF of e-Aadhaar, whatever the list says.
 */
export async function file(request: SimRequest, world: World, quirks: Quirks): Promise<SimResponse> {
  const own = findUpload(request, world)
  if (own) {
    const about = { persona: own.grant.persona.id, doctype: 'OTHER' }
    const type = quirks.take('file-as-octet-stream', about) ? 'application/octet-stream' : own.file.mime
    return withHmac(own.file.bytes, type, own.grant, quirks, about)
  }
  const found = findDocument(request, world)
  if (!('document' in found)) return found
  const { grant, document } = found
  if (document.pdf === undefined) return INVALID_URI
  const about = { persona: grant.persona.id, doctype: document.doctype }
  const type = quirks.take('file-as-octet-stream', about) ? 'application/octet-stream' : 'application/pdf'
  return withHmac(await signedPdf(document.pdf, world, quirks, about), type, grant, quirks, about)
}

/** The grant behind `Authorization: Bearer`, while its token and its consent last. */
export function grantOf(request: SimRequest, world: World): Grant | undefined {
  const bearer = /^Bearer ([0-9a-f]{40})$/i.exec(request.headers.authorization ?? '')?.[1]
  return bearer === undefined ? undefined : world.findByAccessToken(bearer)
}

/** A file of her own, where the grant is for those too. */
function findUpload(request: SimRequest, world: World): { grant: Grant; file: UploadedFile } | undefined {
  const grant = grantOf(request, world)
  if (!grant?.scopes.includes('files.uploadeddocs')) return undefined
  const { persona } = grant
  const found = world.uploads(persona).find(({ path }) => uploadUri(persona.id, path) === request.params.uri)
  return found && { grant, file: found }
}

function findDocument(request: SimRequest, world: World): { grant: Grant; document: LockerDocument } | SimResponse {
  const grant = grantOf(request, world)
  if (grant === undefined) return INVALID_TOKEN
  if (!request.params.uri) return refuse(400, 'uri_missing', 'The URI is missing.')
  const document = world.locker(grant.persona).find(({ uri }) => uri === request.params.uri)
  if (document === undefined) return INVALID_URI
  return isConsented(grant, document) ? { grant, document } : INSUFFICIENT_SCOPE
}

export const isAboutThePerson = ({ scopes }: Grant): boolean =>
  ['userdetails', 'openid'].some((scope) => scopes.includes(scope))

export function isConsented(grant: Grant, document: LockerDocument): boolean {
  return [`issued/${document.uri}`, `partners.${document.doctype}`].some((scope) => grant.scopes.includes(scope))
}

async function serveXml(grant: Grant, document: LockerDocument, world: World, quirks: Quirks): Promise<SimResponse> {
  const about = { persona: grant.persona.id, doctype: document.doctype }
  const { xml } = document
  if (xml === undefined || quirks.take('pdf-only', about)) return INVALID_URI
  const bytes = await signedDocument(xml, grant.persona, world, quirks, about)
  const type = quirks.take('xml-as-text', about) ? 'text/plain' : 'application/xml'
  return withHmac(bytes, type, grant, quirks, about)
}

/** base64(HMAC-SHA256(client secret, body)): proof of transport, not of content (digilocker-api.md §10.6). */
function withHmac(body: Buffer, type: string, grant: Grant, quirks: Quirks, about: About): SimResponse {
  const headers = { 'content-type': type, 'cache-control': 'no-store' }
  if (quirks.take('hmac-missing', about)) return { status: 200, headers, body }
  const secret = quirks.take('hmac-wrong', about) ? `${grant.client.clientSecret}?` : grant.client.clientSecret
  const hmac = createHmac('sha256', secret).update(body).digest('base64')
  return { status: 200, headers: { ...headers, hmac }, body }
}

function listItem(document: LockerDocument, quirks: Quirks, about: About, version: string | undefined) {
  const { name, uri, doctype, issuerId, issuer } = document
  return {
    name,
    type: 'file',
    size: '',
    date: listDate(document, quirks, about),
    parent: '',
    mime: listMime(document, quirks, about, version),
    uri,
    doctype,
    description: name,
    issuerid: issuerId,
    issuer,
  }
}

function listMime(
  document: LockerDocument,
  quirks: Quirks,
  about: About,
  version: string | undefined,
): string | readonly string[] {
  const all = quirks.take('pdf-only', about) ? ['application/pdf'] : document.mime
  const shown = quirks.take('mime-upper-case', about) ? all.map((type) => type.toUpperCase()) : all
  return version === '1' || quirks.take('mime-string', about) ? (shown.at(-1) ?? '') : shown
}

function listDate(document: LockerDocument, quirks: Quirks, about: About): string {
  const iso = `${new Date(document.changedAt * 1000).toISOString().slice(0, 19)}Z`
  if (quirks.take('date-slashes', about)) return dayFirst(iso.slice(0, 10), '/')
  return quirks.take('date-hyphens', about) ? dayFirst(iso.slice(0, 10)) : iso
}
