import { z } from 'zod'
import { checkTransportHmac } from '../../documents/hmac.ts'
import { RailError } from '../../errors.ts'
import type { DocumentNeed, DocumentOutcome, RailCredentials, RailErrand, RailSession, RailState } from '../rail.ts'
import { absent, type FetchParts, fetchDocuments, type Locker, toAbsent } from './documents.ts'
import { type IssuedDocument, parseDocumentUri } from './issued.ts'
import type { Parts } from './rail.ts'
import { covers } from './scope.ts'
import type { DigiLockerSettings } from './settings.ts'

/** What a session remembers of its journey. Names documents by number, so the caller seals it. */
const memory = z.object({
  doctypes: z.array(z.string()),
  stated: z.boolean(),
  granted: z.array(z.object({ uri: z.string(), doctype: z.string() })),
  grantedTypes: z.array(z.string()),
  listed: z.array(z.object({ uri: z.string(), doctype: z.string(), mime: z.array(z.string()) })).optional(),
  hasAadhaar: z.boolean().optional(),
})

export function toMemory(needs: readonly DocumentNeed[], { grant, listed, hasAadhaar }: Locker): RailState {
  return {
    doctypes: [...new Set(needs.flatMap(({ anyOf }) => anyOf))],
    stated: grant.stated,
    granted: grant.documents,
    grantedTypes: [...grant.doctypes],
    ...(listed && { listed }),
    ...(hasAadhaar !== undefined && { hasAadhaar }),
  }
}

/** @throws RailError RAIL_STATE_MISSING when this is no memory of this rail */
function readMemory(state: RailState): { asked: readonly string[]; locker: Locker } {
  const parsed = memory.safeParse(state)
  if (!parsed.success) throw new RailError('RAIL_STATE_MISSING', 'the session was not made by this rail')
  const { doctypes, stated, granted, grantedTypes, listed, hasAadhaar } = parsed.data
  return {
    asked: doctypes,
    locker: { grant: { stated, documents: granted, doctypes: new Set(grantedTypes) }, listed, hasAadhaar },
  }
}

/** Whether more can come of this journey on the person's word. Whoever was served a forgery gets nothing more. */
export function isWorthKeeping(documents: readonly DocumentOutcome[], settings: DigiLockerSettings): boolean {
  if (documents.some(({ kind }) => kind === 'refused')) return false
  return !settings.revokeAfterFetch || documents.some((document) => mayStillCome(document, settings))
}

function mayStillCome(document: DocumentOutcome, { pull }: DigiLockerSettings): boolean {
  if (document.kind !== 'absent') return false
  return (
    document.reason === 'unavailable' || (document.reason === 'not-in-locker' && Object.hasOwn(pull, document.doctype))
  )
}

/**
 * Runs an errand for documents that the journey asked for, and no others: consent was to those.
 * @throws RailError RAIL_UNAUTHORIZED, RAIL_FORBIDDEN, RAIL_STATE_MISSING
 */
export async function run(session: RailSession, errand: RailErrand, parts: Parts): Promise<DocumentOutcome[]> {
  const { asked, locker } = readMemory(session.memory)
  const doctypes = errand.kind === 'pull' ? [errand.doctype] : errand.doctypes
  if (doctypes.some((doctype) => !asked.includes(doctype)))
    throw new RailError('RAIL_FORBIDDEN', 'an errand for a document that was not asked for')
  const { accessToken } = session.tokens
  const fetching = fetchParts(accessToken, await parts.deps.credentials(), parts)
  const needs = doctypes.map((doctype) => ({ anyOf: [doctype] }))
  if (errand.kind === 'pull') return pull(errand, locker, fetching, parts)
  return fetchDocuments(needs, await withCandidates(doctypes, locker, accessToken, parts), fetching)
}

async function pull(
  { doctype, fields }: Extract<RailErrand, { kind: 'pull' }>,
  locker: Locker,
  fetching: FetchParts,
  parts: Parts,
): Promise<DocumentOutcome[]> {
  const { client, settings } = parts
  const orgId = Object.hasOwn(settings.pull, doctype) ? settings.pull[doctype] : undefined
  if (orgId === undefined) throw new RailError('RAIL_FORBIDDEN', 'this document is not pulled here')
  const answer = await client.pull(fetching.accessToken, { orgId, doctype, fields }).catch((error: unknown) => {
    const reason = toAbsent(error, doctype)
    return reason.reason === 'not-in-locker' ? absent(doctype, 'pull-not-found') : reason
  })
  if (answer.kind === 'absent') return [answer]
  if (answer.kind === 'pending') return [absent(doctype, 'pull-pending')]
  const known =
    answer.kind === 'there'
      ? withPulled(answer.uri, doctype, locker)
      : { ...locker, listed: await listedOr(locker.listed, fetching.accessToken, parts) }
  return fetchDocuments([{ anyOf: [doctype] }], known, fetching)
}

/** The document that a pull has just put there: agreed to by that very pull. */
function withPulled(uri: string, doctype: string, locker: Locker): Locker {
  const address = parseDocumentUri(uri)
  if (address?.doctype !== doctype) throw new RailError('RAIL_RESPONSE_INVALID', 'pull: another document came of it')
  const { grant, listed = [] } = locker
  return {
    ...locker,
    grant: { ...grant, documents: [...grant.documents, address] },
    listed: [{ ...address, mime: [] }, ...listed.filter((item) => item.uri !== uri)],
  }
}

/** The list is read once a session; again only where it knows nothing of what is wanted, which may have come meanwhile. */
async function withCandidates(
  doctypes: readonly string[],
  locker: Locker,
  accessToken: string,
  parts: Parts,
): Promise<Locker> {
  const known = [...(locker.listed ?? []), ...locker.grant.documents]
  const isKnown = (doctype: string) => known.some((item) => item.doctype === doctype && covers(locker.grant, item))
  if (doctypes.every(isKnown)) return locker
  return { ...locker, listed: await listedOr(locker.listed, accessToken, parts) }
}

/** @throws RailError RAIL_UNAUTHORIZED when the token is good no longer: then no document can be had either */
export async function listedOr(
  otherwise: readonly IssuedDocument[] | undefined,
  accessToken: string,
  { client, deps }: Pick<Parts, 'client' | 'deps'>,
): Promise<readonly IssuedDocument[] | undefined> {
  try {
    return await client.issued(accessToken)
  } catch (error) {
    if (!(error instanceof RailError && PASSING.has(error.code))) throw error
    deps.warn?.(error.code)
    return otherwise
  }
}

const PASSING: ReadonlySet<string> = new Set(['RAIL_UNAVAILABLE', 'RAIL_TIMEOUT', 'RAIL_RATE_LIMITED'])

/** What fetching needs. `hmac` counts under the current secret, and under the previous one while that is being replaced. */
export function fetchParts(
  accessToken: string,
  { clientSecret, previousClientSecret }: RailCredentials,
  { client, deps, settings }: Parts,
): FetchParts {
  const secrets = previousClientSecret === undefined ? [clientSecret] : [clientSecret, previousClientSecret]
  return {
    client,
    accessToken,
    keyedHash: deps.keyedHash,
    verify: deps.verify,
    verifyPdf: settings.verifyPdf ? deps.verifyPdf : undefined,
    checkTransport: ({ body, hmac }) => {
      checkTransportHmac(body, hmac, secrets, settings.hmacPolicy)
    },
  }
}
