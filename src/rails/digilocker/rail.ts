import { randomBytes as systemRandomBytes } from 'node:crypto'
import type { Dispatcher } from 'undici'
import type { Clock } from '../../clock.ts'
import { checkTransportHmac } from '../../documents/hmac.ts'
import { AppError, type ErrorCode, RailError } from '../../errors.ts'
import type {
  AssertedProfile,
  DocumentNeed,
  DocumentOutcome,
  KeyedHash,
  Rail,
  RailCredentials,
  RailIdentity,
  RailReply,
  RailRequest,
  RailState,
  RailStep,
  ReadCredentials,
  UpstreamTokens,
} from '../rail.ts'
import { authorizeUrl, type Remembered, randomText, readRemembered } from './authorize.ts'
import { readCallback } from './callback.ts'
import { createClient, type DigiLockerClient } from './client.ts'
import { type FetchParts, fetchDocuments, type Locker } from './documents.ts'
import { createGuard, type PauseEvent } from './guard.ts'
import { type CallEvent, createAgent, createSend } from './http.ts'
import { type CheckIdToken, createCheckIdToken } from './id-token.ts'
import { mergeProfiles } from './profile.ts'
import { parseGrant } from './scope.ts'
import type { DigiLockerSettings } from './settings.ts'
import type { TokenAnswer, UserAnswer } from './wire.ts'

export interface DigiLockerDeps {
  readonly credentials: ReadCredentials
  /** Verifies bytes as a document of this doctype and extracts its fields. @throws DocumentError */
  readonly verify: FetchParts['verify']
  readonly keyedHash: KeyedHash
  readonly clock: Clock
  readonly randomBytes?: ((size: number) => Uint8Array) | undefined
  /** an undici dispatcher; without one the rail opens an Agent of its own and `close()` ends it */
  readonly dispatcher?: Dispatcher | undefined
  /** milliseconds to wait before the one retry of a GET */
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined
  /** Told when the tokens could not be given back: they then end by themselves, at `consent_valid_till` at the latest. */
  readonly warn?: ((code: ErrorCode) => void) | undefined
  /** Told of every upstream call: for counting, holds nothing personal. */
  readonly onEvent?: ((event: CallEvent) => void) | undefined
  /** Told when the upstream, or an issuer's repository behind it, is left alone for a while, and when no longer. */
  readonly onPause?: ((event: PauseEvent) => void) | undefined
}

export interface DigiLockerRail extends Rail, AsyncDisposable {
  /** Ends the connections that the rail opened itself. */
  close(): Promise<void>
}

interface Parts {
  readonly settings: DigiLockerSettings
  readonly deps: DigiLockerDeps
  readonly client: DigiLockerClient
  readonly checkIdToken: CheckIdToken
  readonly randomBytes: (size: number) => Uint8Array
}

/**
 * Sign-in with DigiLocker: PKCE, an inline code exchange, user details, and the wanted documents, fetched and verified.
 * Raw bytes never leave this function; what the upstream says without a signature is `asserted`, never verified.
 * `advance` throws RailError RAIL_STATE_MISSING, RAIL_DENIED, RAIL_LOGGED_OUT, RAIL_RESPONSE_INVALID, RAIL_CODE_REFUSED,
 * RAIL_MISCONFIGURED, RAIL_UNAUTHORIZED, RAIL_FORBIDDEN, RAIL_NOT_FOUND, RAIL_RATE_LIMITED, RAIL_UNAVAILABLE, RAIL_TIMEOUT.
 * @see digilocker-api.md §§4 to 10; security.md §2
 */
