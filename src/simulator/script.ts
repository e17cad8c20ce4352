import type { QuirkRule, Rule, Rules } from './rules.ts'
import type { Counts, Journey, Scenario, Step } from './scenario.ts'

/** A recording of a run is for reading: nobody reads more than this */
const LIMIT = 1000

export type Played = Pick<Scenario, 'rules' | 'later' | 'journeys' | 'calls'>

/** Plays a scenario call by call, and writes down what happens in the same form. */
export class Script {
  readonly #rules: Rules
  readonly #scenario: Scenario | undefined
  #waiting: readonly Step[] = []
  #counts: Counts = {}
  #first: readonly Rule[] = []
  #steps: Step[] = []
  #journeys: Journey[] = []
  #calls: string[] = []

  constructor(rules: Rules, scenario: Scenario | undefined) {
    this.#rules = rules
    this.#scenario = scenario
    this.start()
  }

  /** From the beginning, as freshly started. */
  start(): void {
    this.#waiting = this.#scenario?.later ?? []
    this.#counts = {}
    this.#first = this.#scenario?.rules ?? []
    this.#steps = []
    this.#journeys = []
    this.#calls = []
    this.#rules.replace(this.#first)
  }

  /** Somebody sets other rules. Several changes between two calls are one. */
  change(rules: readonly Rule[]): void {
    this.#rules.replace(rules)
    if (this.#calls.length === 0) this.#first = rules
    else if (isSame(this.#steps.at(-1)?.after, this.#counts))
      this.#steps[this.#steps.length - 1] = { after: this.#counts, rules }
    else if (this.#steps.length < LIMIT) this.#steps.push({ after: this.#counts, rules })
  }

  /** A call was answered. @param counts of all calls so far, this one included */
  called(call: string, counts: Counts): void {
    this.#counts = counts
    if (this.#calls.length < LIMIT) this.#calls.push(call)
    const [next, ...rest] = this.#waiting
    if (next === undefined || !isReached(next.after, counts)) return
    this.#waiting = rest
    this.change(next.rules)
  }

  /** What goes wrong in this journey: what the person typed, and what the scenario has for this sign-in of hers. */
  signIn(persona: string, typed: readonly QuirkRule[]): readonly QuirkRule[] {
    const before = this.#journeys.filter((journey) => journey.persona === persona).length
    const planned = this.#scenario?.journeys.filter((journey) => journey.persona === persona)[before]?.quirks ?? []
    const quirks = [...planned, ...typed.filter((one) => !planned.some((other) => isSame(one, other)))]
    if (this.#journeys.length < LIMIT) this.#journeys.push({ persona, quirks })
    return quirks
  }

  played(): Played {
    return { rules: this.#first, later: this.#steps, journeys: this.#journeys, calls: this.#calls }
  }
}

const isReached = (after: Counts, counts: Counts): boolean =>
  Object.entries(after).every(([name, count]) => (counts[name as keyof Counts] ?? 0) >= count)

/** Small plain objects, made in one place each: their text tells them apart. */
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
