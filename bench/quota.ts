import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Short, so that a process which has used its share up waits some milliseconds and not a tenth of a second. */
const PERIOD_US = 10_000

/** Holds processes to a share of one core each, until it is disposed of. */
export interface Quota extends Disposable {
  readonly share: number
}

/**
 * By a control group for each process (Linux, versions 1 and 2).
 * @param share of one core, 0 to 1
 * @returns undefined where there are none or they are not ours to make
 */
export function limitCpu(pids: readonly number[], share: number): Quota | undefined {
  const made: string[] = []
  try {
    for (const pid of pids) {
      const folder = path.join(rootOfGroups(), `dwar-bench-${pid}`)
      mkdirSync(folder)
      made.push(folder)
      limit(folder, share)
      writeFileSync(path.join(folder, 'cgroup.procs'), String(pid))
    }
    return { share, [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    if (['ENOENT', 'EACCES', 'EPERM', 'EROFS'].includes(String((error as NodeJS.ErrnoException).code))) return undefined
    throw error
  }

  function dispose() {
    for (const folder of made.splice(0)) removeGroup(folder)
  }
}

const V1 = '/sys/fs/cgroup/cpu'
const rootOfGroups = () => (existsSync(V1) ? V1 : '/sys/fs/cgroup')

function limit(folder: string, share: number): void {
  const quota = Math.round(PERIOD_US * share)
  const files = folder.startsWith(V1)
    ? { 'cpu.cfs_period_us': PERIOD_US, 'cpu.cfs_quota_us': quota }
    : { 'cpu.max': `${quota} ${PERIOD_US}` }
  for (const [file, value] of Object.entries(files)) writeFileSync(path.join(folder, file), String(value))
}

/** A group with processes in it cannot be removed: they go back to where all are. */
function removeGroup(folder: string): void {
  const pid = folder.slice(folder.lastIndexOf('-') + 1)
  if (existsSync(`/proc/${pid}`)) writeFileSync(path.join(path.dirname(folder), 'cgroup.procs'), pid)
  rmdirSync(folder)
}
