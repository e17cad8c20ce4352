import { z } from 'zod'
import type { AssertedProfile } from '../rail.ts'
import { type IssuedDocument, parseDocumentUri } from './issued.ts'
import { toProfile } from './profile.ts'

/*
 * DigiLocker's answers as they come, turned into ours in this one place. Unknown members are ignored, numbers may be
 * texts, texts may be numbers, empty, null or missing (digilocker-api.md §6.3, §9, §10.1, §16).
 */

/** The longest epoch second that is a date for humans: 9999-12-31. Milliseconds by mistake are above it. */
const LAST_SECOND = 253_402_300_799

const absentIfBlank = (value: unknown): unknown =>
  value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value

const blankIsAbsent = <T extends z.ZodType>(schema: T) => z.preprocess(absentIfBlank, schema.optional()).optional()

/** Whole seconds, as number or text. Anything else that is there is refused: a limit that cannot be read is no limit. */
export const seconds = blankIsAbsent(
  z
    .union([z.number(), z.string().trim().regex(/^\d+$/).transform(Number)])
    .pipe(z.number().int().min(0).max(LAST_SECOND)),
)

/** Text about the person: whatever is no short text is as if absent. */
const text = z
  .unknown()
  .optional()
  .transform((value) => {
    const written = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
    return written !== '' && written.length <= 1000 ? written : undefined
  })

/** Goes into a header of ours: visible ASCII only, so that nothing can be smuggled behind it. */
const opaqueToken = z.string().regex(/^[\x21-\x7e]{1,4096}$/)

const flag = text.transform((value) => (value === undefined ? undefined : /^(y|yes|true)$/i.test(value)))

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The OpenAPI of DigiLocker wraps token and user answers in `details`; the API itself was not seen to. */
const unwrapped = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (isRecord(value) && isRecord(value.details) ? value.details : value), schema)

const person = {
  name: text,
  dob: text,
  gender: text,
  mobile: text,
  email: text,
  eaadhaar: flag,
  eaadhar: flag, // the OpenAPI's other spelling
}

type WirePerson = z.infer<z.ZodObject<typeof person>>

const personOf = (wire: WirePerson): { profile: AssertedProfile; eAadhaar: boolean | undefined } => ({
  profile: toProfile({
    name: wire.name,
    birthdate: wire.dob,
    gender: wire.gender,
    phone: wire.mobile,
    email: wire.email,
  }),
  eAadhaar: wire.eaadhaar ?? wire.eaadhar,
})

/** RFC 9562 §4: read in either case, kept in lower case, for the account hangs on these very characters. */
const digiLockerId = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)

/** POST /token (digilocker-api.md §6.3). Every member but `access_token` may be missing. */
export const tokenAnswer = unwrapped(
  z
    .object({
      ...person,
      access_token: opaqueToken,
      token_type: blankIsAbsent(z.string().regex(/^bearer$/i)), // RFC 6749 §7.1: no other type may be used
      expires_in: seconds,
      scope: z.string().nullish(),
      consent_valid_till: seconds,
      refresh_token: blankIsAbsent(opaqueToken),
      id_token: blankIsAbsent(z.string()),
      digilockerid: blankIsAbsent(digiLockerId),
      digilocker_id: blankIsAbsent(digiLockerId), // the OpenAPI's other spelling
    })
    .transform((wire) => ({
      ...personOf(wire),
      accessToken: wire.access_token,
      refreshToken: wire.refresh_token,
      expiresInSeconds: wire.expires_in ?? 3600,
      scope: wire.scope ?? undefined,
      consentValidTill: wire.consent_valid_till,
      idToken: wire.id_token,
      subject: wire.digilockerid ?? wire.digilocker_id,
    })),
)
export type TokenAnswer = z.output<typeof tokenAnswer>

/** GET /user (digilocker-api.md §9). `reference_key` is a passing trace id and `picture` is not ours to have: neither is read. */
export const userAnswer = unwrapped(
  z
    .object({ ...person, digilockerid: digiLockerId })
    .transform((wire) => ({ ...personOf(wire), subject: wire.digilockerid })),
)
export type UserAnswer = z.output<typeof userAnswer>

const issuedItem = z.object({ uri: z.string(), mime: z.unknown().optional() })

/** GET /files/issued (digilocker-api.md §10.1). An item that cannot be read is left out, the others stay. */
export const issuedAnswer = z
  .object({ items: z.array(z.unknown()).nullish() })
  .transform(({ items }) => (items ?? []).flatMap((item) => toIssuedDocument(item) ?? []))

/** The doctype is taken from the URI, since the URI is what was consented to and what will be fetched. */
function toIssuedDocument(item: unknown): IssuedDocument | undefined {
  const wire = issuedItem.safeParse(item)
  const address = wire.success ? parseDocumentUri(wire.data.uri.trim()) : undefined
  return address && wire.data ? { ...address, mime: toMime(wire.data.mime) } : undefined
}

/** A text in version 1 of the list, an array in version 2; sometimes several in one text; case varies. */
function toMime(value: unknown): string[] {
  const texts = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
  return texts
    .flatMap((one) => one.split(','))
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '')
}

/** POST /pull/pulldocument (digilocker-api.md §11) */
export const pullAnswer = z.object({ uri: z.string().trim().min(1).max(512) })

const org = z.object({ orgid: z.coerce.string(), issuerid: z.string().nullish(), name: z.string().nullish() })

/** POST /pull/issuers (digilocker-api.md §11) */
export const issuersAnswer = z
  .object({ issuers: z.array(org) })
  .transform(({ issuers }) => issuers.map(({ orgid, name }) => ({ orgId: orgid.trim(), name: name ?? '' })))

/** POST /pull/doctype */
export const doctypesAnswer = z
  .object({ documents: z.array(z.object({ doctype: z.string() })) })
  .transform(({ documents }) => documents.map(({ doctype }) => doctype.trim()))

const searchParameter = z.object({ paramname: z.string(), label: z.string().nullish() })

/** POST /pull/parameters: an array, or an object that holds one */
export const parametersAnswer = z
  .union([z.array(searchParameter), z.object({ parameters: z.array(searchParameter) })])
  .transform((wire) => (Array.isArray(wire) ? wire : wire.parameters).map(({ paramname }) => paramname.trim()))

/** POST /statistics/1/counts: numbers come as text */
export const statisticsAnswer = z
  .object({ issuers: z.coerce.string(), users: z.coerce.string() })
  .transform(({ issuers, users }) => ({ issuers, users }))

/** The one place where a description is read: it names the field that was wrong, and nothing of a person can stand there. */
export const metaErrorAnswer = z
  .object({ error: z.string(), error_description: z.string().nullish() })
  .transform(({ error, error_description }) => ({ error, description: error_description ?? '' }))

/** @returns undefined for what is no JSON. The parser's own error quotes what it read, so it goes no further. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** `error` of an error body, where there is one (digilocker-api.md §12). Its description is never read. */
export const errorAnswer = z.object({ error: z.string() }).transform(({ error }) => error)
