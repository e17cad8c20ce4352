import type { DocumentFields, DocumentVerification } from '../../documents/document.ts'
import { DocumentError, RailError } from '../../errors.ts'
import type { AbsenceReason, DocumentNeed, DocumentOutcome, KeyedHash } from '../rail.ts'
import type { DigiLockerClient, ServedDocument } from './client.ts'
import { hasXml, type IssuedDocument } from './issued.ts'
import { covers, type Grant, mentions } from './scope.ts'

/** The one doctype with an endpoint of its own; what the list says about its form is not true (digilocker-api.md §10.3). */
const AADHAAR = 'ADHAR'

export interface VerifiedFields {
  readonly fields: DocumentFields
  readonly verification: DocumentVerification
}

export interface Locker {
  readonly grant: Grant
  /** undefined: the list could not be had, and only what the scope names is known */
  readonly listed: readonly IssuedDocument[] | undefined
  /** the upstream's `eaadhaar` flag */
  readonly hasAadhaar: boolean | undefined
}

export interface FetchParts {
  readonly client: Pick<DigiLockerClient, 'certificate' | 'eAadhaar'>
  readonly accessToken: string
  readonly keyedHash: KeyedHash
  /** @throws DocumentError DOC_HMAC_MISSING, DOC_HMAC_MISMATCH */
  readonly checkTransport: (served: ServedDocument) => void
  /** @throws DocumentError */
  readonly verify: (bytes: Uint8Array, doctype: string) => VerifiedFields | Promise<VerifiedFields>
}

type Located =
  | { readonly kind: 'xml' | 'pdf'; readonly doctype: string; readonly uri: string }
  | Extract<DocumentOutcome, { kind: 'absent' }>

/**
 * Fetches and verifies what the needs call for, and nothing else. For each need the alternatives are tried in order,
 * until one verifies. A refused document ends its need: whoever served a forgery is not given a second guess, and the
 * refusal stays in the result. Documents fail on their own; one that serves two needs is fetched once.
 * @throws RailError RAIL_UNAUTHORIZED when the upstream took the token back meanwhile
 */
export async function fetchDocuments(
  needs: readonly DocumentNeed[],
  locker: Locker,
  parts: FetchParts,
): Promise<DocumentOutcome[]> {
  const outcomes = new Map<string, Promise<DocumentOutcome>>()
  const obtain = (doctype: string): Promise<DocumentOutcome> => {
    const outcome = outcomes.get(doctype) ?? resolve(locate(doctype, locker), parts)
    outcomes.set(doctype, outcome)
    return outcome
  }
  await Promise.all(needs.map((need) => satisfy(need, obtain)))
  const asked = new Set(needs.flatMap(({ anyOf }) => anyOf))
  return Promise.all([...asked].flatMap((doctype) => outcomes.get(doctype) ?? []))
}

async function satisfy({ anyOf }: DocumentNeed, obtain: (doctype: string) => Promise<DocumentOutcome>): Promise<void> {
  for (const doctype of anyOf) {
    const { kind } = await obtain(doctype)
    if (kind === 'verified' || kind === 'refused') return
  }
}

/** Where the document of this type is, or why there is none. Of several of one type the first with XML is taken. */
function locate(doctype: string, locker: Locker): Located {
  const candidates = candidatesOf(doctype, locker)
  const found = candidates.find(hasXml) ?? candidates[0]
  if (doctype === AADHAAR) return locateAadhaar(found, locker)
  if (found) return { kind: hasXml(found) ? 'xml' : 'pdf', doctype, uri: found.uri }
  const agreed = !locker.grant.stated || mentions(locker.grant, doctype)
  if (agreed && locker.listed === undefined) return { kind: 'absent', doctype, reason: 'unavailable' }
  return absent(doctype, agreed ? 'not-in-locker' : 'not-granted')
}

/** Consented documents that the list shows, then those that only the scope names: the list may lag or leave out. */
function candidatesOf(doctype: string, { grant, listed = [] }: Locker): IssuedDocument[] {
  const named = grant.documents.filter(({ uri }) => listed.every((item) => item.uri !== uri))
  const all = [...listed, ...named.map((document) => ({ ...document, mime: [] }))]
  return all.filter((document) => document.doctype === doctype && covers(grant, document))
}

/** e-Aadhaar is asked for without a URI, so consent to the type, or the account's flag, is enough to try. */
function locateAadhaar(found: IssuedDocument | undefined, { grant, hasAadhaar }: Locker): Located {
  const uri = found?.uri ?? `in.gov.uidai-${AADHAAR}`
  if (found || mentions(grant, AADHAAR) || (!grant.stated && hasAadhaar)) return { kind: 'xml', doctype: AADHAAR, uri }
  if (hasAadhaar === false) return absent(AADHAAR, 'aadhaar-not-linked')
  return absent(AADHAAR, grant.stated ? 'not-granted' : 'not-in-locker')
}

async function resolve(located: Located, parts: FetchParts): Promise<DocumentOutcome> {
  if (located.kind === 'absent') return located
  const { kind, doctype, uri } = located
  const uriHmac = parts.keyedHash('document-uri', uri)
  if (kind === 'pdf') return { kind: 'pdf-only', doctype, uriHmac }
  try {
    return await fetchAndVerify(doctype, uri, uriHmac, parts)
  } catch (error) {
    return toOutcome(error, doctype, uriHmac)
  }
}

async function fetchAndVerify(
  doctype: string,
  uri: string,
  uriHmac: string,
  { client, accessToken, checkTransport, verify, keyedHash }: FetchParts,
): Promise<DocumentOutcome> {
  const served = await (doctype === AADHAAR ? client.eAadhaar(accessToken) : client.certificate(accessToken, uri))
  checkTransport(served)
  const { fields, verification } = await verify(served.body, doctype)
  if (fields.doctype !== doctype) throw new DocumentError('DOC_TYPE_MISMATCH', 'the document is of another type')
  return {
    kind: 'verified',
    doctype,
    fields,
    verification,
    uriHmac,
    bytesHmac: keyedHash('document-bytes', served.body),
  }
}

/** A failure of one document is a fact about that document; only a lost token ends the whole journey. */
function toOutcome(error: unknown, doctype: string, uriHmac: string): DocumentOutcome {
  if (error instanceof DocumentError) return { kind: 'refused', doctype, code: error.code, check: error.check, uriHmac }
  return toAbsent(error, doctype)
}

/** Why an upstream's refusal means that this document is not to be had now. Throws what is no such thing. */
export function toAbsent(error: unknown, doctype: string): Extract<DocumentOutcome, { kind: 'absent' }> {
  if (!(error instanceof RailError) || error.code === 'RAIL_UNAUTHORIZED') throw error
  switch (error.code) {
    case 'RAIL_FORBIDDEN':
      return absent(doctype, 'not-granted')
    case 'RAIL_AADHAAR_NOT_LINKED':
      return absent(doctype, 'aadhaar-not-linked')
    case 'RAIL_AADHAAR_NOT_AVAILABLE':
      return absent(doctype, 'aadhaar-not-available')
    case 'RAIL_NOT_FOUND':
      return absent(doctype, 'not-in-locker')
    default:
      return { kind: 'absent', doctype, reason: 'unavailable', code: error.code }
  }
}

export const absent = (doctype: string, reason: AbsenceReason): Extract<DocumentOutcome, { kind: 'absent' }> => ({
  kind: 'absent',
  doctype,
  reason,
})
