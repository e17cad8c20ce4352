import { setTimeout as pause } from 'node:timers/promises'
import { errors } from 'oidc-provider'
import type { RepeatTerms } from '../src/provider/refresh.ts'
import { toEventRows } from './event-rows.ts'
import { hashId, type OidcAdapterParts, send } from './oidc-parts.ts'
import { ANSWER_REPEAT } from './oidc-sql.ts'

/** The answer of the first use, as it is kept: bytes travel as hexadecimal and base64 inside JSON. */
export type RepeatRow = Readonly<Record<string, string | number>>

/** Keeps the answer to the request that has just been served; undefined when it holds no refresh token. */
export type KeepAnswer = (answer: unknown) => Promise<RepeatRow | undefined>

type TokenAnswer = Readonly<Record<string, unknown>> & { readonly refresh_token: string }

/** A winner needs some milliseconds from spending the token to storing what it issues; a slow database some more. */
const LOOKS = 40
const BETWEEN_LOOKS_MS = 50

const place = (hash: Buffer) => ({ table: 'refresh_repeat', column: 'sealed_answer', row: hash.toString('hex') })

/**
 * How the winner of a refresh keeps its answer. It is stored by the statement that stores the tokens in it, so there is
 * no successor without its copy and no copy without its successor.
 * @param now when the token was spent, epoch seconds: the window begins there
 */
export function keeperOf(parts: OidcAdapterParts, hash: Buffer, grantId: string, terms: RepeatTerms, now: number) {
  const keep: KeepAnswer = async (answer) => {
    if (!isTokenAnswer(answer)) return undefined
    const sealed = await parts.vault.seal('system', place(hash), JSON.stringify({ answer, now }))
    return {
      id: hash.toString('hex'),
      grant_id: grantId,
      successor: hashId(answer.refresh_token).toString('hex'),
      request_hash: terms.requestHash.toString('hex'),
      sealed: sealed.toString('base64'),
      ends_at: now + terms.graceSeconds,
    }
  }
  return keep
}

interface Found {
  readonly consumed: number
  readonly answered: boolean
  readonly same: boolean | null
  readonly sealed_answer: Buffer | null
}

/**
 * For a use that came second: gives the first one's answer when it is that request again, in time, and its successor is
 * still unused. Nothing is issued, so there is never a second branch (security.md OP-6). A use that is too early waits for
 * the winner's answer, some two seconds at most.
 * @returns the answer; `reused` when this is no repetition; `busy` when the winner has not answered
 * @throws errors.InvalidGrant when the family has ended
 */
export async function findAnswer(
  parts: OidcAdapterParts,
  hash: Buffer,
  { graceSeconds, requestHash }: RepeatTerms,
): Promise<Readonly<Record<string, unknown>> | 'reused' | 'busy'> {
  for (let look = 0; look < LOOKS; look++) {
    const now = parts.clock()
    const event = toEventRows(parts.database, parts.clock, [{ body: { type: 'refresh_token.repeated' } }])
    const [found] = await send<Found>(parts, ANSWER_REPEAT, [hash, requestHash, now, event])
    if (!found) throw new errors.InvalidGrant('grant was revoked meanwhile')
    if (found.same && found.sealed_answer) return open(parts, hash, found.sealed_answer, now)
    if (found.answered || now >= found.consumed + graceSeconds) return 'reused'
    await pause(BETWEEN_LOOKS_MS)
  }
  return 'busy'
}

/** The very same response, but for the seconds that have gone by since (RFC 6749 §5.1, `expires_in`). */
async function open(parts: OidcAdapterParts, hash: Buffer, sealed: Buffer, at: number) {
  const text = (await parts.vault.open('system', place(hash), sealed)).toString('utf8')
  const { answer, now } = JSON.parse(text) as { answer: TokenAnswer; now: number }
  const { expires_in: lifetime } = answer
  return typeof lifetime === 'number' ? { ...answer, expires_in: Math.max(1, lifetime - (at - now)) } : answer
}

function isTokenAnswer(answer: unknown): answer is TokenAnswer {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'refresh_token' in answer &&
    typeof answer.refresh_token === 'string'
  )
}
