import {
  BrokenCircuitError,
  type BulkheadPolicy,
  BulkheadRejectedError,
  bulkhead,
  type CircuitBreakerPolicy,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import { type Answer, type Call, TransportError } from './http.ts'
import type { DigiLockerSettings } from './settings.ts'

/** The upstream, or one issuer's repository behind it, is left alone for a while; or is asked again. */
export interface PauseEvent {
  /** an issuer's name in DigiLocker (`in.gov.transport`); absent: DigiLocker itself */
  readonly repository?: string
  readonly paused: boolean
}

export type Guard = (call: Call, ask: (call: Call) => Promise<Answer>) => Promise<Answer>

/** Those who run repositories are few; more names than this are made up by somebody, and share one breaker. */
const MOST_REPOSITORIES = 256
/** An issuer's name as DigiLocker gives them. It comes from a document's URI and goes into the log: no digit, no capital. */
const REPOSITORY = /^(?=.{1,64}$)[a-z]+(?:\.[a-z]+){1,5}$/
const OTHERS = 'others'

/**
 * Keeps a failing upstream from costing more than its own calls: at most so many at once, and none for a while once half
 * of the last ones failed. Then one call tries again, and its outcome decides. A document's repository has a breaker of its
 * own, since issuers fail by themselves (digilocker-api.md §12, 530): they cost their documents, never the login.
 * @throws TransportError RAIL_UNAVAILABLE for a call that was not sent
 * @see security.md UP-9
 */
export function createGuard(
  { breaker, concurrency }: Pick<DigiLockerSettings, 'breaker' | 'concurrency'>,
  onPause: (event: PauseEvent) => void,
): Guard {
  const slots = bulkhead(concurrency.calls, concurrency.waiting)
  const rail = createBreaker(breaker, (paused) => onPause({ paused }))
  const repositories = new Map<string, CircuitBreakerPolicy>()
  const breakerOf = (name: string): CircuitBreakerPolicy => {
    const hasRoom = repositories.has(name) || repositories.size < MOST_REPOSITORIES
    const key = hasRoom && REPOSITORY.test(name) ? name : OTHERS
    const known = repositories.get(key) ?? createBreaker(breaker, (paused) => onPause({ repository: key, paused }))
    repositories.set(key, known)
    return known
  }
  return (call, ask) => {
    const { repository } = call
    if (repository === undefined) return within(slots, rail, call, ask)
    // What serves no login serves no document; a document's outcome says nothing about the rest.
    if (rail.state === CircuitState.Open) return Promise.reject(notSent(call))
    return within(slots, breakerOf(repository), call, ask)
  }
}

async function within(
  slots: BulkheadPolicy,
  breaker: CircuitBreakerPolicy,
  call: Call,
  ask: (call: Call) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await slots.execute(() => breaker.execute(() => ask(call)))
  } catch (error) {
    if (error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError) throw notSent(call)
    throw error
  }
}

const notSent = ({ operation }: Call) =>
  new TransportError('RAIL_UNAVAILABLE', `${operation}: not sent, since the upstream fails or is too slow`, {
    notSent: true,
  })

function createBreaker(
  { calls, threshold, pauseMs }: DigiLockerSettings['breaker'],
  tell: (paused: boolean) => void,
): CircuitBreakerPolicy {
  const outages = handleWhen(isOutage).orWhenResult((answer) => (answer as Answer).status >= 500)
  const breaker = circuitBreaker(outages, {
    halfOpenAfter: pauseMs,
    breaker: new CountBreaker({ threshold, size: calls, minimumNumberOfCalls: Math.ceil(calls / 2) }),
  })
  breaker.onBreak(() => tell(true))
  breaker.onReset(() => tell(false))
  return breaker
}

/** Not reached, or not in time. An answer that we cannot read is an answer. */
const isOutage = (error: unknown) =>
  error instanceof TransportError && (error.code === 'RAIL_UNAVAILABLE' || error.code === 'RAIL_TIMEOUT')
