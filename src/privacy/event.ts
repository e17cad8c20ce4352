import type { ErrorCode } from '../errors.ts'

/**
 * The catalogue of what can happen. Past tense; codes, names of claims and pseudonymous ids only: never a token, code,
 * state, document, claim value or upstream scope (security.md AU-5).
 */
export type EventBody =
  /** A relying app sent a person to us and the request was accepted. */
  | { type: 'login.started'; scopes: string[]; claims: string[] }
  /** The person was sent to an upstream rail. */
  | { type: 'rail.started'; rail: string; attemptId: string; doctypes: string[] }
  /** The upstream sent the person back and the state was proven. */
  | { type: 'rail.returned'; rail: string; attemptId: string }
  /** The journey to the upstream failed or was declined there. */
  | { type: 'rail.refused'; rail: string; attemptId?: string; code: ErrorCode }
  /** A document's signature, signer and digest held. */
  | {
      type: 'document.verified'
      doctype: string
      profile: string
      signer: string
      weakAlgorithm?: string
      uriHmac?: string
    }
  /** A document was served that could not be trusted; nothing was read from it. `check` names the check that refused. */
  | { type: 'document.refused'; doctype: string; code: ErrorCode; check?: string; uriHmac?: string }
  /**
   * A wanted document gave no fields: not granted, not in the locker, its repository was down, or PDF only. Of a PDF it
   * tells what its signature was worth (`pdf-trusted` by `signer`, `pdf-unsigned`, `pdf-not-trusted` by `check`), or
   * `pdf-only` where it was not looked at, `code` saying why if it could not be.
   */
  | {
      type: 'document.absent'
      doctype: string
      reason: string
      signer?: string
      check?: string
      code?: ErrorCode
      uriHmac?: string
    }
  /** The person agreed to have a document put into her locker by its office, which learns who she is (digilocker-api.md §11). */
  | { type: 'document.pull_agreed'; doctype: string; notice: string; locale: string }
  /** The person agreed on our consent screen. */
  | {
      type: 'consent.granted'
      consentId: string
      purpose: string
      notice: string
      locale: string
      granted: string[]
      refused: string[]
      retainUntil: number
      /** the earlier consent whose verified values were used again, where DigiLocker was not asked anew */
      basedOn?: string
    }
  /** The person said no on our consent screen. */
  | { type: 'consent.refused'; purpose: string; notice: string; locale: string }
  /** The person took a consent back: its grant, tokens and values ended with it. */
  | { type: 'consent.withdrawn'; consentId: string }
  /** The person signed in to her own page, where she sees what she shares. */
  | { type: 'account.entered' }
  /** A login ended without success and the relying app was told so. */
  | { type: 'login.abandoned'; code: ErrorCode | 'cancelled' }
  /** An authorization code was made. */
  | { type: 'code.issued' }
  /** An authorization code was exchanged. */
  | { type: 'code.redeemed' }
  /** An access token was made. */
  | { type: 'access_token.issued' }
  /** A refresh token was made. */
  | { type: 'refresh_token.issued' }
  /** A refresh token was used and replaced. */
  | { type: 'refresh_token.rotated' }
  /** A used refresh token came back from its own client within the client's window: it got the first answer again. */
  | { type: 'refresh_token.repeated' }
  /** A used code or refresh token came back: the whole family was revoked. */
  | { type: 'token.reused'; model: string }
  /** A grant and all its tokens were revoked. */
  | { type: 'grant.revoked'; reason: 'reuse' | 'client' | 'logout' | 'other' }
  /** Claim values reached the end of their retention and were deleted. */
  | { type: 'values.expired'; consentId: string }
  /** A relying app was told that the person signed out, or took its consent back (OpenID Connect Back-Channel Logout 1.0). */
  | { type: 'logout.delivered'; attempts: number }
  /** A relying app will not be told: it could not be for a day, answers 400, or is gone or without an address. */
  | { type: 'logout.undeliverable'; attempts: number; reason: 'client' | 'refused' | 'ended' }
  | { type: 'client.added' }
  | { type: 'client.changed' }
  | { type: 'client.secret_rotated' }
  | { type: 'client.removed' }
  /** The credentials of a rail were changed; which part of them, never what. */
  | { type: 'rail.credentials_changed'; rail: string; by: 'configuration' | 'operator'; previousKept: boolean }
  /** A signing key was made, and is published from now on. */
  | { type: 'signing_key.created'; kid: string; alg: string; holder?: string }
  /** A published key signs from now on. */
  | { type: 'signing_key.activated'; kid: string; alg: string; by: 'schedule' | 'operator' }
  /** A key signs no more; it stays published for what it has signed. */
  | { type: 'signing_key.retired'; kid: string; alg: string; by: 'schedule' | 'operator' }
  /** A key is published no more: its time was over, or an operator withdrew it. */
  | { type: 'signing_key.removed'; kid: string; alg: string; reason: 'ended' | 'withdrawn' }
  /** A code or refresh token that was spent in vain counts again: nobody could sign the answer. */
  | { type: 'token.restored'; model: string }
  /** Data keys were wrapped under another key-encryption key. */
  | { type: 'vault.rotated'; count: number }

export type EventType = EventBody['type']

/** An event with whom it concerns. Ids are ours and pseudonymous. */
export interface DwarEvent {
  readonly body: EventBody
  readonly accountId?: string | undefined
  readonly clientId?: string | undefined
  readonly grantId?: string | undefined
  readonly interactionUid?: string | undefined
  readonly incidentId?: string | undefined
}

/** An event as it stands in the history. */
export interface RecordedEvent extends DwarEvent {
  /** UUIDv7 text: also the order */
  readonly id: string
  /** epoch seconds */
  readonly at: number
}

/** Append and read, nothing else. Appends join the transaction of the act. */
export interface EventStore {
  append(events: readonly DwarEvent[]): Promise<void>
  /** Newest last. */
  history(filter: {
    accountId?: string
    clientId?: string
    interactionUid?: string
    type?: EventType
  }): Promise<RecordedEvent[]>
}
