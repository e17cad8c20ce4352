import type { DocumentFields, DocumentVerification } from '../documents/document.ts'
import type { PdfFinding } from '../documents/pdf/finding.ts'
import type { ErrorCode } from '../errors.ts'

export type RailId = 'digilocker'

/** A document that the request needs: the first of `anyOf` that is there and verifies is enough. */
export interface DocumentNeed {
  /** doctypes in order of preference, upper case (`ADHAR`, `DRVLC`, `PANCR`) */
  readonly anyOf: readonly string[]
}

/** How an app's own request to the upstream differs. Which names and values there are is the rail's to say (`overrides.ts`). */
export interface UpstreamOverrides {
  readonly add?: Readonly<Record<string, string | undefined>> | undefined
  readonly drop?: readonly string[] | undefined
  readonly service_name?: string | undefined
}

export interface RailRequest {
  /** our one-time value that the upstream returns unchanged (OAuth `state`) */
  readonly correlation: string
  /** our callback for this rail */
  readonly returnTo: URL
  readonly needs: readonly DocumentNeed[]
  /** shown by the upstream; a rail narrows it to the characters its upstream takes */
  readonly purpose: string
  readonly serviceName: string
  /** the relying app asked for a fresh sign-in (`prompt=login`, `max_age`) */
  readonly freshLogin: boolean
  /** of the app that asks */
  readonly overrides?: UpstreamOverrides | undefined
}

/** What a rail must remember between two steps. The caller seals it. */
export type RailState = Readonly<Record<string, unknown>>

export interface RailReply {
  /** the query that the upstream's redirect carried, duplicates included */
  readonly query: URLSearchParams
}

export type RailStep =
  | { readonly kind: 'redirect'; readonly url: URL; readonly state: RailState }
  | { readonly kind: 'done'; readonly identity: RailIdentity }

/** What the upstream says about the person without signing it: trusted for its TLS, never called verified. */
export interface AssertedProfile {
  readonly name?: string | undefined
  /** YYYY-MM-DD */
  readonly birthdate?: string | undefined
  readonly gender?: 'female' | 'male' | 'transgender' | undefined
  /** E.164 */
  readonly phoneNumber?: string | undefined
  readonly email?: string | undefined
}

export interface UpstreamTokens {
  readonly accessToken: string
  readonly refreshToken?: string | undefined
  /** epoch seconds */
  readonly expiresAt: number
}

/**
 * Why a wanted document gave nothing. `pull-pending`: its office looks by hand and may put it into the locker later.
 * `pull-not-found`: its office has none that fits what the person typed.
 */
export type AbsenceReason =
  | 'not-granted'
  | 'not-in-locker'
  | 'aadhaar-not-linked'
  | 'aadhaar-not-available'
  | 'unavailable'
  | 'pull-pending'
  | 'pull-not-found'

export type DocumentOutcome =
  | {
      readonly kind: 'verified'
      readonly doctype: string
      readonly fields: DocumentFields
      readonly verification: DocumentVerification
      /** HMACs under a key of ours, hex */
      readonly uriHmac: string
      readonly bytesHmac: string
    }
  /** there, but only as PDF: no field claims, whatever its signature is worth */
  | {
      readonly kind: 'pdf-only'
      readonly doctype: string
      readonly uriHmac: string
      /** absent: it was not looked at, since nobody needed it, the operator does not want it, or it could not be had */
      readonly pdf?: PdfFinding | undefined
      /** why it could not be had or judged now, which is no fault of the document */
      readonly code?: ErrorCode | undefined
    }
  | {
      readonly kind: 'absent'
      readonly doctype: string
      readonly reason: AbsenceReason
      readonly code?: ErrorCode | undefined
    }
  /** served, and not to be trusted: a hard failure for this document */
  | {
      readonly kind: 'refused'
      readonly doctype: string
      readonly code: ErrorCode
      /** the named check that refused, where verification has one */
      readonly check?: string | undefined
      readonly uriHmac: string
    }

