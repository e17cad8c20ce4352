import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { type ErrorCode, RailError } from '../../errors.ts'
import type { DwarEvent, EventStore } from '../../privacy/event.ts'
import type { DocumentOutcome, Rail, RailId, RailIdentity, RailState } from '../../rails/rail.ts'
import type { Vault } from '../../vault/vault.ts'
import { documentNeeds } from '../request.ts'
import type { AttemptStore, RailAttempt } from '../stores.ts'
import { type AskedInteraction, requestOf } from './asked.ts'

/** What came of a journey: who came back, or why nobody did. Sealed until the consent screen is answered. */
export type Outcome =
  | { readonly kind: 'identity'; readonly identity: RailIdentity }
  | { readonly kind: 'failed'; readonly code: ErrorCode }

export type Standing =
  | { readonly kind: 'not-started' }
  | { readonly kind: 'under-way' }
  | { readonly kind: 'returned'; readonly attemptId: string; readonly outcome: Outcome }

/** Where a returning browser goes next; the code is set when the upstream's answer could not be used. */
export interface Return {
  readonly interactionUid: string
}

/** A return that cannot be tied to a journey of this browser. `interactionUid` is given only where it is this browser's own. */
export class ReturnRefused extends RailError {
  readonly interactionUid: string | undefined
  constructor(code: ErrorCode, message: string, interactionUid?: string) {
    super(code, message)
    this.interactionUid = interactionUid
  }
}

export interface LoginParts {
  readonly rails: ReadonlyMap<string, Rail>
  readonly attempts: AttemptStore
  readonly events: EventStore
  readonly vault: Vault
  readonly clock: Clock
  /** UUIDv7 text, rising */
  readonly newId: () => string
  readonly callbackUrl: (rail: RailId) => URL
  readonly serviceName: string
}

const ATTEMPT_TTL_SECONDS = 600
const sha256 = (value: string): Buffer => createHash('sha256').update(value).digest()
const sealedAt = (column: 'sealed_state' | 'sealed_outcome', row: string) => ({ table: 'rail_attempt', column, row })

/**
 * The story of a login up to the consent screen, in protocol words: sent to a rail, come back from it.
 * The one-time `state` stands only as a hash, is tied to one browser, and is spent before anything else happens
 * (RFC 6749 §10.12, RFC 9700 §4.7; security.md UP-1, UP-2, UP-6).
 */
