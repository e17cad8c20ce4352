import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { StoreError } from '../src/errors.ts'
import { sqlState } from './statement-guard.ts'

/** What stands in `dwar.lock`: who has the folder open, and where it can be asked instead. */
export interface LockHolder {
  readonly pid: number
  /** when that process started, in ticks since boot, where the system tells (Linux): a reused pid is another process */
  readonly startedAt?: string | undefined
  /** control socket of the running server, if it has one */
  readonly socket?: string | undefined
}

/**
 * Takes the folder for this process alone. PGlite has no lock of its own: of two processes on one folder, the rows that
 * the earlier one committed vanish (dependencies.md §3). A lock whose process is gone is taken over.
 * @returns gives the lock back
 * @throws StoreError STORE_LOCKED
 */
export function lockFolder(folder: string, socket?: string): () => void {
  const file = lockFileOf(folder)
  const mine = JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid), socket } satisfies LockHolder)
  // A second try finds either nothing or the lock of whoever was faster.
  if (!create(file, mine)) {
    setAsideIfStale(file)
    if (!create(file, mine)) throw locked()
  }
  return () => {
    if (read(file) === mine) unlinkSync(file)
  }
}

/** Who has the folder open, if that process is alive. */
export function findLockHolder(folder: string): LockHolder | undefined {
  const holder = parse(read(lockFileOf(folder)))
  return holder && isAlive(holder) ? holder : undefined
}

export function lockFileOf(folder: string): string {
  return path.join(path.dirname(path.resolve(folder)), 'dwar.lock')
}

/**
 * Written whole beside it and then linked: another process sees no lock or a complete one, never half of it. Links fail
 * if the name exists, which makes them the test-and-set.
 */
function create(file: string, content: string): boolean {
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, content, { mode: 0o600 })
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (sqlState(error) === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(draft)
  }
}

/** Renamed first and looked at again after: if a faster process put its own lock there meanwhile, that one goes back. */
function setAsideIfStale(file: string): void {
  const holder = parse(read(file))
  if (holder && isAlive(holder)) throw locked(holder)
  const aside = `${file}.${randomUUID()}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if (sqlState(error) === 'ENOENT') return
    throw error
  }
  const taken = parse(read(aside))
  if (taken && isAlive(taken)) linkSync(aside, file)
  unlinkSync(aside)
  if (taken && isAlive(taken)) throw locked(taken)
}

function locked(holder?: LockHolder): StoreError {
  return new StoreError(
    'STORE_LOCKED',
    `the database folder is open in another process${holder ? ` (pid ${holder.pid})` : ''}`,
  )
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (sqlState(error) === 'ENOENT') return undefined
    throw error
  }
}

function parse(text: string | undefined): LockHolder | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('pid' in value) || !Number.isInteger(value.pid))
      return undefined
    return value as LockHolder
  } catch {
    // Locks appear complete or not at all, so an unreadable one was made by nobody who is running.
    return undefined
  }
}

function isAlive(holder: LockHolder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (sqlState(error) !== 'EPERM') return false // EPERM: it lives, and belongs to somebody else
  }
  const startedAt = startOf(holder.pid)
  return holder.startedAt === undefined || startedAt === undefined || holder.startedAt === startedAt
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the name in field 2 may hold spaces, so count from its closing bracket. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    // Not Linux, or the process has just gone: the pid alone must do.
    return undefined
  }
}
