import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { type ErrorCode, RailError } from '../../errors.ts'
import type { DwarEvent, EventStore } from '../../privacy/event.ts'
import type {
  DocumentOutcome,
  Rail,
  RailErrand,
  RailId,
  RailIdentity,
  RailSession,
  RailState,
} from '../../rails/rail.ts'
import type { KeyedHasher } from '../../vault/keyed-hash.ts'
import type { Vault } from '../../vault/vault.ts'
import { accountKey } from '../account.ts'
import type { AttemptStore, RailAttempt } from '../stores.ts'
import type { Upstream } from '../upstream.ts'
import { type AskedInteraction, needsOf } from './asked.ts'
import { missingReason } from './offer.ts'

/** What came of a journey: who came back, or why nobody did. Sealed until the consent screen is answered. */
export type Outcome =
  /** `sessionOpen`: there is an upstream session of the attempt's id, with which more may be got */
  | { readonly kind: 'identity'; readonly identity: Identity; readonly sessionOpen: boolean }
  | { readonly kind: 'failed'; readonly code: ErrorCode }

type Identity = Omit<RailIdentity, 'session'>

interface Answer {
  readonly outcome: Outcome
  readonly events: DwarEvent['body'][]
  readonly session: RailSession | undefined
}

export type Standing =
  | { readonly kind: 'not-started' }
  | { readonly kind: 'under-way' }
  | { readonly kind: 'returned'; readonly attemptId: string; readonly outcome: Outcome }

/** A journey that brought somebody, before she has decided. */
export interface Returned {
  readonly attemptId: string
  readonly identity: Identity
  readonly sessionOpen: boolean
}

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
  readonly upstream: Pick<Upstream, 'draft' | 'use' | 'end'>
  readonly vault: Vault
  readonly hash: KeyedHasher
  readonly clock: Clock
  /** UUIDv7 text, rising */
  readonly newId: () => string
  readonly callbackUrl: (rail: RailId) => URL
  readonly serviceName: string
}

const ATTEMPT_TTL_SECONDS = 600
/** to read the consent screen, fetch a licence from a drawer and type its number */
const DECISION_TTL_SECONDS = 1200
const sha256 = (value: string): Buffer => createHash('sha256').update(value).digest()
const sealedAt = (column: 'sealed_state' | 'sealed_outcome', row: string) => ({ table: 'rail_attempt', column, row })

/**
 * The story of a login up to the consent screen, in protocol words: sent to a rail, come back from it.
 * The one-time `state` stands only as a hash, is tied to one browser, and is spent before anything else happens
 * (RFC 6749 §10.12, RFC 9700 §4.7; security.md UP-1, UP-2, UP-6).
 */
