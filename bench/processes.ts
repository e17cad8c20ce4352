import { readdirSync, readFileSync } from 'node:fs'

/** What Linux tells of processes that are not ours to ask (`proc(5)`). One that has ended has used nothing. */

/** Clock ticks in a second, as Linux counts CPU time for programs: 100 wherever Node runs. */
const TICKS_PER_SECOND = 100
/** `statm` counts in pages. */
const PAGE_BYTES = 4096

/** User and system time of all threads so far. */
export function cpuMsOf(pid: number): number {
  const [user = 0, system = 0] = statOf(pid).slice(11, 13).map(Number)
  return ((user + system) * 1000) / TICKS_PER_SECOND
}

export function rssBytesOf(pid: number): number {
  return Number(readProc(`${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES
}

export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)[1]) === parent)
}

/** For how long each thread that leads a process ran, in nanoseconds, which is finer than ticks (schedstat, field 1). */
export function cpuMsBelow(parent: number): number {
  const nanoseconds = [parent, ...childrenOf(parent)].map((pid) => Number(readProc(`${pid}/schedstat`).split(' ')[0]))
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6
}

/** The fields of `stat` from the state on, which is the third: before it stands a name that may hold anything. */
function statOf(pid: number): string[] {
  const stat = readProc(`${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function readProc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8')
  } catch {
    return '' // it ended while we looked
  }
}
