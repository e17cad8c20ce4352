/** A map in memory whose entries end by themselves and whose size has a limit: the oldest entry makes room. */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, { value: Value; expiresAt: number }>()
  readonly #now: () => number
  readonly #limit: number

  /** @param now epoch seconds */
  constructor(now: () => number, limit = 10_000) {
    this.#now = now
    this.#limit = limit
  }

  /** @param expiresAt epoch seconds; from then on the entry is gone */
  set(key: string, value: Value, expiresAt: number): void {
    if (this.#entries.size >= this.#limit) this.#makeRoom()
    this.#entries.set(key, { value, expiresAt })
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt > this.#now()) return entry?.value
    this.#entries.delete(key)
    return undefined
  }

  /** Takes the value out: of two callers one gets it. */
  take(key: string): Value | undefined {
    const value = this.get(key)
    this.#entries.delete(key)
    return value
  }

  clear(): void {
    this.#entries.clear()
  }

  get size(): number {
    return this.#entries.size
  }

  #makeRoom(): void {
    const now = this.#now()
    for (const [key, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(key)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= this.#limit && oldest !== undefined) this.#entries.delete(oldest)
  }
}
