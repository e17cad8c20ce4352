interface Spent<T> {
  readonly result: T
  readonly ms: number
}

/**
 * What this thread spends on it, in milliseconds of a processor: how busy the machine is does not matter. The least of three
 * times, for into one of them a collection of other people's garbage may fall.
 */
export function spent<T>(work: () => T): Spent<T> {
  const once = (): Spent<T> => {
    const before = process.threadCpuUsage()
    const result = work()
    return { result, ms: since(before) }
  }
  return [once(), once(), once()].reduce((least, one) => (one.ms < least.ms ? one : least))
}

/** What it spent, once, on work that waits now and then, while it did nothing else. */
export async function spentUntil<T>(work: () => Promise<T>): Promise<Spent<T>> {
  const before = process.threadCpuUsage()
  const result = await work()
  return { result, ms: since(before) }
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
