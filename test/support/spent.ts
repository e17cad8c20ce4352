/** What this thread spent on it, in milliseconds of a processor: how busy the machine is does not matter. */
export function spent<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const before = process.threadCpuUsage()
  const result = work()
  const { user, system } = process.threadCpuUsage(before)
  return { result, ms: (user + system) / 1000 }
}
