import type { DocumentFields, DocumentVerification } from '../../documents/document.ts'
import type { PdfFinding } from '../../documents/pdf/finding.ts'
import { DocumentError, type ErrorCode, RailError } from '../../errors.ts'
import type { AbsenceReason, DocumentNeed, DocumentOutcome, KeyedHash } from '../rail.ts'
import type { DigiLockerClient, ServedDocument } from './client.ts'
import { hasPdf, hasXml, type IssuedDocument } from './issued.ts'
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
  readonly client: Pick<DigiLockerClient, 'certificate' | 'eAadhaar' | 'file'>
  readonly accessToken: string
  readonly keyedHash: KeyedHash
  /** @throws DocumentError DOC_HMAC_MISSING, DOC_HMAC_MISMATCH */
  readonly checkTransport: (served: ServedDocument) => void
  /** @throws DocumentError */
  readonly verify: (bytes: Uint8Array, doctype: string) => VerifiedFields | Promise<VerifiedFields>
  /** What the signature of a PDF is worth; absent where none is fetched. @throws DocumentError */
  readonly verifyPdf?: ((bytes: Uint8Array) => PdfFinding | Promise<PdfFinding>) | undefined
}

interface Found {
  readonly kind: 'xml' | 'pdf' | 'neither'
  readonly doctype: string
  readonly uri: string
}
type Located = Found | Extract<DocumentOutcome, { kind: 'absent' }>

/**
 * Fetches and verifies what the needs call for, and nothing else. For each need the alternatives are tried in order,
 * until one verifies. A refused document ends its need: whoever served a forgery is not given a second guess, and the
 * refusal stays in the result. Documents fail on their own; one that serves two needs is fetched once.
 * A PDF gives no fields in any case, so only a need that nothing gave fields for is worth a look at it.
 * @throws RailError RAIL_UNAUTHORIZED when the upstream took the token back meanwhile
 */
export async function fetchDocuments(
  needs: readonly DocumentNeed[],
  locker: Locker,
  parts: FetchParts,
): Promise<DocumentOutcome[]> {
  const obtained = new Map<string, Promise<DocumentOutcome>>()
  const looked = new Map<string, Promise<DocumentOutcome>>()
  const obtain: Obtain = (doctype) => once(obtained, doctype, () => resolve(locate(doctype, locker), parts))
  const look: Obtain = (doctype) => {
    const located = locate(doctype, locker)
    return located.kind === 'pdf' ? once(looked, doctype, () => lookAt(located, parts)) : obtain(doctype)
  }
  await Promise.all(
    needs.map(async (need) => {
      if (!(await isSettled(need, obtain))) await Promise.all(need.anyOf.map(look))
    }),
  )
  const asked = new Set(needs.flatMap(({ anyOf }) => anyOf))
  return Promise.all([...asked].flatMap((doctype) => looked.get(doctype) ?? obtained.get(doctype) ?? []))
}

type Obtain = (doctype: string) => Promise<DocumentOutcome>

function once(known: Map<string, Promise<DocumentOutcome>>, doctype: string, get: () => Promise<DocumentOutcome>) {
  const outcome = known.get(doctype) ?? get()
  known.set(doctype, outcome)
  return outcome
}

async function isSettled({ anyOf }: DocumentNeed, obtain: Obtain): Promise<boolean> {
  for (const doctype of anyOf) {
    const { kind } = await obtain(doctype)
    if (kind === 'verified' || kind === 'refused') return true
  }
  return false
}

/** Where the document of this type is, or why there is none. Of several of one type the first with XML is taken. */
function locate(doctype: string, locker: Locker): Located {
  const candidates = candidatesOf(doctype, locker)
  const found = candidates.find(hasXml) ?? candidates[0]
  if (doctype === AADHAAR) return locateAadhaar(found, locker)
  if (found) return { kind: formOf(found), doctype, uri: found.uri }
  const agreed = !locker.grant.stated || mentions(locker.grant, doctype)
  if (agreed && locker.listed === undefined) return { kind: 'absent', doctype, reason: 'unavailable' }
  return absent(doctype, agreed ? 'not-in-locker' : 'not-granted')
}

function formOf(document: IssuedDocument): 'xml' | 'pdf' | 'neither' {
  if (hasXml(document)) return 'xml'
  return hasPdf(document) ? 'pdf' : 'neither'
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
  if (kind !== 'xml') return { kind: 'pdf-only', doctype, uriHmac }
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

/**
 * Looks at the PDF of a document that has nothing else. One that says it is signed, and is not, is refused as XML would
 * be. What stands in our way and not in the document's leaves it as it was: there, and not looked at.
 */
async function lookAt({ doctype, uri }: Found, parts: FetchParts): Promise<DocumentOutcome> {
  const { client, accessToken, checkTransport, verifyPdf } = parts
  const there = { kind: 'pdf-only' as const, doctype, uriHmac: parts.keyedHash('document-uri', uri) }
  if (!verifyPdf) return there
  try {
    const served = await client.file(accessToken, uri)
    checkTransport(served)
    return { ...there, pdf: await verifyPdf(served.body) }
  } catch (error) {
    const outcome = toOutcome(error, doctype, there.uriHmac)
    const code = 'code' in outcome ? outcome.code : undefined
    return code && OURS.has(code) ? { ...there, code } : outcome
  }
}

/** Failures that say nothing of the document; asking its office again would bring no details either. */
const OURS: ReadonlySet<ErrorCode> = new Set([
  'RAIL_UNAVAILABLE',
  'RAIL_TIMEOUT',
  'RAIL_RATE_LIMITED',
  'RAIL_RESPONSE_INVALID',
  'DOC_VERIFIER_BUSY',
  'DOC_VERIFIER_FAILED',
])

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