export function createLogin(parts: LoginParts) {
  const { attempts, vault, clock } = parts

  /** Sends the person to the rail. @param browser secret of this browser's cookie */
  async function begin(railId: RailId, interaction: AskedInteraction, browser: string): Promise<URL> {
    const state = randomBytes(32).toString('base64url')
    const needs = documentNeeds(requestOf(interaction))
    const step = await railOf(railId).begin({
      correlation: state,
      returnTo: parts.callbackUrl(railId),
      needs,
      purpose: interaction.purposeInEnglish,
      serviceName: parts.serviceName,
      freshLogin: interaction.freshLogin,
    })
    if (step.kind !== 'redirect') throw new RailError('RAIL_RESPONSE_INVALID', 'the rail did not begin with a redirect')
    const id = parts.newId()
    const sealedState = await vault.seal('system', sealedAt('sealed_state', id), JSON.stringify(step.state))
    await attempts.open(
      {
        id,
        rail: railId,
        interactionUid: interaction.uid,
        clientId: interaction.clientId,
        sealedState,
        expiresAt: clock() + ATTEMPT_TTL_SECONDS,
        stateHash: sha256(state),
        browserHash: sha256(browser),
      },
      {
        body: {
          type: 'rail.started',
          rail: railId,
          attemptId: id,
          doctypes: [...new Set(needs.flatMap((need) => need.anyOf))],
        },
        clientId: interaction.clientId,
        interactionUid: interaction.uid,
      },
    )
    return step.url
  }

  /**
   * Takes the upstream's redirect back: spends the state, reads the answer, keeps the outcome sealed.
   * A failure of the journey itself is an outcome too, so that the person lands on a page of ours that a reload cannot break.
   * @throws ReturnRefused RAIL_STATE_MISSING, RAIL_STATE_MISMATCH, RAIL_STATE_USED, RAIL_BROWSER_MISMATCH, RAIL_EXPIRED
   */
  async function takeReturn(railId: RailId, query: URLSearchParams, browser: string | undefined): Promise<Return> {
    const attempt = await claimAttempt(railId, query, browser)
    const about = { clientId: attempt.clientId, interactionUid: attempt.interactionUid }
    const { outcome, events } = await readAnswer(railId, attempt, query)
    const sealed = await vault.seal('system', sealedAt('sealed_outcome', attempt.id), JSON.stringify(outcome))
    await attempts.settle(
      attempt.id,
      sealed,
      events.map((body) => ({ body, ...about })),
    )
    return { interactionUid: attempt.interactionUid }
  }

  async function claimAttempt(
    railId: RailId,
    query: URLSearchParams,
    browser: string | undefined,
  ): Promise<RailAttempt> {
    const states = query.getAll('state')
    const browserHash = browser === undefined ? undefined : sha256(browser)
    const [state] = states
    if (state === undefined || states.length > 1) throw await withoutState(railId, query, browserHash)
    const claimed = await attempts.claim(sha256(state), browserHash, clock())
    if ('refused' in claimed) throw refusedReturn(claimed.refused, claimed.interactionUid)
    if (claimed.attempt.rail !== railId)
      throw new ReturnRefused('RAIL_STATE_MISMATCH', 'the state belongs to another rail')
    return claimed.attempt
  }

  /** Some refusals come back without state: nothing is spent, but this browser is shown the way on (digilocker-api.md §4.1). */
  async function withoutState(
    railId: RailId,
    query: URLSearchParams,
    browserHash: Uint8Array | undefined,
  ): Promise<ReturnRefused> {
    const own = browserHash && (await attempts.findByBrowser(browserHash, clock()))
    const denied = query.get('error') === 'access_denied'
    const code = denied
      ? 'RAIL_DENIED'
      : query.get('error') === 'user_loggedout'
        ? 'RAIL_LOGGED_OUT'
        : 'RAIL_STATE_MISSING'
    const about = own && { clientId: own.clientId, interactionUid: own.interactionUid }
    await parts.events.append([{ body: { type: 'rail.refused', rail: railId, code }, ...about }])
    return new ReturnRefused(code, 'the upstream came back without a state', own?.interactionUid)
  }

  async function readAnswer(railId: RailId, attempt: RailAttempt, query: URLSearchParams) {
    try {
      const opened = await vault.open('system', sealedAt('sealed_state', attempt.id), attempt.sealedState)
      const step = await railOf(railId).advance(JSON.parse(opened.toString('utf8')) as RailState, { query })
      if (step.kind !== 'done') throw new RailError('RAIL_RESPONSE_INVALID', 'the rail asked for a second redirect')
      return toOutcome(railId, attempt.id, step.identity)
    } catch (error) {
      // The journey failed; that is told on our page, which offers another try and the way back to the app.
      if (!(error instanceof RailError)) throw error
      const events: DwarEvent['body'][] = [
        { type: 'rail.refused', rail: railId, attemptId: attempt.id, code: error.code },
      ]
      return { outcome: { kind: 'failed', code: error.code } satisfies Outcome, events }
    }
  }

  /** Where the interaction stands: what the page at `/interaction/:uid` shows depends on it alone. */
  async function standing(interactionUid: string): Promise<Standing> {
    const attempt = await attempts.findByInteraction(interactionUid)
    if (!attempt) return { kind: 'not-started' }
    if (!attempt.sealedOutcome) return { kind: attempt.usedAt === undefined ? 'not-started' : 'under-way' }
    const opened = await vault.open('system', sealedAt('sealed_outcome', attempt.id), attempt.sealedOutcome)
    return { kind: 'returned', attemptId: attempt.id, outcome: JSON.parse(opened.toString('utf8')) as Outcome }
  }

  function railOf(id: string): Rail {
    const rail = parts.rails.get(id)
    if (!rail) throw new RailError('RAIL_MISCONFIGURED', 'there is no such rail')
    return rail
  }

  return { begin, takeReturn, standing }
}

export type Login = ReturnType<typeof createLogin>

const refusals = {
  unknown: ['RAIL_STATE_MISMATCH', 'no journey has this state'],
  browser: ['RAIL_BROWSER_MISMATCH', 'the journey was begun in another browser'],
  used: ['RAIL_STATE_USED', 'the state was spent before'],
  expired: ['RAIL_EXPIRED', 'the journey took too long'],
} as const

function refusedReturn(reason: keyof typeof refusals, interactionUid: string | undefined): ReturnRefused {
  const [code, message] = refusals[reason]
  return new ReturnRefused(code, message, reason === 'used' || reason === 'expired' ? interactionUid : undefined)
}

/** A document that was served and could not be trusted ends the journey: nothing else is read from it (design.md §3.6). */
function toOutcome(
  rail: RailId,
  attemptId: string,
  identity: RailIdentity,
): { outcome: Outcome; events: DwarEvent['body'][] } {
  const events: DwarEvent['body'][] = [{ type: 'rail.returned', rail, attemptId }, ...identity.documents.map(toEvent)]
  const refused = identity.documents.find((document) => document.kind === 'refused')
  return { outcome: refused ? { kind: 'failed', code: refused.code } : { kind: 'identity', identity }, events }
}

function toEvent(document: DocumentOutcome): DwarEvent['body'] {
  const { doctype } = document
  if (document.kind === 'verified') {
    const { profile, signerFingerprint: signer, weakAlgorithm } = document.verification
    return {
      type: 'document.verified',
      doctype,
      profile,
      signer,
      ...(weakAlgorithm && { weakAlgorithm }),
      uriHmac: document.uriHmac,
    }
  }
  if (document.kind === 'refused') {
    const { code, check, uriHmac } = document
    return { type: 'document.refused', doctype, code, ...(check && { check }), uriHmac }
  }
  return { type: 'document.absent', doctype, reason: document.kind === 'absent' ? document.reason : document.kind }
}