/** Plain data, JSON-serialisable: it is sealed between the callback and the consent screen. */
export interface RailIdentity {
  readonly rail: RailId
  /** the upstream's stable subject, in clear; the caller turns it into an HMAC and forgets it */
  readonly subject: string
  readonly asserted: AssertedProfile
  readonly documents: readonly DocumentOutcome[]
  /** there while something may still be got, or where the operator keeps tokens; its tokens are given back by `giveBack` */
  readonly session?: RailSession | undefined
  /** epoch seconds: nothing of ours may outlive this */
  readonly consentEndsAt?: number | undefined
}

/** What goes on being known of a journey that has ended: plain data, which the caller seals. */
export interface RailSession {
  readonly tokens: UpstreamTokens
  /** what was agreed to and what is listed, so that nothing is asked twice */
  readonly memory: RailState
  /** epoch seconds: the upstream's consent ends, and this with it */
  readonly endsAt?: number | undefined
}

/** What can still be done in a session, on the person's word. */
export type RailErrand =
  /** asks again for documents whose office did not answer, or had to look by hand */
  | { readonly kind: 'ask-again'; readonly doctypes: readonly string[] }
  /** has a document put into the locker by its office, which is told the fields and who she is */
  | { readonly kind: 'pull'; readonly doctype: string; readonly fields: Readonly<Record<string, string>> }

/** What a person must type so that an office finds her document. */
export interface PullField {
  readonly name: string
  readonly maxLength: number
}

/** A small state machine whose state is data; an upstream's oddities stay in its folder. */
export interface Rail {
  readonly id: RailId
  begin(request: RailRequest): Promise<RailStep>
  /** @throws RailError */
  advance(state: RailState, reply: RailReply): Promise<RailStep>
  /** `paused`: the upstream fails so much that it is left alone for a while, and a login now is refused at once */
  status(): { readonly paused: boolean }
  /** Fields for having this document pulled; undefined where this rail, or its operator, does not do it. */
  pullFields(doctype: string): readonly PullField[] | undefined
  /** Reads what was typed for a pull: trimmed, in the form that the office knows. @returns undefined for what cannot be right */
  readPullFields(doctype: string, typed: Readonly<Record<string, unknown>>): Record<string, string> | undefined
  /** @throws RailError RAIL_UNAUTHORIZED when the session's access token is good no longer */
  run(session: RailSession, errand: RailErrand): Promise<DocumentOutcome[]>
  /** New tokens for a session's old ones. @throws RailError RAIL_UNAUTHORIZED when only the person can give new ones */
  refresh(tokens: UpstreamTokens): Promise<UpstreamTokens>
  /** Ends the upstream grant behind the tokens. @throws RailError */
  giveBack(tokens: UpstreamTokens): Promise<void>
}

/** Keyed hash under a key of ours, one key per purpose; hex. Lets us recognise a value without keeping it. */
export type KeyedHash = (purpose: 'document-uri' | 'document-bytes', value: string | Uint8Array) => string

/** The upstream's client secret: the current one, and the previous one while a rotation is under way. */
export interface RailCredentials {
  readonly clientId: string
  readonly clientSecret: string
  readonly previousClientSecret?: string | undefined
}

/** Where a rail's credentials come from: sealed in the vault, read anew so that a change needs no restart. */
export type ReadCredentials = () => Promise<RailCredentials>

export interface StoredRailCredentials {
  readonly rail: string
  readonly clientId: string
  readonly sealedSecret: Uint8Array
  readonly sealedPreviousSecret: Uint8Array | undefined
  /** keyed hash of what the environment said when it last counted; 32 bytes */
  readonly configuredHash: Uint8Array | undefined
  /** epoch seconds */
  readonly changedAt: number | undefined
}

export interface RailCredentialStore {
  find(rail: string): Promise<StoredRailCredentials | undefined>
  put(credentials: StoredRailCredentials): Promise<void>
}
