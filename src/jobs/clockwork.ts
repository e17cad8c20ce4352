import type { Log } from '../log.ts'

/** A small named piece of work that runs again and again. It must do no harm when two instances run it at once. */
export interface Job {
  readonly name: string
  readonly everySeconds: number
  run(): Promise<void>
}

/**
 * Runs jobs on their clocks until stopped. A job that fails is reported and tried again at its next turn.
 * @param secondMs how long a second of theirs takes
 * @returns stops the clocks and waits for what is running
 */
export function startClockwork(jobs: readonly Job[], log: Log, secondMs = 1000): () => Promise<void> {
  const running = new Set<Promise<void>>()
  const timers = jobs.map((job) => {
    const turn = () => {
      const done: Promise<void> = job
        .run()
        .catch((error: unknown) => log.error({ job: job.name, error }, 'job failed'))
        .finally(() => running.delete(done))
      running.add(done)
    }
    return setInterval(turn, job.everySeconds * secondMs).unref()
  })
  return async () => {
    for (const timer of timers) clearInterval(timer)
    await Promise.all(running)
  }
}