export function createLogin(parts: LoginParts) {
  const { attempts, vault, clock } = parts

  /**
   * Sends the person to the rail.
   * @param browser secret of this browser's cookie
   * @throws RailError RAIL_UNAVAILABLE, INTERACTION_EXPIRED
   */
  async function begin(railId: RailId, interaction: AskedInteraction, browser: string): Promise<URL> {
    // Better refused here than after a sign-in over there, whose answer we could not use.
    if (isPaused(railId)) throw new RailError('RAIL_UNAVAILABLE', 'the upstream is left alone for a while')
    const state = randomBytes(32).toString('base64url')
    const needs = needsOf(interaction)
    const step = await railOf(railId).begin({
      correlation: state,
      returnTo: parts.callbackUrl(railId),
      needs,
      purpose: interaction.purposeInEnglish,
      serviceName: parts.serviceName,
      freshLogin: interaction.freshLogin,
      overrides: interaction.upstream,
    })
    if (step.kind !== 'redirect') throw new RailError('RAIL_RESPONSE_INVALID', 'the rail did not begin with a redirect')
    const id = parts.newId()
    const sealedState = await vault.seal('system', sealedAt('sealed_state', id), JSON.stringify(step.state))
    const opened = await attempts.open(
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
    if (!opened) throw new RailError('INTERACTION_EXPIRED', 'the interaction is over')
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
    const { outcome, events, session } = await readAnswer(railId, attempt, query)
    const expiresAt = clock() + DECISION_TTL_SECONDS
    await attempts.settle(
      attempt.id,
      {
        sealedOutcome: await vault.seal('system', sealedAt('sealed_outcome', attempt.id), JSON.stringify(outcome)),
        expiresAt,
        accountKey: outcome.kind === 'identity' ? accountKey(parts.hash, outcome.identity) : undefined,
        session: session && (await parts.upstream.draft(attempt.id, railId, session, expiresAt)),
      },
      events.map((body) => ({ body, ...about })),
    )
    return { interactionUid: attempt.interactionUid }
  }

  /**
   * Runs an errand while she decides, and puts what came of it in place of what was missing.
   * @throws RailError INTERACTION_OUT_OF_ORDER without an open session; RAIL_UNAUTHORIZED, RAIL_EXPIRED when only a new sign-in helps
   */
  async function runErrand(
    { uid, clientId }: AskedInteraction,
    errand: RailErrand,
    agreed?: { notice: string; locale: string },
  ): Promise<void> {
    const about = { clientId, interactionUid: uid }
    const { attemptId } = await openStanding(uid)
    if (errand.kind === 'pull' && agreed)
      await parts.events.append([
        { body: { type: 'document.pull_agreed', doctype: errand.doctype, ...agreed }, ...about },
      ])
    const got = await parts.upstream.use(attemptId, (rail, session) => rail.run(session, errand))
    for (;;) {
      const { attempt, outcome } = await openStanding(uid)
      const documents = replaced(outcome.identity.documents, got)
      const refused = got.find((document) => document.kind === 'refused')
      const next: Outcome = refused
        ? { kind: 'failed', code: refused.code }
        : { ...outcome, identity: { ...outcome.identity, documents } }
      const sealed = await vault.seal('system', sealedAt('sealed_outcome', attempt.id), JSON.stringify(next))
      if (refused) await parts.upstream.end(attemptId)
      const told = got.map((document) => ({ body: toEvent(document), ...about }))
      // Another errand of hers may have been faster: then its result stays, and ours goes on top.
      if (await attempts.amend(attempt.id, attempt.sealedOutcome, sealed, told)) return
    }
  }

  async function openStanding(interactionUid: string) {
    const attempt = await attempts.findByInteraction(interactionUid)
    const outcome = attempt?.sealedOutcome && (await readOutcome(attempt.id, attempt.sealedOutcome))
    if (!attempt?.sealedOutcome || outcome?.kind !== 'identity' || !outcome.sessionOpen)
      throw new RailError('INTERACTION_OUT_OF_ORDER', 'there is no open session to run an errand in')
    return { attemptId: attempt.id, attempt: { id: attempt.id, sealedOutcome: attempt.sealedOutcome }, outcome }
  }

  async function readOutcome(attemptId: string, sealed: Uint8Array): Promise<Outcome> {
    const opened = await vault.open('system', sealedAt('sealed_outcome', attemptId), sealed)
    return JSON.parse(opened.toString('utf8')) as Outcome
  }

  const isPaused = (railId: RailId): boolean => railOf(railId).status().paused

  /** The fields for having a document pulled, where that can be done. */
  const pullFields = (railId: RailId, doctype: string) => railOf(railId).pullFields(doctype)
  const readPullFields = (railId: RailId, doctype: string, typed: Readonly<Record<string, unknown>>) =>
    railOf(railId).readPullFields(doctype, typed)

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

  async function readAnswer(railId: RailId, attempt: RailAttempt, query: URLSearchParams): Promise<Answer> {
    try {
      const opened = await vault.open('system', sealedAt('sealed_state', attempt.id), attempt.sealedState)
      const step = await railOf(railId).advance(JSON.parse(opened.toString('utf8')) as RailState, { query })
      if (step.kind !== 'done') throw new RailError('RAIL_RESPONSE_INVALID', 'the rail asked for a second redirect')
      const { session, ...identity } = step.identity
      return { ...toOutcome(railId, attempt.id, identity, session !== undefined), session }
    } catch (error) {
      // The journey failed; that is told on our page, which offers another try and the way back to the app.
      if (!(error instanceof RailError)) throw error
      const events: DwarEvent['body'][] = [
        { type: 'rail.refused', rail: railId, attemptId: attempt.id, code: error.code },
      ]
      return { outcome: { kind: 'failed', code: error.code }, events, session: undefined }
    }
  }

  /** Where the interaction stands: what the page at `/interaction/:uid` shows depends on it alone. */
  async function standing(interactionUid: string): Promise<Standing> {
    const attempt = await attempts.findByInteraction(interactionUid)
    if (!attempt) return { kind: 'not-started' }
    if (!attempt.sealedOutcome) return { kind: attempt.usedAt === undefined ? 'not-started' : 'under-way' }
    return {
      kind: 'returned',
      attemptId: attempt.id,
      outcome: await readOutcome(attempt.id, attempt.sealedOutcome),
    }
  }

  function railOf(id: string): Rail {
    const rail = parts.rails.get(id)
    if (!rail) throw new RailError('RAIL_MISCONFIGURED', 'there is no such rail')
    return rail
  }

  return { begin, takeReturn, standing, isPaused, runErrand, pullFields, readPullFields }
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
  identity: Identity,
  sessionOpen: boolean,
): { outcome: Outcome; events: DwarEvent['body'][] } {
  const events: DwarEvent['body'][] = [{ type: 'rail.returned', rail, attemptId }, ...identity.documents.map(toEvent)]
  const refused = identity.documents.find((document) => document.kind === 'refused')
  return {
    outcome: refused ? { kind: 'failed', code: refused.code } : { kind: 'identity', identity, sessionOpen },
    events,
  }
}

/** New outcomes in place of old ones of the same type. */
function replaced(before: readonly DocumentOutcome[], fresh: readonly DocumentOutcome[]): DocumentOutcome[] {
  return before.map((document) => fresh.find(({ doctype }) => doctype === document.doctype) ?? document)
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
  const reason = missingReason(document)
  return { type: 'document.absent', doctype, reason, ...(document.kind === 'pdf-only' && toPdfEvidence(document)) }
}

/** That a document was there, and what its signature was worth: all that may ever be said of one that is PDF only. */
function toPdfEvidence({ pdf, code, uriHmac }: DocumentOutcome & { kind: 'pdf-only' }) {
  return {
    uriHmac,
    ...(pdf?.verdict === 'trusted' && { signer: pdf.signer }),
    ...(pdf?.verdict === 'not-trusted' && { check: pdf.check }),
    ...(code && { code }),
  }
}
