import { randomBytes as systemRandomBytes } from 'node:crypto'
import type { Dispatcher } from 'undici'
import type { Clock } from '../../clock.ts'
import { AppError, type ErrorCode, RailError } from '../../errors.ts'
import type {
  AssertedProfile,
  DocumentNeed,
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
import { fetchParts, isWorthKeeping, listedOr, run, toMemory } from './errand.ts'
import { createGuard, type PauseEvent } from './guard.ts'
import { type CallEvent, createAgent, createSend } from './http.ts'
import { type CheckIdToken, createCheckIdToken } from './id-token.ts'
import { mergeProfiles } from './profile.ts'
import { pullFields, readPullFields } from './pull.ts'
import { parseGrant } from './scope.ts'
import type { DigiLockerSettings } from './settings.ts'
import type { TokenAnswer, UserAnswer } from './wire.ts'

export interface DigiLockerDeps {
  readonly credentials: ReadCredentials
  /** Verifies bytes as a document of this doctype and extracts its fields. @throws DocumentError */
  readonly verify: FetchParts['verify']
  /** Says what the signature of a PDF is worth. @throws DocumentError */
  readonly verifyPdf: NonNullable<FetchParts['verifyPdf']>
  readonly keyedHash: KeyedHash
  readonly clock: Clock
  readonly randomBytes?: ((size: number) => Uint8Array) | undefined
  /** an undici dispatcher; without one the rail opens an Agent of its own and `close()` ends it */
  readonly dispatcher?: Dispatcher | undefined
  /** milliseconds to wait before the one retry of a GET */
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined
  /**
   * Told when the tokens could not be given back: they then end by themselves, at `consent_valid_till` at the latest.
   * Also when the issued list could not be had, and the login went on without it.
   */
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

export interface Parts {
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
  // After the pause somebody must go through: that one finds out whether the upstream is back.
  let pausedUntil = 0
  const guard = createGuard(settings, (event) => {
    if (event.repository === undefined) pausedUntil = event.paused ? clock() + settings.breaker.pauseMs / 1000 : 0
    deps.onPause?.(event)
  })
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
    status: () => ({ paused: clock() < pausedUntil }),
    pullFields: (doctype) => (Object.hasOwn(settings.pull, doctype) ? pullFields(doctype) : undefined),
    readPullFields,
    run: (session, errand) => run(session, errand, parts),
    refresh: (tokens) => refresh(tokens, parts),
    giveBack: (tokens) => giveBack(tokens, parts),
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
  const tokens = tokensOf(token, parts)
  try {
    const { session, ...identity } = await identify(token, keep, credentials, parts)
    if (session) return { kind: 'done', identity: { ...identity, session } }
    await giveBackAfterwards(tokens, parts)
    return { kind: 'done', identity }
  } catch (error) {
    await giveBackAfterwards(tokens, parts) // nobody would ever hold these tokens
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
  const locker = await readLocker(needs, token, user, parts)
  const documents = await fetchDocuments(needs, locker, fetchParts(token.accessToken, credentials, parts))
  const { consentValidTill: endsAt } = token
  return {
    rail: 'digilocker',
    subject: user.subject,
    asserted: mergeProfiles([user.profile, token.profile, fromIdToken]),
    documents,
    ...(endsAt !== undefined && { consentEndsAt: endsAt }),
    ...(isWorthKeeping(documents, parts.settings) && {
      session: {
        tokens: tokensOf(token, parts),
        memory: toMemory(needs, locker),
        ...(endsAt !== undefined && { endsAt }),
      },
    }),
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

/** What was agreed to, and what is listed. A list that cannot be had costs the login nothing: the scope names documents too (§10.1). */
async function readLocker(
  needs: readonly DocumentNeed[],
  token: TokenAnswer,
  user: UserAnswer,
  parts: Parts,
): Promise<Locker> {
  const grant = parseGrant(token.scope)
  const nothingTicked = grant.stated && grant.documents.length === 0 && grant.doctypes.size === 0
  const spared = needs.length === 0 || nothingTicked
  const listed = spared ? [] : await listedOr(undefined, token.accessToken, parts)
  return { grant, listed, hasAadhaar: user.eAadhaar ?? token.eAadhaar }
}

function tokensOf({ accessToken, refreshToken, expiresInSeconds }: TokenAnswer, { deps }: Parts): UpstreamTokens {
  return { accessToken, ...(refreshToken && { refreshToken }), expiresAt: deps.clock() + expiresInSeconds }
}

/**
 * Ends the upstream grant by its longest-lived token, of which the others are dropped too (digilocker-api.md §6.4).
 * @throws RailError
 */
async function giveBack({ accessToken, refreshToken }: UpstreamTokens, { client, deps }: Parts): Promise<void> {
  const credentials = await deps.credentials()
  if (refreshToken) await client.revoke(refreshToken, 'refresh_token', credentials)
  else await client.revoke(accessToken, 'access_token', credentials)
}

/** A failure costs the person nothing: the login stands, and the operator is told. */
async function giveBackAfterwards(tokens: UpstreamTokens, parts: Parts): Promise<void> {
  try {
    await giveBack(tokens, parts)
  } catch (error) {
    parts.deps.warn?.(error instanceof AppError ? error.code : 'UNEXPECTED')
  }
}

/** A refresh may bring a new refresh token or none; then the old one stays good (digilocker-api.md §6.4). */
async function refresh({ refreshToken }: UpstreamTokens, parts: Parts): Promise<UpstreamTokens> {
  if (refreshToken === undefined) throw new RailError('RAIL_UNAUTHORIZED', 'refresh: there is no refresh token')
  const token = await parts.client.refresh(refreshToken, await parts.deps.credentials())
  return { refreshToken, ...tokensOf(token, parts) }
}
