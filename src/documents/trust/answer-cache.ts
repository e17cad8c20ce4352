/** Half-open: from its first second to before its last. Epoch seconds. */
export interface Period {
  readonly from: number
  readonly until: number
}

interface Entry<T> {
  readonly value: T
  readonly judged: Period
  readonly asked: Period
}

/**
 * Answers that hold until something that they rest on begins or ends. Bounded, least recently used goes first: whoever
 * sends endless certificates pushes out his own entries, not the signer whom everybody else asks for.
 */
export class AnswerCache<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #size: number

  constructor(size: number) {
    this.#size = size
  }

  get size(): number {
    return this.#entries.size
  }

  /** @param judgedAt the moment that is judged @param askedAt the moment of asking, both epoch seconds */
  find(key: string, judgedAt: number, askedAt: number): T | undefined {
    const entry = this.#entries.get(key)
    if (!entry || !isIn(entry.judged, judgedAt) || !isIn(entry.asked, askedAt)) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: T, judged: Period, asked: Period): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, judged, asked })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#size && oldest !== undefined) this.#entries.delete(oldest)
  }
}

/** The longest period around a moment in which none of these edges falls. */
export function periodAround(at: number, edges: Iterable<number>): Period {
  let from = Number.NEGATIVE_INFINITY
  let until = Number.POSITIVE_INFINITY
  for (const edge of edges) {
    if (edge <= at) from = Math.max(from, edge)
    else until = Math.min(until, edge)
  }
  return { from, until }
}

const isIn = ({ from, until }: Period, at: number) => from <= at && at < until
