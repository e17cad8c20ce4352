import type { Clock } from '../clock.ts'
import type { DataKey } from './envelope.ts'

/** Short, so that a key destroyed on another instance soon stops opening values here. */
const TTL_SECONDS = 60
const MAX_ENTRIES = 1000

interface Entry {
  readonly key: DataKey
  readonly until: number
}

/** Unwrapped data keys, for a minute, the least recently used dropped first. Reads of one key at one time are one read. */
export class DataKeyCache {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #reads = new Map<string, Promise<DataKey>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From the cache, else read and kept, under every name that it has. */
  async getOr(name: string, read: () => Promise<DataKey>, namesOf: (key: DataKey) => string[]): Promise<DataKey> {
    return this.#find(name) ?? this.#reads.get(name) ?? this.#readOnce(name, read, namesOf)
  }

  /** From the cache, else read and not kept, and not shared with others who wait. */
  async peekOr(name: string, read: () => Promise<DataKey>): Promise<DataKey> {
    return this.#find(name) ?? read()
  }

  /** Also drops reads under way: what they bring is given to those who asked and not kept. */
  forget(matches: (name: string) => boolean): void {
    for (const name of [...this.#entries.keys()].filter(matches)) this.#entries.delete(name)
    for (const name of [...this.#reads.keys()].filter(matches)) this.#reads.delete(name)
  }

  #find(name: string): DataKey | undefined {
    const entry = this.#entries.get(name)
    if (!entry) return undefined
    this.#entries.delete(name)
    if (entry.until <= this.#clock()) return undefined
    this.#entries.set(name, entry) // newest again
    return entry.key
  }

  #readOnce(name: string, read: () => Promise<DataKey>, namesOf: (key: DataKey) => string[]): Promise<DataKey> {
    const reading = read().then(
      (key) => {
        if (this.#endRead(name, reading)) for (const other of new Set([name, ...namesOf(key)])) this.keep(other, key)
        return key
      },
      (error: unknown) => {
        this.#endRead(name, reading)
        throw error
      },
    )
    this.#reads.set(name, reading)
    return reading
  }

  #endRead(name: string, reading: Promise<DataKey>): boolean {
    if (this.#reads.get(name) !== reading) return false
    this.#reads.delete(name)
    return true
  }

  keep(name: string, key: DataKey): void {
    this.#entries.set(name, { key, until: this.#clock() + TTL_SECONDS })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES) break
      this.#entries.delete(oldest)
    }
  }
}