export function createDigiLockerRail(settings: DigiLockerSettings, deps: DigiLockerDeps): DigiLockerRail {
  const randomBytes = deps.randomBytes ?? systemRandomBytes
  const dispatcher = deps.dispatcher ?? createAgent(settings)
  const { clock, sleep, onEvent } = deps
  const guard = createGuard(settings, (event) => deps.onPause?.(event))
  const client = createClient(
    settings,
    createSend(settings, { dispatcher, clock, randomBytes, sleep, onCall: onEvent, guard }),
  )
  const checkIdToken = createCheckIdToken(settings.idToken.keys, client.keySet)
  const parts: Parts = { settings, deps, client, checkIdToken, randomBytes }
  const close = async (): Promise<void> => {
    if (deps.dispatcher === undefined) await dispatcher.close()
  }
  return {
    id: 'digilocker',
    begin: (request) => begin(request, parts),
    advance: (state, reply) => advance(state, reply, parts),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function begin(request: RailRequest, { settings, deps, randomBytes }: Parts): Promise<RailStep> {
  const { clientId } = await deps.credentials()
  const state = {
    codeVerifier: randomText(randomBytes),
    redirectUri: request.returnTo.href,
    needs: request.needs.map(({ anyOf }) => ({ anyOf: [...anyOf] })),
    ...(settings.idToken.nonce && { nonce: randomText(randomBytes) }),
  }
  return { kind: 'redirect', url: authorizeUrl(request, state, clientId, settings, deps.clock()), state }
}

async function advance(state: RailState, reply: RailReply, parts: Parts): Promise<RailStep> {
  const keep = readRemembered(state)
  const code = readCallback(reply.query, parts.settings.idToken.issuers)
  const credentials = await parts.deps.credentials()
  const token = await parts.client.exchangeCode({ ...keep, code }, credentials)
  try {
    const identity = await identify(token, keep, credentials, parts)
    if (!parts.settings.revokeAfterFetch)
      return { kind: 'done', identity: { ...identity, tokens: tokensOf(token, parts) } }
    await giveBack(token, credentials, parts)
    return { kind: 'done', identity }
  } catch (error) {
    await giveBack(token, credentials, parts) // nobody would ever hold these tokens
    throw error
  }
}

async function identify(
  token: TokenAnswer,
  { nonce, needs }: Remembered,
  credentials: RailCredentials,
  parts: Parts,
): Promise<RailIdentity> {
  const { deps, client } = parts
  checkConsentLasts(token, deps.clock())
  const fromIdToken = await readIdToken(token, nonce, credentials, parts)
  const user = await client.user(token.accessToken)
  checkSameSubject(token, user)
  const documents = await readDocuments(needs, token, user, credentials, parts)
  return {
    rail: 'digilocker',
    subject: user.subject,
    asserted: mergeProfiles([user.profile, token.profile, fromIdToken]),
    documents,
    ...(token.consentValidTill !== undefined && { consentEndsAt: token.consentValidTill }),
  }
}

/** Nothing of ours may outlive the upstream consent, so one that is over already carries no login. */
function checkConsentLasts({ consentValidTill }: TokenAnswer, now: number): void {
  if (consentValidTill !== undefined && consentValidTill <= now)
    throw new RailError('RAIL_RESPONSE_INVALID', 'token: consent_valid_till is in the past')
}

/** An id_token comes from version 2 of the endpoint, and a missing one was seen: the person is known by `/user` alone (§7). */
async function readIdToken(
  { idToken, accessToken }: TokenAnswer,
  nonce: string | undefined,
  { clientId }: RailCredentials,
  { checkIdToken, settings, deps }: Parts,
): Promise<AssertedProfile> {
  if (idToken === undefined) {
    if (nonce !== undefined) throw new RailError('RAIL_RESPONSE_INVALID', 'id_token: missing, so our nonce is unproven')
    return {}
  }
  const { issuers } = settings.idToken
  return checkIdToken(idToken, { clientId, issuers, nonce, accessToken, now: deps.clock() })
}

/** Version 1 names the person twice. Two names in one journey are two people's answers mixed up. */
function checkSameSubject(token: TokenAnswer, user: UserAnswer): void {
  if (token.subject !== undefined && token.subject !== user.subject)
    throw new RailError('RAIL_RESPONSE_INVALID', 'user: digilockerid differs from that of the token')
}

async function readDocuments(
  needs: readonly DocumentNeed[],
  token: TokenAnswer,
  user: UserAnswer,
  credentials: RailCredentials,
  { client, deps, settings }: Parts,
): Promise<DocumentOutcome[]> {
  if (needs.length === 0) return []
  const grant = parseGrant(token.scope)
  const nothingTicked = grant.stated && grant.documents.length === 0 && grant.doctypes.size === 0
  const listed = nothingTicked ? [] : await client.issued(token.accessToken)
  const locker: Locker = { grant, listed, hasAadhaar: user.eAadhaar ?? token.eAadhaar }
  const { clientSecret, previousClientSecret } = credentials
  const secrets = previousClientSecret === undefined ? [clientSecret] : [clientSecret, previousClientSecret]
  return fetchDocuments(needs, locker, {
    client,
    accessToken: token.accessToken,
    keyedHash: deps.keyedHash,
    verify: deps.verify,
    checkTransport: ({ body, hmac }) => {
      checkTransportHmac(body, hmac, secrets, settings.hmacPolicy)
    },
  })
}

function tokensOf({ accessToken, refreshToken, expiresInSeconds }: TokenAnswer, { deps }: Parts): UpstreamTokens {
  return { accessToken, ...(refreshToken && { refreshToken }), expiresAt: deps.clock() + expiresInSeconds }
}

/**
 * Ends the upstream grant by its longest-lived token, of which the others are dropped too (digilocker-api.md §6.4).
 * A failure costs the person nothing: the login stands, and the operator is told.
 */
async function giveBack(token: TokenAnswer, credentials: RailCredentials, { client, deps }: Parts): Promise<void> {
  const { accessToken, refreshToken } = token
  try {
    if (refreshToken) await client.revoke(refreshToken, 'refresh_token', credentials)
    else await client.revoke(accessToken, 'access_token', credentials)
  } catch (error) {
    deps.warn?.(error instanceof AppError ? error.code : 'UNEXPECTED')
  }
}
